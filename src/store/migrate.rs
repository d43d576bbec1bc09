//! Migrations, embedded in the program and numbered alike for both databases.

use diesel::connection::SimpleConnection as _;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{
    AnyConnection, Engine, Opening, Result, StoreError, canonical_names, partners, services,
};

const SQLITE: EmbeddedMigrations = embed_migrations!("schema/sql/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("schema/sql/postgres");
/// An arbitrary number that all nodes share. Each schema has a lock of its own.
const POSTGRES_MIGRATION_LOCK: &str = "(720411822, hashtext(current_schema()))";

/// Applies the missing migrations, computes the columns that SQL cannot compute, and returns the names of the
/// migrations.
///
/// # Errors
/// A failed migration is rolled back; the ones before it stay applied.
pub fn apply(opening: &Opening) -> Result<Vec<String>> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        StoreError::Unavailable(format!("migration failed: {e}").into())
    };
    let names = |applied: Vec<diesel::migration::MigrationVersion<'_>>| {
        applied.iter().map(ToString::to_string).collect()
    };
    match opening.engine {
        Engine::Sqlite => {
            opening.make_private_file()?;
            let mut conn = opening.connect_sqlite()?;
            // Set the journal mode before any pool opens: connections that switch the mode at the same time lock each
            // other.
            conn.batch_execute("PRAGMA journal_mode = WAL")?;
            let applied = match conn.has_pending_migration(SQLITE).map_err(failed)? {
                true => conn.run_pending_migrations(SQLITE).map(names),
                false => Ok(Vec::new()),
            };
            let applied = applied.map_err(failed)?;
            fill(&mut AnyConnection::Sqlite(conn))?;
            Ok(applied)
        }
        Engine::Postgres => {
            let mut conn = opening.connect_postgres()?;
            // Nodes that start at the same time wait for the node that migrates, without a timeout.
            conn.batch_execute(&format!(
                "SET lock_timeout = 0; SELECT pg_advisory_lock{POSTGRES_MIGRATION_LOCK}"
            ))?;
            let applied = conn.run_pending_migrations(POSTGRES).map(names);
            let applied = applied.map_err(failed)?;
            let mut conn = AnyConnection::Postgres(conn);
            fill(&mut conn)?;
            conn.batch_execute(&format!(
                "SELECT pg_advisory_unlock{POSTGRES_MIGRATION_LOCK}"
            ))?;
            Ok(applied)
        }
    }
}

/// Computes the columns and tables of canonical forms.
fn fill(conn: &mut AnyConnection) -> Result<()> {
    services::fill_compared_ids(conn)?;
    partners::fill_claims(conn)?;
    canonical_names::bring_up_to_date(conn)
}
