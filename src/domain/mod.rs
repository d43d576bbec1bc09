//! Pure rules about users, organisations, passwords and tokens; no I/O, no wire names, nothing else of ours.

pub mod audit_event;
pub mod client;
pub mod external_identity;
pub mod hidden;
pub mod mailbox;
pub mod names;
pub mod network;
pub mod notice;
pub mod one_time_token;
pub mod organisation;
pub mod outbox;
pub mod password;
pub mod plain_name;
pub mod retention;
pub mod roles;
pub mod session;
pub mod text;
pub mod throttle;
pub mod user;
pub mod web;
pub mod windows;
pub mod words;

/// Milliseconds since 1970-01-01T00:00:00Z; the only way this program writes a time down.
pub type Millis = i64;
