//! The real program as a separate process, for tests of signals, limits and crashes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use chaingun_gateway::config;

use super::Speaker;

/// The real program as a separate process.
pub struct Process {
    child: Child,
    pub speaker: Speaker,
    log: Arc<(Mutex<String>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts the program with these settings and flags, on the embedded database if there is no URL, and waits until
    /// the program listens.
    pub fn start(
        data: &Path,
        database_url: Option<String>,
        settings: &[(&str, &str)],
        flags: &[&str],
    ) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_chaingun-gateway"));
        Self::start_as(program, data, database_url, settings, flags)
    }

    /// Starts the program with a limit on open files: `-Sn 64` sets the soft limit, `-n 64` sets both limits.
    pub fn start_with_files(limit: &str, data: &Path, settings: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_chaingun-gateway")]);
        Self::start_as(shell, data, None, settings, &[])
    }

    fn start_as(
        mut command: Command,
        data: &Path,
        database_url: Option<String>,
        settings: &[(&str, &str)],
        flags: &[&str],
    ) -> Self {
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(flags)
            .env("GATEWAY_DATA_DIR", data)
            .env("GATEWAY_PASSWORD_COST", "4")
            .env("GATEWAY_LIMITS_HASH_QUEUE", "200")
            .env("GATEWAY_LOG_FORMAT", "json")
            .envs(
                settings
                    .iter()
                    .map(|(name, value)| (config::variable(name), value)),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Some(url) = database_url {
            command.env("GATEWAY_DATABASE_URL", url);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut head = String::new();
        let address = lines
            .by_ref()
            .find_map(|line| {
                let line = line.unwrap();
                head.extend([&line, "\n"]);
                let line: serde_json::Value = serde_json::from_str(&line).ok()?;
                line.pointer("/fields/address")?.as_str()?.parse().ok()
            })
            .unwrap();
        // A thread reads the log, because the program would block on a full pipe.
        let log = Arc::new((Mutex::new(head), Condvar::new()));
        let written = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *written.0.lock().unwrap() += &(line + "\n");
                written.1.notify_all();
            }
        });
        Self {
            child,
            speaker: Speaker { address },
            log,
            reader: Some(reader),
        }
    }

    /// The process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the program with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until the log contains the text.
    pub fn wait_for(&self, text: &str) {
        let (log, grown) = &*self.log;
        let log = log.lock().unwrap();
        let limit = Duration::from_secs(20);
        let is_missing = |log: &mut String| !log.contains(text);
        let (log, waited) = grown.wait_timeout_while(log, limit, is_missing).unwrap();
        assert!(!waited.timed_out(), "{log}");
    }

    /// Stops the program gracefully and returns its log.
    pub fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        assert!(
            self.child.wait().unwrap().success(),
            "a graceful stop ends with success"
        );
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.log.0.lock().unwrap())
    }
}

/// Kills the process when a test fails.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
