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
            ClosedConnection, ForeignKeyViolation, SerializationFailure, UniqueViolation,
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
            // Diesel reports SQLITE_BUSY and SQLSTATE 40P01 without a code of their own, so that their
            // fixed messages have to do.
            DieselError::DatabaseError(_, info) => match info.message() {
                "database is locked" => StoreError::Unavailable(error.into()),
                "deadlock detected" => StoreError::Collided(error),
                _ => StoreError::Failed(error),
            },
            _ => StoreError::Failed(error),
        }
    }
}

impl From<StoreError> for std::io::Error {
    fn from(error: StoreError) -> Self {
        Self::other(error)
    }
}

/// The error of a business step. The store looks for its own error in it, to run a step again that collided with another.
pub trait StepError: From<StoreError> {
    /// The store's error, if the step failed with one.
    fn store_error(&self) -> Option<&StoreError>;
}

impl StepError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}
