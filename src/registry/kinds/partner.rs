//! The partners of the registry.

use super::ORIGIN;
use crate::domain::Millis;
use crate::domain::external_identity::is_login_id;
use crate::domain::text::{canonical, is_line};
use crate::domain::user::same_name;
use crate::domain::web::{is_origin, is_url};
use crate::registry::kind::{Checker, Kind};
use crate::registry::reader::{FileEntry, TableReader};
use crate::registry::value::{Value, bare, list, quoted, text, texts};
use crate::secrets::rsa_keys;
use crate::store::partners::{self, Partner};
use crate::store::{self, AnyConnection};

/// The default of the longest accepted lifetime of a partner's tokens, in seconds (SPEC §11).
pub const LIFE_S: i64 = 3600;
/// The longest lifetime without a warning, in seconds: one day.
const LIFE_WITHOUT_WARNING_S: i64 = 86_400;
/// The longest lifetime that a setting can have, in seconds: ten years of 365 days.
pub const MAX_LIFE_S: i64 = 315_360_000;
/// The maximum number of a partner's keys. A token may have to be checked with each key.
pub const MAX_KEYS: usize = 4;
/// The rule for a partner's key.
pub const PUBLIC_KEY: &str = "an RSA key of 2048 to 8192 bits in PEM, -----BEGIN PUBLIC KEY-----";
/// The rule for a partner's error page.
pub const PAGE: &str = "a URL of at most 1024 characters, http:// or https://, with a host in lower case and without a fragment";

/// Whether a partner's error page can have this URL. It must leave space for the parameters of a refusal.
#[must_use]
pub fn is_page(url: &str) -> bool {
    is_url(url) && url.len() <= 1024
}

/// The message that `loginId` cannot be a `state_id`.
pub const LOGIN_ID_IS_TAKEN: &str =
    "names the users of partners with the old layout, and cannot be a state_id";

/// The warning about a long lifetime of a partner's tokens; `None` for a lifetime of at most one day.
#[must_use]
pub fn warning_of_life(iss: &str, max_life_s: i64) -> Option<String> {
    (max_life_s > LIFE_WITHOUT_WARNING_S).then(|| {
        format!(
            "tokens of partner {iss} may be valid for {max_life_s} s: a stolen unused link signs its thief in for as \
             long, and the database keeps the id of each used token until the token expires; use {LIFE_WITHOUT_WARNING_S} \
             s or less if the partner can"
        )
    })
}

impl Kind for Partner {
    const SECTION: &'static str = "partners";
    const NAME: &'static str = "partner";
    const KEYS: &'static [&'static str] = &[
        "iss",
        "public_keys",
        "state_ids",
        "redirect_origins",
        "max_life_s",
        "assigns_roles",
        "error_redirect",
    ];
    const UNIQUE: &'static [&'static str] = &["state_ids"];

    fn read(e: &mut TableReader<'_>) -> Option<Self> {
        let iss = e.name("iss");
        let pems = e.some_texts("public_keys", PUBLIC_KEY, |pem| {
            rsa_keys::public_key(pem).is_some()
        });
        let public_keys = pems.iter().filter_map(|pem| rsa_keys::public_key(pem));
        if pems.len() > MAX_KEYS {
            let what = format!("there are more than {MAX_KEYS}");
            e.wrong("public_keys", what);
        }
        let state_ids = e.some_texts("state_ids", "a name on one line", is_line);
        if let Some(id) = state_ids.iter().find(|id| is_login_id(id)) {
            e.wrong("state_ids", format_args!("{id:?} {LOGIN_ID_IS_TAKEN}"));
        }
        let redirect_origins = e.texts("redirect_origins", ORIGIN, is_origin);
        let max_life_s = e.number("max_life_s", MAX_LIFE_S).unwrap_or(LIFE_S);
        let assigns_roles = e.flag("assigns_roles", false);
        let error_redirect = e.text("error_redirect");
        if error_redirect.as_ref().is_some_and(|url| !is_page(url)) {
            e.wrong("error_redirect", format_args!("must be {PAGE}"));
        }
        Some(Partner {
            iss: iss?,
            public_keys: public_keys.collect(),
            state_ids,
            redirect_origins,
            max_life_s,
            assigns_roles,
            error_redirect,
        })
    }

    fn id(&self) -> String {
        self.iss.clone()
    }

    fn compared_id(&self) -> String {
        canonical(&self.iss)
    }

    fn values(&self) -> Vec<Value> {
        let pems = rsa_keys::split(&self.public_keys).into_iter();
        vec![
            text("iss", &self.iss),
            list("public_keys", pems.map(|pem| format!("'''\n{pem}'''"))),
            texts("state_ids", &self.state_ids),
            texts("redirect_origins", &self.redirect_origins),
            bare("max_life_s", self.max_life_s),
            bare("assigns_roles", self.assigns_roles),
            ("error_redirect", self.error_redirect.as_deref().map(quoted)),
        ]
    }

    fn check(
        &mut self,
        checker: &mut Checker<'_>,
        named: &FileEntry<Self>,
        _: Option<&Self>,
    ) -> Vec<&'static str> {
        let (file, state, place) = (checker.file, checker.state, &named.place);
        // If two names differed only in case, users of one partner could be mistaken for users of the other.
        let is_like_it = |p: &&Partner| p.iss != self.iss && same_name(&p.iss, &self.iss);
        let alike = state.partners.iter().find(is_like_it);
        if let Some(other) = alike.filter(|_| !checker.options.prune) {
            let what = format!("there is a partner {:?}", other.iss);
            checker.wrong(format_args!("{place}.iss"), what);
        }
        let is_named = |p: &&Partner| file.partners.iter().any(|n| n.entry.iss == p.iss);
        let stays = |p: &&Partner| !checker.options.prune && !is_named(p);
        let others = file.partners.iter().map(|p| &p.entry);
        let mut others = others.chain(state.partners.iter().filter(stays));
        let shared = others.find_map(|other| {
            let id = self.shares_with(other).filter(|_| other.iss != self.iss)?;
            Some(format!("{id:?} belongs to partner {:?}", other.iss))
        });
        let repeated = || Some(format!("{:?} is listed twice", self.repeats()?));
        if let Some(what) = shared.or_else(repeated) {
            checker.wrong(format_args!("{place}.state_ids"), what);
        }
        Vec::new()
    }

    fn put(&self, c: &mut AnyConnection, _: Millis) -> store::Result<()> {
        partners::put(c, self)
    }

    fn remove(&self, c: &mut AnyConnection) -> store::Result<()> {
        partners::remove(c, &self.iss)
    }

    fn free(&self, c: &mut AnyConnection) -> store::Result<()> {
        partners::clear_state_ids(c, &self.iss)
    }
}
