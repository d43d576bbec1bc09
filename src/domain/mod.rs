//! Rules about users, organisations, passwords and tokens, as pure functions: no I/O, no wire names, no imports of
//! other modules.

pub mod audit_event;
pub mod client;
pub mod external_identity;
pub mod hidden;
pub mod mailbox;
pub mod masking;
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

/// A duration in milliseconds, or a time in milliseconds since the Unix epoch. This program has no other type for time.
pub type Millis = i64;
