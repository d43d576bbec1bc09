//! Opens connections with the settings of each database.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::dsl::{Select, count_star};
use diesel::query_dsl::methods::{ExecuteDsl, LoadQuery, SelectDsl};
use diesel::{
    Connection as _, OptionalExtension as _, PgConnection, RunQueryDsl, SqliteConnection,
};

use super::{Result, StoreError};

/// A connection to either backend; Diesel picks the SQL.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Runs a query on the database behind an [`AnyConnection`]. The query is written once and compiled for each database,
/// which avoids the boxing of the derived connection.
macro_rules! on_backend {
    ($conn:expr, $backend:ident => $query:expr) => {
        match $conn {
            $crate::store::AnyConnection::Sqlite($backend) => $query,
            $crate::store::AnyConnection::Postgres($backend) => $query,
        }
    };
}
pub(super) use on_backend;

/// The columns of a row type, to select on either database.
pub(super) fn columns<R: diesel::Selectable<diesel::sqlite::Sqlite>>() -> R::SelectExpression {
    R::construct_selection()
}

/// Shorter ways to run queries on either database.
pub(super) trait QueryExt: RunQueryDsl<AnyConnection> + Sized {
    /// Runs a statement whose number of changed rows does not matter.
    fn run(self, conn: &mut AnyConnection) -> Result<()>
    where
        Self: ExecuteDsl<AnyConnection>,
    {
        self.execute(conn)?;
        Ok(())
    }

    /// [`Self::run`] for a statement with `ON CONFLICT`, which Diesel writes for one database only.
    fn run_on_backend(self, conn: &mut AnyConnection) -> Result<()>
    where
        Self: ExecuteDsl<SqliteConnection> + ExecuteDsl<PgConnection>,
    {
        on_backend!(conn, c => ExecuteDsl::execute(self, c))?;
        Ok(())
    }

    /// The first row of the result, if there is any.
    fn fetch_optional<'query, R>(self, conn: &mut AnyConnection) -> Result<Option<R>>
    where
        Self: LoadQuery<'query, AnyConnection, R>,
    {
        Ok(self.get_result(conn).optional()?)
    }

    /// Whether the query has rows. The rows are counted, so use this for few rows only.
    fn has_rows<'query>(self, conn: &mut AnyConnection) -> Result<bool>
    where
        Self: SelectDsl<count_star>,
        Select<Self, count_star>:
            LoadQuery<'query, AnyConnection, i64> + RunQueryDsl<AnyConnection>,
    {
        Ok(SelectDsl::select(self, count_star()).get_result(conn)? > 0)
    }
}

impl<Q: RunQueryDsl<AnyConnection>> QueryExt for Q {}

/// The supported databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The parameters for opening connections.
#[derive(Debug, Clone)]
pub struct Opening {
    pub engine: Engine,
    /// A PostgreSQL URL, or the path of the SQLite file.
    location: String,
    /// The size of the pool of reading connections.
    pub readers: usize,
    /// The time for which a SQLite connection waits for a lock, in milliseconds.
    pub busy_timeout_ms: u64,
}

impl Opening {
    /// Reads a database URL: `postgres://…`, `sqlite:path` or a plain path. Relative paths are relative to the working
    /// directory.
    ///
    /// # Errors
    /// A message for the operator if the URL has another scheme.
    pub fn parse(url: &str, readers: usize, busy_timeout_ms: u64) -> Result<Self, String> {
        let sqlite = |path: &str| Opening {
            engine: Engine::Sqlite,
            location: path.to_owned(),
            readers,
            busy_timeout_ms,
        };
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Opening {
                engine: Engine::Postgres,
                location: url.to_owned(),
                ..sqlite("")
            });
        }
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(sqlite(path.strip_prefix("//").unwrap_or(path)));
        }
        if url.contains("://") || url.is_empty() {
            return Err("use postgres://…, sqlite:PATH or a path".to_owned());
        }
        Ok(sqlite(url))
    }

    /// A placeholder while other errors of the settings are still being collected.
    #[must_use]
    pub fn fallback(busy_timeout_ms: u64) -> Self {
        Opening {
            engine: Engine::Sqlite,
            location: String::new(),
            readers: 1,
            busy_timeout_ms,
        }
    }

    /// SQLite allows one writer; PostgreSQL gets as many writers as readers.
    pub(super) fn writers(&self) -> usize {
        match self.engine {
            Engine::Sqlite => 1,
            Engine::Postgres => self.readers,
        }
    }

    /// The file's path on SQLite.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        (self.engine == Engine::Sqlite).then(|| Path::new(&self.location).to_path_buf())
    }

    /// Creates the SQLite file with mode 0600 if it is missing; SQLite copies the mode to its other files.
    pub(super) fn make_private_file(&self) -> Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.location) {
            Ok(_) => Ok(()),
            Err(e) => Err(StoreError::Unavailable(
                format!("{}: {e}", self.location).into(),
            )),
        }
    }

    pub(super) fn connect_writer(&self) -> Result<AnyConnection> {
        match self.engine {
            Engine::Sqlite => self.connect_sqlite().map(AnyConnection::Sqlite),
            Engine::Postgres => self.connect_postgres().map(AnyConnection::Postgres),
        }
    }

    pub(super) fn connect_reader(&self) -> Result<AnyConnection> {
        let mut conn = self.connect_writer()?;
        conn.batch_execute(match self.engine {
            Engine::Sqlite => "PRAGMA query_only = ON",
            Engine::Postgres => "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        })?;
        Ok(conn)
    }

    pub(super) fn connect_sqlite(&self) -> Result<SqliteConnection> {
        let mut conn = SqliteConnection::establish(&self.location)
            .map_err(|e| StoreError::Unavailable(e.into()))?;
        // The timeout comes first, because the next statements may meet a lock. `synchronous = FULL`, because an
        // acknowledged write must survive a power failure. `secure_delete` overwrites deleted data.
        conn.batch_execute(&format!(
            "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
             PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;",
            self.busy_timeout_ms
        ))?;
        Ok(conn)
    }

    pub(super) fn connect_postgres(&self) -> Result<PgConnection> {
        let mut conn = PgConnection::establish(&self.location)
            .map_err(|e| StoreError::Unavailable(e.into()))?;
        conn.batch_execute(
            "SET client_min_messages = warning; SET statement_timeout = '30s'; \
             SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';",
        )?;
        Ok(conn)
    }
}
