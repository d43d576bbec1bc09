//! The subjects of counters: keyed hashes of the accounts, mailboxes and networks whose attempts are counted.

use std::net::IpAddr;

use super::RequestContext;
use crate::domain::network::Network;

/// The length of a subject in hexadecimal digits. 128 bits of a keyed hash are enough to avoid collisions. Longer
/// subjects would take more space in the table and in its index.
const SUBJECT_CHARS: usize = 32;

/// The stored subject of a counter: [`SUBJECT_CHARS`] hexadecimal digits of a keyed hash, which reveals no name.
pub(super) fn subject(cx: &RequestContext<'_>, what: &str, whose: &str) -> String {
    let text = format!("{what}\n{whose}");
    let mut subject = cx.app.pseudonymizer.pseudonym(&text);
    subject.truncate(SUBJECT_CHARS);
    subject
}

/// The network of a client as text; see [`Network`].
pub(super) fn network(source: IpAddr) -> String {
    Network::from(source).to_string()
}
