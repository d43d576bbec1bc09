//! Reports files with secrets that other users of the machine can read or change.

use std::path::{Path, PathBuf};

use chaingun_gateway::config::{self, Config};
use chaingun_gateway::registry::file::secret_places;

/// Mode bits of the group and of others.
const ANY_BY_OTHERS: u32 = 0o077;
const WRITE_BY_OTHERS: u32 = 0o022;

/// One message for each file whose mode is too open. Only the owner may read keys, databases and configuration files
/// with secrets, and only the owner may write any of them.
pub fn findings(
    config: &Config,
    settings_file: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let keys = std::fs::read_dir(config.keys_dir()).into_iter().flatten();
    let mut private: Vec<PathBuf> = keys.flatten().map(|entry| entry.path()).collect();
    private.sort();
    private.push(config.keys_dir());
    private.push(config.data_dir.join("gateway.db"));
    private.extend(config::secret_files(environment));
    let mut shared = Vec::new();
    if let Some(path) = settings_file {
        match config::holds_a_secret(path) {
            true => private.push(path.to_owned()),
            false => shared.push(path.to_owned()),
        }
    }
    if let Some(path) = &config.registry {
        let places = secret_places(path);
        match places.inside {
            true => private.push(path.clone()),
            // A user who can write to the registry file can grant every right.
            false => shared.push(path.clone()),
        }
        private.extend(places.files);
    }
    let private = private.iter().map(|path| (path, ANY_BY_OTHERS));
    let shared = shared.iter().map(|path| (path, WRITE_BY_OTHERS));
    private
        .chain(shared)
        .filter_map(|(path, forbidden)| finding(path, forbidden))
        .collect()
}

/// The finding about one file; `None` if the mode is right, the file is missing, or the system has no modes.
#[cfg(unix)]
fn finding(path: &Path, forbidden: u32) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o777;
    let what = match mode & forbidden {
        0 => return None,
        wide if wide & WRITE_BY_OTHERS != 0 => "change",
        _ => "read",
    };
    Some(format!(
        "other users of this machine can {what} {path} (mode {mode:04o}); allow only its owner: chmod go-{bits} {path}",
        path = path.display(),
        bits = if forbidden == ANY_BY_OTHERS {
            "rwx"
        } else {
            "w"
        },
    ))
}

#[cfg(not(unix))]
fn finding(_: &Path, _: u32) -> Option<String> {
    None
}
