//! The store: SQLite or PostgreSQL behind one type; the only module that knows SQL.
//!
//! One row is asked for with `get_result`, never with `first`: that binds a LIMIT, and SQLite parses a
//! statement anew each time another value is bound to its LIMIT.

pub mod agreements;
pub mod applications;
pub mod attempts;
pub mod audit;
mod canonical_names;
pub mod changes;
pub mod clients;
pub mod connection;
pub mod consents;

pub mod email_undos;
pub mod external_identities;
pub mod findings;
pub mod first_attempts;
mod held_names;
pub mod known_sources;
pub mod migrate;

mod misleading_names;
pub mod one_time_tokens;
pub mod organisations;
pub mod outbox;
pub mod partners;
pub mod password_cost;
pub mod portals;
pub mod profiles;
pub mod refusals;
pub mod services;
pub mod sessions;
pub mod settings;
pub mod sizes;
mod tables;
pub mod token_families;
pub mod used_assertions;
pub mod user_search;
pub mod users;

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use changes::Changes;
pub use connection::{AnyConnection, Engine, Opening};
use user_search::PageAnchors;

/// What can go wrong with the store as a whole; what is wrong with a request never is.
#[derive(Debug)]
pub enum StoreError {
    /// The database cannot be reached, or its locks were not to be had in time.
    Unavailable(String),
    /// Another transaction got in between; the step can be run again.
    Collided(DieselError),
    /// A statement failed; a bug of ours or damage to the data.
    Failed(DieselError),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Unavailable(text) => write!(f, "the database is not available: {text}"),
            StoreError::Collided(error) | StoreError::Failed(error) => {
                write!(f, "a database statement failed: {error}")
            }
        }
    }
}

impl std::error::Error for StoreError {}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind::{
            ClosedConnection, ForeignKeyViolation, SerializationFailure, UniqueViolation,
        };
        match &error {
            DieselError::DatabaseError(ClosedConnection, _) => {
                StoreError::Unavailable(error.to_string())
            }
            // Of a foreign key: what it points to has been deleted meanwhile.
            DieselError::DatabaseError(
                SerializationFailure | UniqueViolation | ForeignKeyViolation,
                _,
            ) => StoreError::Collided(error),
            _ => {
                let text = error.to_string();
                if text.contains("database is locked") {
                    StoreError::Unavailable(text)
                } else if text.contains("deadlock detected") {
                    StoreError::Collided(error)
                } else {
                    StoreError::Failed(error)
                }
            }
        }
    }
}

/// The error of a business step, which the store must be able to look into: a step that only
/// collided with another is run again.
pub trait StepError: From<StoreError> {
    /// The store's error, if it was one.
    fn store_error(&self) -> Option<&StoreError>;
}

impl StepError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// How often a write is tried again when PostgreSQL reports that it collided with another.
const COLLISION_TRIES: u32 = 5;
/// How long a caller waits for a connection before the store counts as unavailable.
const CONNECTION_WAIT: Duration = Duration::from_secs(10);

/// The database, with its connections.
pub struct Store {
    opening: Opening,
    readers: Connections,
    /// For searches, so that they never hold all that the others read with.
    searchers: Connections,
    /// For who asks whether the store can be reached.
    probes: Connections,
    writers: Connections,
    page_anchors: PageAnchors,
}

impl Store {
    /// Opens the database, applying migrations first.
    ///
    /// # Errors
    /// When it cannot be reached, or is not ours to use.
    pub fn open(opening: Opening) -> Result<Self, StoreError> {
        migrate::apply(&opening)?;
        Ok(Self {
            readers: Connections::new(opening.readers),
            searchers: Connections::new(opening.readers),
            probes: Connections::new(1),
            writers: Connections::new(opening.writers()),
            page_anchors: PageAnchors::default(),
            opening,
        })
    }

    /// Which kind of database this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.opening.engine
    }

    /// The page anchors of the user search.
    #[must_use]
    pub fn page_anchors(&self) -> &PageAnchors {
        &self.page_anchors
    }

    /// Listens for changes of the registry, on a connection of its own.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        Changes::new(&self.opening)
    }

    /// Runs queries that change nothing.
    pub fn read<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_with(&self.readers, run)
    }

    /// The same for queries that may take long, on connections of their own.
    pub fn search<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_with(&self.searchers, run)
    }

    /// The same for probes, on a connection of their own that no request holds.
    pub fn probe<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_with(&self.probes, run)
    }

    fn read_with<T, E: StepError>(
        &self,
        connections: &Connections,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut held = connections.take(|| self.opening.connect_reader())?;
        let result = run(held.get());
        held.judge(&result);
        result
    }

    /// The same on a connection of its own, for what takes so long that requests would miss the connection.
    pub fn read_apart<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        run(&mut self.opening.connect_reader()?)
    }

    /// Runs one business step in one transaction, which is undone if the closure fails. It may be
    /// run more than once, when two transactions collide.
    pub fn write<T, E: StepError>(
        &self,
        mut run: impl FnMut(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut held = self.writers.take(|| self.opening.connect_writer())?;
        let mut tries = 0;
        loop {
            tries += 1;
            let result = transaction(held.get(), &mut run);
            held.judge(&result);
            let collided = matches!(
                result.as_ref().err().and_then(StepError::store_error),
                Some(StoreError::Collided(_))
            );
            if !collided || tries >= COLLISION_TRIES {
                return result;
            }
        }
    }
}

impl Store {
    /// Moves what was written into the database file itself and empties the log beside it, so that nothing erased stays
    /// there. PostgreSQL looks after itself.
    ///
    /// # Errors
    /// The store's; readers in the way are none, it is done the next time.
    pub fn settle_files(&self) -> Result<(), StoreError> {
        if self.engine() == Engine::Postgres {
            return Ok(());
        }
        let mut held = self.writers.take(|| self.opening.connect_writer())?;
        // Not for long, while it holds the only writer: who reads now is out of the way the next time.
        let settled = held
            .get()
            .batch_execute(&format!(
                "PRAGMA busy_timeout = 50; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = {}",
                self.opening.busy_timeout_ms
            ))
            .map_err(StoreError::from);
        held.judge(&settled);
        settled
    }
}

fn transaction<T, E: StepError>(
    connection: &mut AnyConnection,
    run: &mut impl FnMut(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    // Always IMMEDIATE on SQLite: a transaction that starts by reading and then writes fails at
    // once when another wrote in between, whatever the timeout.
    let begin = match connection {
        AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
        AnyConnection::Postgres(_) => "BEGIN",
    };
    let control = |connection: &mut AnyConnection, sql| {
        connection
            .batch_execute(sql)
            .map_err(|e| E::from(StoreError::from(e)))
    };
    control(connection, begin)?;
    match run(connection) {
        Ok(value) => match control(connection, "COMMIT") {
            Ok(()) => Ok(value),
            Err(error) => {
                // A failed COMMIT leaves SQLite inside the transaction.
                let _ = connection.batch_execute("ROLLBACK");
                Err(error)
            }
        },
        Err(error) => {
            let _ = connection.batch_execute("ROLLBACK");
            Err(error)
        }
    }
}

/// A bounded set of connections, opened when first needed.
struct Connections {
    idle: Mutex<Pool>,
    returned: Condvar,
}

struct Pool {
    idle: Vec<AnyConnection>,
    /// How many more may be opened.
    room: usize,
}

impl Connections {
    fn new(most: usize) -> Self {
        Self {
            idle: Mutex::new(Pool {
                idle: Vec::with_capacity(most),
                room: most,
            }),
            returned: Condvar::new(),
        }
    }

    fn take(
        &self,
        open: impl FnOnce() -> Result<AnyConnection, StoreError>,
    ) -> Result<Held<'_>, StoreError> {
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = pool.idle.pop() {
                return Ok(Held {
                    pool: self,
                    connection: Some(connection),
                    broken: false,
                });
            }
            if pool.room > 0 {
                pool.room -= 1;
                drop(pool);
                let mut held = Held {
                    pool: self,
                    connection: None,
                    broken: true,
                };
                held.connection = Some(open()?);
                held.broken = false;
                return Ok(held);
            }
            let (guard, waited) = self
                .returned
                .wait_timeout(pool, CONNECTION_WAIT)
                .unwrap_or_else(PoisonError::into_inner);
            pool = guard;
            if waited.timed_out() && pool.idle.is_empty() && pool.room == 0 {
                return Err(StoreError::Unavailable(
                    "no free connection in time".to_owned(),
                ));
            }
        }
    }
}

/// A connection in use; goes back on drop, also when the step panics.
struct Held<'a> {
    pool: &'a Connections,
    connection: Option<AnyConnection>,
    broken: bool,
}

impl Held<'_> {
    #[expect(
        clippy::expect_used,
        reason = "only take() makes one, and always with a connection"
    )]
    fn get(&mut self) -> &mut AnyConnection {
        self.broken = std::thread::panicking();
        self.connection
            .as_mut()
            .expect("a held connection is there")
    }

    /// A connection that lost its server is not used again.
    fn judge<T, E: StepError>(&mut self, result: &Result<T, E>) {
        let error = result.as_ref().err().and_then(StepError::store_error);
        self.broken |= matches!(error, Some(StoreError::Unavailable(_)));
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut pool = self
            .pool
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match self.connection.take() {
            Some(connection) if !self.broken && !std::thread::panicking() => {
                pool.idle.push(connection);
            }
            _ => pool.room += 1,
        }
        drop(pool);
        self.pool.returned.notify_one();
    }
}
