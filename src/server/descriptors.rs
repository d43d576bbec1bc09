//! The limit on file descriptors: most systems start a process with a soft limit of 1,024, which the process may raise
//! to its hard limit.

use super::config::ServerConfig;

/// Descriptors of one database connection: on SQLite the database, its write-ahead log and the log's index.
const PER_DATABASE_CONNECTION: usize = 3;
/// Database connections beside those of the workers.
const OTHER_DATABASE_CONNECTIONS: usize = 4;
/// Descriptors for everything else: standard streams, the runtime, deliveries and files.
const OTHER: usize = 128;

/// The number of descriptors that this configuration may need.
fn needed(config: &ServerConfig) -> u64 {
    let workers = config.read_threads + config.write_threads + config.hash_threads;
    let store = (workers + OTHER_DATABASE_CONNECTIONS) * PER_DATABASE_CONNECTION;
    let all = config.max_connections + config.reserved_connections + store + OTHER;
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// Raises the soft limit to the hard limit, and warns if that is too low.
pub fn raise(config: &ServerConfig) {
    let needed = needed(config);
    #[cfg(unix)]
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit >= needed => {}
        Ok(limit) => tracing::warn!(
            limit,
            needed,
            "too few file descriptors for limits.connections: raise the limit of the process (ulimit -n, LimitNOFILE), \
             or lower the setting"
        ),
        Err(error) => tracing::warn!(
            cause = %error,
            needed,
            "the limit on file descriptors could not be raised"
        ),
    }
}
