//! Migrations: embedded in the program, numbered alike for both backends.

use diesel::connection::SimpleConnection as _;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{AnyConnection, Engine, Opening, StoreError, canonical_names, partners, services};

const SQLITE: EmbeddedMigrations = embed_migrations!("schema/sql/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("schema/sql/postgres");
/// Any number will do, as long as every node of ours takes the same. Each schema has a lock of its own.
const POSTGRES_MIGRATION_LOCK: &str = "(720411822, hashtext(current_schema()))";

/// Applies the migrations that are missing, fills in what SQL cannot compute, and returns the names of the migrations.
///
/// # Errors
/// When the database cannot be reached or a migration fails; it is then as it was before that one.
pub fn apply(opening: &Opening) -> Result<Vec<String>, StoreError> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        StoreError::Unavailable(format!("migration failed: {e}").into())
    };
    let names = |applied: Vec<diesel::migration::MigrationVersion<'_>>| {
        applied.iter().map(ToString::to_string).collect()
    };
    match opening.engine {
        Engine::Sqlite => {
            opening.make_private_file()?;
            let mut connection = opening.connect_sqlite()?;
            // Once, before any pool: many connections switching at the same time lock each other.
            connection.batch_execute("PRAGMA journal_mode = WAL")?;
            let applied = match connection.has_pending_migration(SQLITE).map_err(failed)? {
                true => connection.run_pending_migrations(SQLITE).map(names),
                false => Ok(Vec::new()),
            };
            let applied = applied.map_err(failed)?;
            fill(&mut AnyConnection::Sqlite(connection))?;
            Ok(applied)
        }
        Engine::Postgres => {
            let mut connection = opening.connect_postgres()?;
            // Nodes that start together wait for the one that migrates, however long that takes.
            connection.batch_execute(&format!(
                "SET lock_timeout = 0; SELECT pg_advisory_lock{POSTGRES_MIGRATION_LOCK}"
            ))?;
            let applied = connection.run_pending_migrations(POSTGRES).map(names);
            let applied = applied.map_err(failed)?;
            let mut connection = AnyConnection::Postgres(connection);
            fill(&mut connection)?;
            connection.batch_execute(&format!(
                "SELECT pg_advisory_unlock{POSTGRES_MIGRATION_LOCK}"
            ))?;
            Ok(applied)
        }
    }
}

/// Fills the columns and tables of canonical forms, which SQL cannot make.
fn fill(connection: &mut AnyConnection) -> Result<(), StoreError> {
    services::fill_compared_ids(connection)?;
    partners::fill_claims(connection)?;
    canonical_names::bring_up_to_date(connection)
}
