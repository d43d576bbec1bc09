//! Puts the program together from its configuration.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::{Delivery, DeliverySettings, MailSettings, Transport, outbox_folder};
use crate::domain::client::{DEFAULT_CLIENT, Trust};
use crate::entropy::Entropy;
use crate::metrics::Metrics;
use crate::parts::Parts;
use crate::registry::Registry;
use crate::secrets::hashing::Hasher;
use crate::secrets::keys::create_private_dir;
use crate::secrets::sealing::Sealer;
use crate::secrets::stamps::Stamper;
use crate::secrets::tokens::Tokens;
use crate::store::{Store, StoreError, clients};
use crate::upgrade;

/// Opens the store, loads the keys and makes sure that the client `Default` exists.
///
/// # Errors
/// A data folder, key file or database that cannot be used.
pub fn build(config: &Config, clock: Clock, entropy: Entropy) -> io::Result<Arc<Parts>> {
    create_private_dir(&config.data_dir)?;
    let keys = config.keys_dir();
    let store = Store::open(config.opening.clone()).map_err(io::Error::other)?;
    let parts = Parts {
        tokens: Tokens::load(&keys, config.signing)?,
        stamper: Stamper::load(&keys.join("stamps.key"))?,
        sealer: Sealer::load(&keys.join("outbox.key"))?,
        hasher: Hasher::new(config.password_cost),
        registry: Registry::default(),
        metrics: Metrics::new(clock.now() / 1000),
        rules: config.rules.clone(),
        store,
        clock,
        entropy,
    };
    upgrade::bind_sealed_values(&parts.store, &parts.sealer)
        .map_err(|e: StoreError| io::Error::other(e))?;
    let now = parts.clock.now();
    parts
        .store
        .write(|c| clients::add(c, DEFAULT_CLIENT, None, Trust::Trusted, now))
        .and_then(|_| parts.registry.refresh(&parts.store))
        .map_err(|e: StoreError| io::Error::other(e))?;
    Ok(Arc::new(parts))
}

/// The outbox worker of this configuration, for a server that listens at this address.
#[must_use]
pub fn delivery(config: &Config, parts: &Arc<Parts>, address: SocketAddr) -> Delivery {
    Delivery::new(
        Arc::clone(parts),
        DeliverySettings {
            mail: mail_settings(config, address),
            callbacks: config.callbacks.clone(),
            patience: config.patience,
        },
    )
}

/// What mails are written with, and where they go, for a server that listens at this address.
#[must_use]
pub fn mail_settings(config: &Config, address: SocketAddr) -> MailSettings {
    // Never from a request: whoever sends one must not choose where links in mails lead.
    let public_url = config.server.public_url.clone();
    MailSettings {
        transport: match &config.smtp {
            Some(server) => Transport::Smtp(server.clone()),
            None => Transport::Folder(outbox_folder(&config.data_dir)),
        },
        from: config.mail_from.clone(),
        letters: config.letters.clone(),
        link_base: public_url.unwrap_or_else(|| format!("http://{address}")),
    }
}
