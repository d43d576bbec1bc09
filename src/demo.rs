//! The demo data. It is fixed, so that documentation and tests can rely on it (SPEC §12).

use std::io;
use std::path::{Path, PathBuf};

use crate::app_context::AppContext;
use crate::config::Config;
use crate::delivery::Reach;
use crate::domain::Millis;
use crate::domain::client::{DEFAULT_CLIENT, Trust};
use crate::domain::organisation::JoinPolicy;
use crate::domain::user::Status;
use crate::registry::kinds::partner::LIFE_S;
use crate::secrets::keys::load_or_create;
use crate::secrets::sealing::Binding;
use crate::secrets::{rsa_keys, sha256_hex};
use crate::store::agreements::{self, Agreement};
use crate::store::applications::{self, Application};
use crate::store::partners::{self, Partner};
use crate::store::portals::{self, Portal};
use crate::store::services::{self, Service};
use crate::store::user_search;
use crate::store::users::{self, NewUser};
use crate::store::{AnyConnection, StoreError, clients, organisations, settings};

struct DemoUser {
    user_name: &'static str,
    name: &'static str,
    email: &'static str,
    roles: &'static [&'static str],
    password: &'static str,
    organisations: &'static [&'static str],
}

const ORGANISATIONS: [(&str, &str); 3] = [
    ("default", "Default Org"),
    ("hammy", "Hammy Organization"),
    ("moby", "Moby Organization"),
];

const USERS: [DemoUser; 3] = [
    DemoUser {
        user_name: "admin",
        name: "Administrator",
        email: "admin@dbx.hu",
        roles: &["USER_ADMIN"],
        password: "Admin-Demo-2026",
        organisations: &[],
    },
    DemoUser {
        user_name: "mokamiki",
        name: "Móka Miklós",
        email: "moka.miklos@dbx.hu",
        roles: &["majomidomar", "csokidealer"],
        password: "MokaMiki-1234",
        organisations: &["default"],
    },
    DemoUser {
        user_name: "hakapeszimaki",
        name: "Hakapeszi Maki",
        email: "gabor.papp+hakapeszi.maki@dbx.hu",
        roles: &["csokifogyaszto"],
        password: "passWORD123",
        organisations: &["default", "hammy", "moby"],
    },
];

/// The settings row that marks a database with demo data.
const MARK: &str = "demo";

/// The name of the partner, which is also the `state_id` of its users.
const PARTNER: &str = "apekx";
/// The `school_id` in the tokens of the partner's users.
const SCHOOL: &str = "pre_created_school_external_id";

/// The demo's applications and their secrets, with which they verify the hashes of the loginbar.
const APPLICATIONS: [(&str, &str); 2] = [
    ("konto.onet.pl.front", "demo-secret-of-konto.onet.pl"),
    ("blic.rs.front", "demo-secret-of-blic.rs"),
];

/// Whether this database holds the demo's users and keys, which are public.
pub fn is_loaded(app: &AppContext) -> Result<bool, StoreError> {
    app.store.read(|c| Ok(settings::get(c, MARK)?.is_some()))
}

/// Whether the database has data that must not be mixed with the demo's.
pub fn has_other_data(app: &AppContext) -> Result<bool, StoreError> {
    if is_loaded(app)? {
        return Ok(false);
    }
    app.store.read(|c| {
        let keyed = clients::all(c)?.iter().any(|k| k.key_sha256.is_some());
        let everyone = user_search::Filter {
            limit: 0,
            ..user_search::Filter::default()
        };
        let (_, users) = user_search::find(c, &everyone, app.store.page_anchors())?;
        Ok(keyed || users > 0)
    })
}

/// Returns the settings with callbacks to this machine allowed, because the demo's service runs here.
#[must_use]
pub fn with_loopback_callbacks(config: &Config) -> Config {
    let mut config = config.clone();
    if config.callbacks.reach == Reach::Public {
        config.callbacks.reach = Reach::Loopback;
    }
    config
}

/// The file with the private key of the demo's partner, in the data folder.
#[must_use]
pub fn partner_key_file(data_dir: &Path) -> PathBuf {
    data_dir.join("demo").join(format!("{PARTNER}.pem"))
}

/// Loads the missing demo data, and marks the database.
///
/// # Errors
/// The error of the store; or the partner's key cannot be read or created.
pub fn load(app: &AppContext, data_dir: &Path) -> io::Result<()> {
    let new_key = || rsa_keys::generate().unwrap_or_default().into_bytes();
    let file = partner_key_file(data_dir);
    let private_key = load_or_create(&file, new_key)?;
    let partner_key = rsa_keys::public_half(&String::from_utf8_lossy(&private_key))
        .ok_or_else(|| io::Error::other(format!("{}: not an RSA key", file.display())))?;
    load_store(app, &partner_key).map_err(io::Error::other)
}

fn load_store(app: &AppContext, partner_key: &str) -> Result<(), StoreError> {
    let now = app.clock.now();
    app.store.write(|c| {
        settings::set(c, MARK, "loaded")?;
        clients::set_key(c, DEFAULT_CLIENT, &sha256_hex("demo-hash-key"))?;
        clients::add(
            c,
            "Portal",
            Some(&sha256_hex("demo-portal-key")),
            Trust::Public,
            now,
        )?;
        for (uuid, name) in ORGANISATIONS {
            organisations::add(c, uuid, name, JoinPolicy::Open, now)?;
        }
        if services::ids(c)?.is_empty() {
            add_services(app, c)?;
        }
        if agreements::all(c)?.is_empty() {
            add_agreements(c)?;
        }
        add_applications(app, c)?;
        add_partner(c, partner_key, now)?;
        Ok::<_, StoreError>(())
    })?;
    for user in &USERS {
        if app
            .store
            .read(|c| users::by_name(c, user.user_name))?
            .is_some()
        {
            continue;
        }
        let hash = app.hasher.hash(user.password, app.entropy.bytes()).ok();
        let uuid = app.entropy.uuid();
        let roles: Vec<String> = user.roles.iter().map(|r| (*r).to_owned()).collect();
        app.store.write(|c| {
            let id = users::insert(
                c,
                &NewUser {
                    uuid: &uuid,
                    user_name: user.user_name,
                    name: user.name,
                    email: user.email,
                    organizational_unit: Some("zsebtv"),
                    status: Status::Active,
                    roles: &roles,
                    password_hash: hash.as_deref(),
                    now,
                    ..Default::default()
                },
            )?;
            for uuid in user.organisations {
                organisations::join(c, id, uuid, &[], now)?;
            }
            Ok::<_, StoreError>(())
        })?;
    }
    Ok(())
}

fn add_services(app: &AppContext, c: &mut AnyConnection) -> Result<(), StoreError> {
    let portal = Portal {
        id: 1,
        name: "Demo portal".to_owned(),
    };
    portals::put(c, &portal)?;
    for (id, name, callback_url) in [
        (1, "Demo service", Some("http://127.0.0.1:9099/users")),
        (2, "Quiet service", None),
    ] {
        let service = Service {
            id,
            portal_id: 1,
            name: name.to_owned(),
            callback_url: callback_url.map(str::to_owned),
            credentials: callback_url.and_then(|_| {
                let binding = Binding::ServiceCredentials(id);
                app.sealer.seal(binding, "demo-access:demo-secret").ok()
            }),
            case_sensitive_ids: false,
            gone_is_done: false,
        };
        services::put(c, &service)?;
    }
    Ok(())
}

fn add_agreements(c: &mut AnyConnection) -> Result<(), StoreError> {
    for (id, name) in [(1, "Terms of use"), (2, "Privacy"), (3, "Newsletter")] {
        let agreement = Agreement {
            id,
            name: name.to_owned(),
        };
        agreements::put(c, &agreement)?;
    }
    services::require(c, 1, &[1, 2, 3])
}

/// Adds the partner and the school of its users.
fn add_partner(c: &mut AnyConnection, key: &str, now: Millis) -> Result<(), StoreError> {
    if organisations::by_external_id(c, PARTNER, SCHOOL)?.is_none() {
        let uuid = "apekx-school";
        organisations::add(c, uuid, "Apekx School", JoinPolicy::Closed, now)?;
        organisations::set_external_id(c, uuid, Some((PARTNER, SCHOOL)))?;
    }
    let stored = partners::all(c)?.into_iter().find(|p| p.iss == PARTNER);
    let mut partner = stored.unwrap_or_else(|| Partner {
        iss: PARTNER.to_owned(),
        public_keys: String::new(),
        state_ids: vec![PARTNER.to_owned()],
        error_redirect: None,
        redirect_origins: vec!["http://localhost:9098".to_owned()],
        max_life_s: LIFE_S,
        assigns_roles: false,
    });
    if !partner.public_keys.contains(key) {
        // The key file may be a new one, from another data folder.
        partner.public_keys = key.to_owned();
        partners::put(c, &partner)?;
        clients::touch(c)?;
    }
    Ok(())
}

fn add_applications(app: &AppContext, c: &mut AnyConnection) -> Result<(), StoreError> {
    for (client_id, secret) in APPLICATIONS {
        if applications::exists(c, client_id)? {
            continue;
        }
        let origin = "http://localhost:9098".to_owned();
        let application = Application {
            client_id: client_id.to_owned(),
            redirect_uris: vec![format!("{origin}/authorize")],
            origins: vec![origin],
            secret: app
                .sealer
                .seal(Binding::ApplicationSecret(client_id), secret)
                .ok(),
            // The calls in the original documents send no secret.
            plain_calls: true,
        };
        applications::put(c, &application)?;
    }
    Ok(())
}
