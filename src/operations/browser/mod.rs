//! Operations of the browser pages: sign in and out, and manage one's own account. Only pages call them, so no
//! published contract contains them.

pub mod accept_agreement;
pub mod change_own_password;
pub mod choose_organisation;
pub mod delete_own_account;
pub mod end_session;
pub mod leave_service;
pub mod register_visitor;
pub mod show_account;
pub mod show_take_over;
pub mod show_visitor;
pub mod sign_in;
pub mod sign_out;
pub mod take_over;
pub mod undo_email_change;
pub mod unlink_identity;
pub mod withdraw_agreement;

use crate::domain::session;
use crate::operations::prelude::*;
use crate::store::profiles::Profile;
use crate::store::sessions::{self, NewSession, Session};

pub use show_account::{Account, KnownAgreement, KnownService};

/// A new session.
#[derive(Debug)]
pub struct SignedIn {
    /// The value of the session cookie.
    pub token: Secret,
    /// The value of the cookie that identifies the browser at later sign-ins.
    pub known_browser: Secret,
    /// The user's organisations.
    pub memberships: Vec<Membership>,
}

/// A user whose browser is signed in.
#[derive(Debug)]
pub struct Visitor {
    pub user: User,
    pub session: Session,
    pub profile: Profile,
    /// The user's organisations.
    pub memberships: Vec<Membership>,
}

/// Starts a session of this user in the caller's transaction. The session gets a new token and replaces the browser's
/// earlier session, which prevents session fixation.
pub fn begin_session(tx: &mut Transaction<'_>, user_id: i64, user_agent: &str) -> Result<Secret> {
    Ok(begin_session_in(tx, user_id, user_agent, None)?.0)
}

/// Like [`begin_session`], with this organisation chosen. Also returns the number of the session.
pub fn begin_session_in(
    tx: &mut Transaction<'_>,
    user_id: i64,
    user_agent: &str,
    organisation_uuid: Option<&str>,
) -> Result<(Secret, i64)> {
    if let (Some(user), Some(old)) = (&tx.cx.user, &tx.cx.session) {
        sessions::end(tx.conn, user.id, old.id)?;
    }
    let most = tx.cx.app.rules.retention.sessions_of_user;
    sessions::end_oldest(tx.conn, user_id, most - 1)?;
    let entropy = &tx.cx.app.entropy;
    let token = session::format([entropy.bytes(), entropy.bytes()]);
    let now = tx.cx.app.clock.now();
    let user_agent: String = user_agent.chars().take(session::USER_AGENT_CHARS).collect();
    let id = sessions::start(
        tx.conn,
        &NewSession {
            sha256: &sha256_hex(&token),
            user_id,
            organisation_uuid,
            started_at: now,
            seen_at: now,
            expires_at: now + tx.cx.app.rules.session_ms,
            user_agent: &user_agent,
        },
    )?;
    Ok((Secret::from(token.as_str()), id))
}
