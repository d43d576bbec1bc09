//! The errors of the store.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the database. Faults of a request are never a `StoreError`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The gateway cannot reach the database, or did not get a lock or a connection in time.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another transaction interfered; the step can run again.
    #[error("a database statement failed: {0}")]
    Collided(#[source] DieselError),
    /// A statement failed: a bug of the gateway, or damaged data.
    #[error("a database statement failed: {0}")]
    Failed(#[source] DieselError),
}

/// The result of a function of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind::{
            ClosedConnection, ForeignKeyViolation, SerializationFailure, UniqueViolation, Unknown,
        };
        match &error {
            DieselError::DatabaseError(ClosedConnection, _) => {
                StoreError::Unavailable(error.into())
            }
            // A foreign key fails if another transaction has deleted the row that it refers to.
            DieselError::DatabaseError(
                SerializationFailure | UniqueViolation | ForeignKeyViolation,
                _,
            ) => StoreError::Collided(error),
            // Diesel shows no error code for the next two errors. SQLite is built in, and the message of SQLITE_BUSY
            // is one of its constants. PostgreSQL translates its messages (`lc_messages`, which only superusers may
            // set), so a deadlock (40P01) is recognised by its form: among the errors of unknown kind, only a deadlock
            // has a detail and a hint but no position in the statement. If another error has this form, the step only
            // runs a few more times and is rolled back each time.
            DieselError::DatabaseError(Unknown, info) if info.message() == "database is locked" => {
                StoreError::Unavailable(error.into())
            }
            DieselError::DatabaseError(Unknown, info)
                if info.details().and(info.hint()).is_some()
                    && info.statement_position().is_none() =>
            {
                StoreError::Collided(error)
            }
            _ => StoreError::Failed(error),
        }
    }
}

impl From<StoreError> for std::io::Error {
    fn from(error: StoreError) -> Self {
        Self::other(error)
    }
}

/// The error of a business step. If it holds [`StoreError::Collided`], the store repeats the step.
pub trait StepError: From<StoreError> {
    /// The store's error, if the step failed with one.
    fn store_error(&self) -> Option<&StoreError>;
}

impl StepError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::DatabaseErrorInformation;

    use super::*;

    /// An error of PostgreSQL: its detail, its hint and its position.
    struct Reported(Option<&'static str>, Option<&'static str>, Option<i32>);

    impl DatabaseErrorInformation for Reported {
        fn message(&self) -> &str {
            "holtpont"
        }
        fn details(&self) -> Option<&str> {
            self.0
        }
        fn hint(&self) -> Option<&str> {
            self.1
        }
        fn table_name(&self) -> Option<&str> {
            None
        }
        fn column_name(&self) -> Option<&str> {
            None
        }
        fn constraint_name(&self) -> Option<&str> {
            None
        }
        fn statement_position(&self) -> Option<i32> {
            self.2
        }
    }

    #[test]
    fn recognises_a_deadlock_in_any_language() {
        let collides = |detail, hint, position| {
            let reported = Box::new(Reported(detail, hint, position));
            let error = DieselError::DatabaseError(DatabaseErrorKind::Unknown, reported);
            matches!(StoreError::from(error), StoreError::Collided(_))
        };
        assert!(collides(Some("Process 1 waits"), Some("See the log"), None));
        assert!(!collides(Some("Process 1 waits"), None, None));
        assert!(!collides(None, Some("See the log"), None));
        assert!(!collides(Some("a"), Some("b"), Some(8)));
    }
}
