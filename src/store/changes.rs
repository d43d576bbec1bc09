//! Notices changes of the registry: by NOTIFY on PostgreSQL, by polling on SQLite.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{PgConnection, RunQueryDsl as _};

use super::{AnyConnection, Engine, Opening, Result};

/// The channel. It belongs to the whole database, so a change also wakes gateways in other schemas.
const CHANNEL: &str = "chaingun_registry";
/// The interval of polling on PostgreSQL. Polling is needed there too, because a connection pooler may drop
/// notifications.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Notifies the other nodes when the transaction commits.
pub(super) fn notify_nodes(conn: &mut AnyConnection) -> Result<()> {
    // SQLite has no other node; other processes on the same file poll.
    if let AnyConnection::Postgres(c) = conn {
        diesel::sql_query(format!("NOTIFY {CHANNEL}")).execute(c)?;
    }
    Ok(())
}

/// Listens for changes of the registry.
pub struct Changes<'a> {
    opening: &'a Opening,
    /// The listening connection; `None` before the first poll and after a failure.
    listening: Option<PgConnection>,
    asked: Option<Instant>,
}

impl<'a> Changes<'a> {
    pub(super) fn new(opening: &'a Opening) -> Self {
        Self {
            opening,
            listening: None,
            asked: None,
        }
    }

    /// Whether the registry may have changed since the last call. Returns at once.
    pub fn may_have_changed(&mut self) -> bool {
        // Reading the version from SQLite costs less than a timer.
        if self.opening.engine == Engine::Sqlite {
            return true;
        }
        let notified = self.was_notified().unwrap_or_else(|_| {
            self.listening = None;
            true
        });
        let due = self.asked.is_none_or(|at| at.elapsed() > POLL_INTERVAL);
        if notified || due {
            self.asked = Some(Instant::now());
        }
        notified || due
    }

    /// Whether a notification arrived. Also `true` when the channel has just been opened, because earlier notifications
    /// were missed.
    fn was_notified(&mut self) -> Result<bool> {
        if let Some(conn) = &mut self.listening {
            let mut notified = false;
            for notification in conn.notifications_iter() {
                notification?;
                notified = true;
            }
            return Ok(notified);
        }
        let mut conn = self.opening.connect_postgres()?;
        conn.batch_execute(&format!("LISTEN {CHANNEL}"))?;
        self.listening = Some(conn);
        Ok(true)
    }
}
