//! The store: SQLite or PostgreSQL behind one type; the only module that imports Diesel.
//!
//! Queries for one row use `get_result` and not `first`: `first` binds a LIMIT, and SQLite prepares a statement again
//! whenever another value is bound to its LIMIT.

pub mod agreements;
pub mod applications;
pub mod attempts;
pub mod audit;
pub mod callback_queues;
mod canonical_names;
pub mod changes;
pub mod clients;
pub mod connection;
pub mod consents;
mod database;

pub mod email_undos;
mod error;
pub mod external_identities;
mod finding;
pub mod findings;
pub mod first_attempts;
pub mod known_sources;
mod login_names;
pub mod migrate;

mod lines;
mod misleading_names;
pub mod one_time_tokens;
pub mod organisations;
pub mod outbox;
pub mod partners;
pub mod password_cost;
mod pool;
pub mod portals;
pub mod profiles;
pub mod refusals;
pub mod services;
pub mod sessions;
pub mod settings;
pub mod sizes;
mod tables;
pub mod token_families;
mod transaction;
pub mod unconfirmed;
pub mod used_assertions;
mod user_row;
pub mod user_search;
pub mod users;

use connection::QueryExt;
pub use connection::{AnyConnection, Engine, Opening};
pub use database::Store;
pub use error::{Result, StepError, StoreError};
