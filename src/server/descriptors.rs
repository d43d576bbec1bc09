//! File descriptors: a process may often open 1,024 only, until it asks for as many as it is allowed.

use super::ServerConfig;

/// Descriptors of one connection to the database: on SQLite the file, its log and its index.
const PER_DATABASE_CONNECTION: usize = 3;
/// Connections to the database beside those of the workers.
const OTHER_DATABASE_CONNECTIONS: usize = 4;
/// For everything else: standard streams, the runtime, mails and callbacks on their way, files that are read.
const OTHER: usize = 128;

/// How many descriptors this configuration may need at a time.
fn needed(config: &ServerConfig) -> u64 {
    let workers = config.read_threads + config.write_threads + config.hash_threads;
    let store = (workers + OTHER_DATABASE_CONNECTIONS) * PER_DATABASE_CONNECTION;
    let all = config.max_connections + config.reserved_connections + store + OTHER;
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// Raises the soft limit to the hard one, and warns if that is not enough.
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
