//! The opened database with its pools of connections.

use diesel::connection::SimpleConnection as _;

use super::changes::Changes;
use super::pool::ConnectionPool;
use super::user_search::PageAnchors;
use super::{AnyConnection, Engine, Opening, Result, StepError, StoreError, migrate, transaction};

/// The database. Every query runs on a connection from one of its pools.
pub struct Store {
    opening: Opening,
    readers: ConnectionPool,
    /// Separate from `readers`, so that searches never occupy all connections that other reads need.
    searchers: ConnectionPool,
    /// For health probes.
    probes: ConnectionPool,
    writers: ConnectionPool,
    page_anchors: PageAnchors,
}

impl Store {
    /// Applies the missing migrations and opens the database.
    pub fn open(opening: Opening) -> Result<Self> {
        migrate::apply(&opening)?;
        Ok(Self {
            readers: ConnectionPool::new(opening.readers),
            searchers: ConnectionPool::new(opening.readers),
            probes: ConnectionPool::new(1),
            writers: ConnectionPool::new(opening.writers()),
            page_anchors: PageAnchors::default(),
            opening,
        })
    }

    /// The kind of database.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.opening.engine
    }

    /// The page anchors of the user search.
    #[must_use]
    pub fn page_anchors(&self) -> &PageAnchors {
        &self.page_anchors
    }

    /// Listens for changes of the registry on a connection of its own.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        Changes::new(&self.opening)
    }

    /// Runs queries that change nothing.
    pub fn read<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_from(&self.readers, run)
    }

    /// Runs queries that change nothing and may take long, on connections reserved for searches.
    pub fn search<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_from(&self.searchers, run)
    }

    /// Runs a health probe, on a connection that no request can occupy.
    pub fn probe<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.read_from(&self.probes, run)
    }

    fn read_from<T, E: StepError>(
        &self,
        pool: &ConnectionPool,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        pool.take(|| self.opening.connect_reader())?.run(run)
    }

    /// Runs queries that change nothing on a connection outside of the pools, for reports that read whole tables.
    pub fn read_apart<T, E: StepError>(
        &self,
        run: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        run(&mut self.opening.connect_reader()?)
    }

    /// Runs one business step in one transaction. An error of the step rolls the transaction back. The step may run more
    /// than once, if two transactions collide.
    pub fn write<T, E: StepError>(
        &self,
        step: impl FnMut(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.writers
            .take(|| self.opening.connect_writer())?
            .run(|c| transaction::retry(c, step))
    }

    /// Copies SQLite's write-ahead log into the database file and empties it, so that no erased data stays in it.
    /// Readers can delay the checkpoint; the next call then completes it. On PostgreSQL the call does nothing.
    pub fn checkpoint(&self) -> Result<()> {
        if self.engine() == Engine::Postgres {
            return Ok(());
        }
        // A short timeout, because the checkpoint occupies the only writer while it waits for readers.
        let sql = format!(
            "PRAGMA busy_timeout = 50; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = {}",
            self.opening.busy_timeout_ms
        );
        self.writers
            .take(|| self.opening.connect_writer())?
            .run(|c| c.batch_execute(&sql).map_err(StoreError::from))
    }
}
