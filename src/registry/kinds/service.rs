//! The services of the registry.

use crate::domain::Millis;
use crate::domain::web::is_url;
use crate::registry::kind::{Checker, Kind};
use crate::registry::reader::{FileEntry, TableReader};
use crate::registry::value::{Value, bare, list, quoted, text};
use crate::secrets::sealing::Binding;
use crate::store::services::{self, RequiringService, Service};
use crate::store::{self, AnyConnection};

impl Kind for RequiringService {
    const SECTION: &'static str = "services";
    const NAME: &'static str = "service";
    const KEYS: &'static [&'static str] = &[
        "id",
        "portal",
        "name",
        "callback_url",
        "access_key",
        "secret_key",
        "secret_key_file",
        "requires",
        "case_sensitive_ids",
        "gone_is_done",
    ];

    fn read(e: &mut TableReader<'_>) -> Option<Self> {
        let (id, portal, name) = (e.id("id"), e.id("portal"), e.display_name("name"));
        let callback_url = e.text("callback_url");
        // The id of the user becomes one more segment of the path.
        if callback_url
            .as_ref()
            .is_some_and(|url| !is_url(url) || url.ends_with('/') || url.contains('?'))
        {
            e.wrong(
                "callback_url",
                "must be http:// or https://, a host in lower case and a path that does not end with /",
            );
        }
        let secret_key = e.secret("secret_key");
        let has_secret = e.has("secret_key") || e.has("secret_key_file");
        let access_key = e.has("access_key").then(|| e.name("access_key")).flatten();
        // HTTP Basic authentication puts a colon between the access key and the secret key.
        if access_key.as_ref().is_some_and(|key| key.contains(':')) {
            e.wrong("access_key", "must not contain a colon");
        }
        if has_secret != e.has("access_key") {
            let missing = if has_secret {
                "access_key"
            } else {
                "secret_key"
            };
            e.wrong(missing, "access_key and secret_key go together");
        }
        if has_secret && callback_url.is_none() {
            e.wrong(
                "callback_url",
                "is missing, but secret_key is set, which only callbacks use",
            );
        }
        let requires = e.ids("requires");
        let case_sensitive_ids = e.flag("case_sensitive_ids", false);
        let gone_is_done = e.flag("gone_is_done", false);
        let credentials = access_key.zip(secret_key);
        e.to_seal = credentials.map(|(access, secret)| format!("{access}:{secret}"));
        let service = Service {
            id: id?,
            portal_id: portal.unwrap_or_default(),
            name: name.unwrap_or_default(),
            callback_url,
            credentials: None,
            case_sensitive_ids,
            gone_is_done,
        };
        Some(RequiringService { service, requires })
    }

    fn id(&self) -> String {
        self.service.id.to_string()
    }

    fn values(&self) -> Vec<Value> {
        vec![
            bare("id", self.id),
            bare("portal", self.portal_id),
            text("name", &self.name),
            ("callback_url", self.callback_url.as_deref().map(quoted)),
            ("access_key", None),
            ("secret_key", None),
            list("requires", self.requires.iter().map(i64::to_string)),
            bare("case_sensitive_ids", self.case_sensitive_ids),
            bare("gone_is_done", self.gone_is_done),
        ]
    }

    fn check(
        &mut self,
        checker: &mut Checker<'_>,
        named: &FileEntry<Self>,
        stored: Option<&Self>,
    ) -> Vec<&'static str> {
        check_references(self, checker, &named.place);
        let sealed = stored.and_then(|s| s.credentials.clone());
        let was_called = stored.is_some_and(|s| s.callback_url.is_some());
        let is_called = self.callback_url.is_some();
        if named.secret.is_none() && is_called && !was_called && sealed.is_none() {
            let what = "is missing; a service with a callback_url needs access_key and secret_key";
            checker.missing(&named.place, "secret_key", what);
        }
        // If the file removes the callback URL, the stored credentials are removed too.
        let sealed = sealed.filter(|_| named.secret.is_some() || is_called || !was_called);
        let (binding, keys) = (
            Binding::ServiceCredentials(self.id),
            &["access_key", "secret_key"],
        );
        let (sealed, new) = checker.seal(named, binding, sealed, keys);
        self.service.credentials = sealed;
        new
    }

    fn put(&self, c: &mut AnyConnection, _: Millis) -> store::Result<()> {
        services::put(c, &self.service)?;
        services::require(c, self.id, &self.requires)
    }

    fn remove(&self, c: &mut AnyConnection) -> store::Result<()> {
        services::remove(c, self.id)
    }

    fn users(&self, c: &mut AnyConnection) -> store::Result<i64> {
        services::users(c, self.id)
    }
}

/// Reports a portal and agreements that do not exist after the changes.
fn check_references(service: &RequiringService, checker: &mut Checker<'_>, place: &str) {
    let (file, state, portal) = (checker.file, checker.state, service.portal_id);
    // 0 stands for a number that could not be read; that fault is already reported.
    if portal != 0 && !checker.will_exist(&file.portals, &state.portals, &portal.to_string()) {
        let what = format!("there is no portal {portal}");
        checker.wrong(format_args!("{place}.portal"), what);
    }
    for id in service.requires.iter().map(i64::to_string) {
        if !checker.will_exist(&file.agreements, &state.agreements, &id) {
            let what = format!("there is no agreement {id}");
            checker.wrong(format_args!("{place}.requires"), what);
        }
    }
}
