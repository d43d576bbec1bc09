//! `user profile`: the data that the loginbar shows of a user in addition to the name. Other systems provide these
//! data.

use std::io;

use chaingun_gateway::domain::audit_event::AuditEvent;
use chaingun_gateway::domain::names::flaw_of_line;
use chaingun_gateway::operations::{RequestContext, phones};
use chaingun_gateway::store::profiles::{self, Profile};
use chaingun_gateway::store::users;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Output, fail, write};

/// The longest text in a profile, in characters.
const MAX_TEXT_CHARS: usize = 256;
/// The longest URL of a picture, in characters.
const MAX_URL_CHARS: usize = 1024;

/// The changes. If there are none, the profile is only printed.
#[derive(Args)]
pub struct Change {
    /// A mail account at another provider.
    #[arg(long)]
    external: Option<String>,
    /// The source of notifications.
    #[arg(long)]
    channel: Option<String>,
    /// The number of notifications.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    counter: Option<i64>,
    /// The number of notifications since the last visit.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    last_visit_counter: Option<i64>,
    /// The URL of a picture.
    #[arg(long)]
    avatar: Option<String>,
    #[arg(long, help = "The number of the signature; 1 by default")]
    signature_number: Option<String>,
    #[arg(long, help = "The name in the signature; the user name by default")]
    signature_name: Option<String>,
    /// The number of a mail account.
    #[arg(long, allow_negative_numbers = true)]
    secondary_id: Option<i64>,
    /// A telephone number.
    #[arg(long)]
    phone: Option<String>,
    /// A field to clear; may be repeated.
    #[arg(long, value_enum)]
    clear: Vec<Field>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Field {
    External,
    Channel,
    Counter,
    LastVisitCounter,
    Avatar,
    SignatureNumber,
    SignatureName,
    SecondaryId,
    Phone,
}

impl Change {
    fn is_none(&self) -> bool {
        let texts = [
            &self.external,
            &self.channel,
            &self.avatar,
            &self.signature_number,
            &self.signature_name,
            &self.phone,
        ];
        let numbers = [self.counter, self.last_visit_counter, self.secondary_id];
        self.clear.is_empty() && texts.iter().all(|t| t.is_none()) && numbers == [None; 3]
    }

    fn check(&self) -> io::Result<()> {
        for (flag, text, most) in [
            ("--external", &self.external, MAX_TEXT_CHARS),
            ("--channel", &self.channel, MAX_TEXT_CHARS),
            ("--avatar", &self.avatar, MAX_URL_CHARS),
            ("--signature-number", &self.signature_number, MAX_TEXT_CHARS),
            ("--signature-name", &self.signature_name, MAX_TEXT_CHARS),
            ("--phone", &self.phone, MAX_TEXT_CHARS),
        ] {
            let Some(text) = text else { continue };
            if text.trim().is_empty() || flaw_of_line(text).is_some() || text.chars().count() > most
            {
                return fail(format!("{flag} must be 1 to {most} characters on one line"));
            }
        }
        match &self.avatar {
            Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => Err(
                io::Error::other("--avatar must be a URL, https:// or http://"),
            ),
            _ => Ok(()),
        }
    }

    fn applied_to(&self, mut profile: Profile) -> Profile {
        for field in &self.clear {
            match field {
                Field::External => profile.external = None,
                Field::Channel => profile.channel = None,
                Field::Counter => profile.counter = None,
                Field::LastVisitCounter => profile.last_visit_counter = None,
                Field::Avatar => profile.avatar = None,
                Field::SignatureNumber => profile.signature_number = None,
                Field::SignatureName => profile.signature_name = None,
                Field::SecondaryId => profile.secondary_id = None,
                Field::Phone => (profile.phone, profile.phone_verified) = (None, false),
            }
        }
        let text = |new: &Option<String>, old| new.clone().or(old);
        // The operator does not prove that a new number is the user's.
        let keeps_phone = self.phone.is_none() || self.phone == profile.phone;
        Profile {
            phone_verified: profile.phone_verified && keeps_phone,
            external: text(&self.external, profile.external),
            channel: text(&self.channel, profile.channel),
            counter: self.counter.or(profile.counter),
            last_visit_counter: self.last_visit_counter.or(profile.last_visit_counter),
            avatar: text(&self.avatar, profile.avatar),
            signature_number: text(&self.signature_number, profile.signature_number),
            signature_name: text(&self.signature_name, profile.signature_name),
            secondary_id: self.secondary_id.or(profile.secondary_id),
            phone: text(&self.phone, profile.phone),
        }
    }
}

/// Changes a profile, if there are changes, and prints it.
pub(super) fn run(
    cx: &RequestContext<'_>,
    output: Output,
    user_name: &str,
    change: &Change,
) -> io::Result<()> {
    change.check()?;
    let unknown = || io::Error::other(format!("there is no user {user_name:?}"));
    let store = &cx.app.store;
    let user = store.read(|c| users::by_name(c, user_name))?;
    let user = user.ok_or_else(unknown)?;
    let profile = if change.is_none() {
        let stored = store.read(|c| profiles::find(c, user.id))?;
        stored.unwrap_or_default()
    } else {
        let put = write(cx, |tx| {
            if users::lock_for_update(tx.conn, user.id)?.is_none() {
                return Ok(None);
            }
            let stored = profiles::find(tx.conn, user.id)?.unwrap_or_default();
            let profile = change.applied_to(stored.clone());
            phones::put_profile(tx, user.id, (&stored, &profile), "phone")?;
            tx.audit_ok(AuditEvent::UserUpdated, &user.user_name)?;
            Ok(Some(profile))
        })?;
        put.ok_or_else(unknown)?
    };
    output.record(&[
        ("user_name", json!(user.user_name)),
        ("external", json!(profile.external)),
        ("channel", json!(profile.channel)),
        ("counter", json!(profile.counter)),
        ("last_visit_counter", json!(profile.last_visit_counter)),
        ("avatar", json!(profile.avatar)),
        ("signature_number", json!(profile.signature_number)),
        ("signature_name", json!(profile.signature_name)),
        ("secondary_id", json!(profile.secondary_id)),
        ("phone", json!(profile.phone)),
        ("phone_verified", json!(profile.phone_verified)),
    ])
}
