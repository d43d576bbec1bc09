//! How a node hears that the registry has changed, without asking for it all the time: by NOTIFY on PostgreSQL.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{PgConnection, RunQueryDsl as _};

use super::{AnyConnection, Engine, Opening, StoreError};

/// The channel. It belongs to the whole database, so that a gateway in another schema of it is heard too, for nothing.
const CHANNEL: &str = "chaingun_registry";
/// How often PostgreSQL is asked although nothing was heard: there may be a pooler between, through which nothing is.
const ASK_ANYWAY: Duration = Duration::from_secs(10);

/// Tells the other nodes, as soon as the transaction is in force, that they have to look.
pub(super) fn tell(connection: &mut AnyConnection) -> Result<(), StoreError> {
    // An embedded database has no other node, and other processes of it are found out by asking.
    if let AnyConnection::Postgres(c) = connection {
        diesel::sql_query(format!("NOTIFY {CHANNEL}")).execute(c)?;
    }
    Ok(())
}

/// Listens for changes of the registry.
pub struct Changes<'a> {
    opening: &'a Opening,
    /// Listens; none before the first time, and after it broke.
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

    /// Whether the registry may have changed since this was asked the last time; never waits for it.
    pub fn may_have_come(&mut self) -> bool {
        // One look into an embedded database costs less than remembering when.
        if self.opening.engine == Engine::Sqlite {
            return true;
        }
        let heard = self.heard().unwrap_or_else(|_| {
            self.listening = None;
            true
        });
        let due = self.asked.is_none_or(|at| at.elapsed() > ASK_ANYWAY);
        if heard || due {
            self.asked = Some(Instant::now());
        }
        heard || due
    }

    /// Whether the channel had anything; also when it has only just been opened, since nobody listened before.
    fn heard(&mut self) -> Result<bool, StoreError> {
        if let Some(connection) = &mut self.listening {
            let mut heard = false;
            for notification in connection.notifications_iter() {
                notification?;
                heard = true;
            }
            return Ok(heard);
        }
        let mut connection = self.opening.connect_postgres()?;
        connection.batch_execute(&format!("LISTEN {CHANNEL}"))?;
        self.listening = Some(connection);
        Ok(true)
    }
}
