//! The applications of the registry.

use super::ORIGIN;
use crate::domain::Millis;
use crate::domain::web::{is_origin, is_url};
use crate::registry::kind::{Checker, Kind};
use crate::registry::reader::{FileEntry, TableReader};
use crate::registry::value::{Value, bare, text, texts};
use crate::secrets::sealing::Binding;
use crate::store::applications::{self, Application};
use crate::store::{self, AnyConnection};

/// The suffix that callers may add to the id of an application (SPEC §8). The registry stores the id without it.
const SUFFIX: &str = ".onetapi.pl";

impl Kind for Application {
    const SECTION: &'static str = "applications";
    const NAME: &'static str = "application";
    const KEYS: &'static [&'static str] = &[
        "client_id",
        "origins",
        "redirect_uris",
        "secret",
        "secret_file",
        "plain_calls",
    ];

    fn read(e: &mut TableReader<'_>) -> Option<Self> {
        let client_id = e.name("client_id");
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if let Some(id) = &client_id
            && (id.ends_with(SUFFIX) || !id.chars().all(plain))
        {
            e.wrong(
                "client_id",
                format_args!("must be letters, digits and -._ without {SUFFIX} at the end"),
            );
        }
        let origins = e.some_texts("origins", ORIGIN, is_origin);
        let redirect_uris = e.some_texts(
            "redirect_uris",
            "http:// or https://, a host in lower case and no fragment",
            is_url,
        );
        e.to_seal = e.secret("secret");
        let plain_calls = e.flag("plain_calls", false);
        Some(Application {
            client_id: client_id?,
            origins,
            redirect_uris,
            secret: None,
            plain_calls,
        })
    }

    fn id(&self) -> String {
        self.client_id.clone()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text("client_id", &self.client_id),
            texts("origins", &self.origins),
            texts("redirect_uris", &self.redirect_uris),
            ("secret", None),
            bare("plain_calls", self.plain_calls),
        ]
    }

    fn check(
        &mut self,
        checker: &mut Checker<'_>,
        named: &FileEntry<Self>,
        stored: Option<&Self>,
    ) -> Vec<&'static str> {
        if stored.is_none() && named.secret.is_none() {
            checker.missing(&named.place, "secret", "is missing, and none is stored");
        }
        let sealed = stored.and_then(|a| a.secret.clone());
        let binding = Binding::ApplicationSecret(&self.client_id);
        let (sealed, new) = checker.seal(named, binding, sealed, &["secret"]);
        self.secret = sealed;
        new
    }

    fn put(&self, c: &mut AnyConnection, _: Millis) -> store::Result<()> {
        applications::put(c, self)
    }

    fn remove(&self, c: &mut AnyConnection) -> store::Result<()> {
        applications::remove(c, &self.client_id)
    }
}
