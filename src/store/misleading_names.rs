//! Findings about users whose names are older than the rules for names. The users keep their names; the operator gets a
//! report.

use std::collections::HashMap;

use diesel::prelude::*;

use super::connection::on_backend;
use super::finding::Finding;
use super::tables::{login_names, users};
use super::{AnyConnection, QueryExt as _, Result};
use crate::domain::mailbox::{canonical_login, is_email, is_own_or_no_address, is_placeholder};
use crate::domain::names::{Flaw, flaw_of_display_name, flaw_of_user_name, skeleton};
use crate::domain::text::canonical;

/// The most users that one query reads.
const BATCH: i64 = 2000;

/// Finds users whose names or addresses break a rule, and users who share a mailbox with another user.
pub(super) fn find_misleading(
    conn: &mut AnyConnection,
    admin_role: &str,
    found: &mut dyn FnMut(Finding),
) -> Result<()> {
    let administrators = administrators(conn, admin_role)?;
    let mut last = 0;
    loop {
        let query = users::table
            .filter(users::id.gt(last))
            .order(users::id)
            .limit(BATCH)
            .select((users::id, users::user_name, users::name, users::email));
        let batch: Vec<Names> = on_backend!(conn, c => query.load(c))?;
        let Some(end) = batch.last() else {
            return Ok(());
        };
        last = end.id;
        for user in &batch {
            for (kind, text) in user.faults(&administrators) {
                found(user.finding(kind, text));
            }
            if let Some(text) = shared_mailbox(conn, user)? {
                found(user.finding("shared_mailbox", text));
            }
        }
    }
}

/// The columns of a user that the checks read.
#[derive(Queryable)]
struct Names {
    id: i64,
    user_name: String,
    name: String,
    email: String,
}

impl Names {
    fn finding(&self, kind: &'static str, text: String) -> Finding {
        Finding {
            kind,
            place: format!("user {}, \"{}\"", self.id, self.user_name),
            text,
        }
    }

    fn faults(&self, administrators: &HashMap<String, Vec<String>>) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if let Some(flaw) = flaw_of_user_name(&self.user_name) {
            let text = format!(
                "the user name holds {}. Ask the person to register under another one, then erase this user.",
                describe(flaw)
            );
            faults.push(("forbidden_user_name", text));
        }
        if let Some(flaw) = flaw_of_display_name(&self.name) {
            let text = format!(
                "the name \"{}\" holds {}. Change it with modifyUser.",
                self.name,
                describe(flaw)
            );
            faults.push(("forbidden_name", text));
        }
        if !is_email(&self.email) && !is_placeholder(&self.email) {
            let text = format!(
                "\"{}\" is not an e-mail address under the current rules. Change it with modifyUser.",
                self.email
            );
            faults.push(("forbidden_address", text));
        }
        if !is_own_or_no_address(&self.user_name, &self.email) {
            let text = format!(
                "the user name looks like an e-mail address, but the user's address is \"{}\". The user name may be a \
                 former address of this user or the address of another person.",
                self.email
            );
            faults.push(("address_of_another_as_user_name", text));
        }
        let alike = administrators.get(&skeleton(&self.user_name));
        let other = alike.and_then(|names| names.iter().find(|n| **n != self.user_name));
        if let Some(administrator) = other {
            let text = format!(
                "the user name looks like \"{administrator}\", the user name of an administrator. Check who this user is."
            );
            faults.push(("user_name_like_an_administrators", text));
        }
        faults
    }
}

fn describe(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Control => "control characters, or blanks at its ends",
        Flaw::Hidden => {
            "characters that are invisible, change the direction of writing or are not assigned"
        }
        Flaw::MarkWithoutLetter => "an accent that belongs to no letter",
        Flaw::Blank => "nothing that can be read",
        Flaw::Reserved => "a reserved word or a percent-encoded byte",
    }
}

/// The user names of administrators, by skeleton.
fn administrators(
    conn: &mut AnyConnection,
    admin_role: &str,
) -> Result<HashMap<String, Vec<String>>> {
    let query = users::table
        .filter(users::user_name_skeleton.is_not_null())
        .select((users::user_name_skeleton, users::user_name, users::roles));
    let holders: Vec<(Option<String>, String, String)> = on_backend!(conn, c => query.load(c))?;
    let mut administrators: HashMap<String, Vec<String>> = HashMap::new();
    for (skeleton, name, roles) in holders {
        if roles.lines().any(|role| role == admin_role) {
            let alike = administrators.entry(skeleton.unwrap_or_default());
            alike.or_default().push(name);
        }
    }
    Ok(administrators)
}

/// Another user with the same mailbox, which an older release did not recognise as the same.
fn shared_mailbox(conn: &mut AnyConnection, user: &Names) -> Result<Option<String>> {
    for login in [&user.user_name, &user.email] {
        let mailbox = canonical_login(login);
        if mailbox == canonical(login) {
            continue;
        }
        let holder: Option<(i64, String)> = login_names::table
            .inner_join(users::table)
            .filter(login_names::name_ci.eq(&mailbox))
            .select((users::id, users::user_name))
            .fetch_optional(conn)?;
        if let Some((_, name)) = holder.filter(|(id, _)| *id != user.id) {
            return Ok(Some(format!(
                "\"{login}\" and a login of user \"{name}\" are one mailbox, {mailbox}. Each user can still sign in \
                 with the stored form; change the address of one of them."
            )));
        }
    }
    Ok(None)
}
