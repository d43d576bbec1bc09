//! Builds the program's parts from its configuration.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::app_context::AppContext;
use crate::background::Background;
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::{Delivery, DeliverySettings, MailSettings, Transport, outbox_folder};
use crate::domain::client::{DEFAULT_CLIENT, Trust};
use crate::entropy::Entropy;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::secrets::hashing::{Hasher, Pepper};
use crate::secrets::keyed_hashes;
use crate::secrets::keys::create_private_dir;
use crate::secrets::sealing::Sealer;
use crate::secrets::tokens::Tokens;
use crate::store::first_attempts::FirstAttempts;
use crate::store::refusals::Refusals;
use crate::store::{Store, StoreError, clients, password_cost, settings};
use crate::upgrade;

/// Opens the store, loads the keys and creates the client `Default` if it is missing.
///
/// # Errors
/// The data folder, a key file or the database cannot be used.
pub fn build(config: &Config, clock: Clock, entropy: Entropy) -> io::Result<Arc<AppContext>> {
    create_private_dir(&config.data_dir)?;
    let keys = config.keys_dir();
    let store = Store::open(config.opening.clone())?;
    let pepper = pepper(&store, &keys)?;
    let (csrf_signer, pseudonymizer) = keyed_hashes::load(&keys.join("stamps.key"))?;
    let app = AppContext {
        tokens: Tokens::load(&keys, config.signing)?,
        csrf_signer,
        pseudonymizer,
        sealer: Sealer::load(&keys.join("outbox.key"))?,
        hasher: Hasher::new(config.password_cost, pepper),
        registry: Registry::default(),
        first_attempts: FirstAttempts::new(config.rules.retention.attempts_memory()),
        refusals: Refusals::new(config.rules.retention.refusals_keys),
        metrics: Metrics::new(clock.now() / 1000),
        rules: config.rules.clone(),
        assignments: Mutex::default(),
        store,
        clock,
        entropy,
    };
    upgrade::bind_sealed_values(&app.store, &app.sealer)?;
    let now = app.clock.now();
    app.store
        .write(|c| {
            password_cost::recount(c, app.hasher.cost())?;
            clients::add(c, DEFAULT_CLIENT, None, Trust::Trusted, now)
        })
        .and_then(|_| app.registry.refresh(&app.store))?;
    let (configured, stored) = (
        app.hasher.cost(),
        app.registry.now().highest_password_cost(),
    );
    if stored > configured {
        tracing::warn!(
            configured,
            stored,
            "a stored password hash has a higher cost than password.cost, so every sign-in takes as \
             long as with the higher cost; the next sign-in of each user renews the user's hash, and the next start \
             determines the highest cost again"
        );
    }
    Ok(Arc::new(app))
}

/// The key of the settings row with the fingerprint of the pepper.
const PEPPER_FINGERPRINT: &str = "pepper_fingerprint";

/// Loads the pepper, and stores its fingerprint at the first start.
fn pepper(store: &Store, keys: &Path) -> io::Result<Pepper> {
    let path = keys.join("pepper.key");
    let known: Option<String> = store.read(|c| settings::get(c, PEPPER_FINGERPRINT))?;
    let pepper = Pepper::load(&path, known.as_deref())?;
    if known.is_some() {
        return Ok(pepper);
    }
    // If several nodes start for the first time at once, one of them stores the fingerprint of its pepper. The other
    // nodes must have the same key file.
    let kept = store.write(|c| match settings::get(c, PEPPER_FINGERPRINT)? {
        Some(kept) => Ok::<_, StoreError>(kept),
        None => {
            settings::set(c, PEPPER_FINGERPRINT, pepper.fingerprint())?;
            Ok(pepper.fingerprint().to_owned())
        }
    })?;
    Pepper::load(&path, Some(&kept))
}

/// The delivery worker for this configuration and this listening address.
#[must_use]
pub fn delivery(config: &Config, app: &Arc<AppContext>, address: SocketAddr) -> Delivery {
    Delivery::new(
        Arc::clone(app),
        DeliverySettings {
            mail: mail_settings(config, address),
            callbacks: config.callbacks.clone(),
            retry: config.retry,
        },
    )
}

/// The background worker for this configuration.
#[must_use]
pub fn background(config: &Config, app: &Arc<AppContext>) -> Background {
    let writes_files = config.smtp.is_none();
    let mail_folder = writes_files.then(|| outbox_folder(&config.data_dir));
    Background::new(Arc::clone(app), mail_folder)
}

/// The settings for mails, for a server with this listening address.
#[must_use]
pub fn mail_settings(config: &Config, address: SocketAddr) -> MailSettings {
    // The base URL of links never comes from a request: a caller must not choose the host of the links in mails.
    let public_url = config.server.public_url.clone();
    MailSettings {
        transport: match &config.smtp {
            Some(server) => Transport::Smtp(server.clone()),
            None => Transport::Folder(outbox_folder(&config.data_dir)),
        },
        from: config.mail_from.clone(),
        templates: config.templates.clone(),
        link_base: public_url.unwrap_or_else(|| format!("http://{address}")),
    }
}
