//! Migrations: embedded in the program, numbered alike for both backends.

use diesel::connection::SimpleConnection as _;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{Engine, Opening, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("schema/sql/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("schema/sql/postgres");
/// Any number will do, as long as every node of ours takes the same.
const POSTGRES_MIGRATION_LOCK: i64 = 7_204_118_225;

/// Applies what is missing and returns the names of what was applied.
///
/// # Errors
/// When the database cannot be reached or a migration fails; it is then as it was before that one.
pub fn apply(opening: &Opening) -> Result<Vec<String>, StoreError> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        StoreError::Unavailable(format!("migration failed: {e}"))
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
            if !connection.has_pending_migration(SQLITE).map_err(failed)? {
                return Ok(Vec::new());
            }
            let applied = connection.run_pending_migrations(SQLITE).map(names);
            applied.map_err(failed)
        }
        Engine::Postgres => {
            let mut connection = opening.connect_postgres()?;
            connection.batch_execute(&format!(
                "SELECT pg_advisory_lock({POSTGRES_MIGRATION_LOCK})"
            ))?;
            let applied = connection.run_pending_migrations(POSTGRES).map(names);
            connection.batch_execute(&format!(
                "SELECT pg_advisory_unlock({POSTGRES_MIGRATION_LOCK})"
            ))?;
            applied.map_err(failed)
        }
    }
}
