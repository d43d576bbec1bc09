//! Upgrades values of earlier versions in the database, once, at start.

use crate::secrets::sealing::{Binding, Sealer};
use crate::store::{Store, StoreError, applications, outbox, services, settings};

/// The key of the settings row with the format of sealed values.
const SEALED_FORM: &str = "sealed_form";
/// The format in which every value has the key of its purpose and is bound to its row.
const BOUND: &str = "bound";

/// Seals every value of earlier versions again under its purpose and row. A value that the key file cannot decrypt
/// stays unchanged and remains unreadable; the log names it.
///
/// # Errors
/// The error of the store; nothing was changed.
pub(crate) fn bind_sealed_values(store: &Store, sealer: &Sealer) -> Result<(), StoreError> {
    let is_bound = |form: Option<String>| form.as_deref() == Some(BOUND);
    if is_bound(store.read(|c| settings::get(c, SEALED_FORM))?) {
        return Ok(());
    }
    store.write(|c| {
        // Another node may have done the upgrade in the meantime.
        if is_bound(settings::get(c, SEALED_FORM)?) {
            return Ok(());
        }
        for mut service in services::all(c)? {
            let binding = Binding::ServiceCredentials(service.id);
            if let Some(sealed) = bound(sealer, binding, service.credentials.as_deref()) {
                service.credentials = Some(sealed);
                services::put(c, &service)?;
            }
        }
        for mut application in applications::all(c)? {
            let binding = Binding::ApplicationSecret(&application.client_id);
            if let Some(sealed) = bound(sealer, binding, application.secret.as_deref()) {
                application.secret = Some(sealed);
                applications::put(c, &application)?;
            }
        }
        for row in outbox::sealed(c)? {
            let binding = match row.service_id {
                Some(service) => Binding::Callback(service),
                None => Binding::Mail(row.user_id.unwrap_or_default()),
            };
            if let Some(sealed) = bound(sealer, binding, Some(&row.payload)) {
                outbox::set_payload(c, row.id, &sealed)?;
            }
        }
        settings::set(c, SEALED_FORM, BOUND)
    })
}

/// Seals a value of an earlier version under its binding; `None` if there is no such value.
fn bound(sealer: &Sealer, binding: Binding<'_>, sealed: Option<&[u8]>) -> Option<Vec<u8>> {
    let sealed = sealed.filter(|sealed| sealer.open(binding, sealed).is_none())?;
    let Some(text) = sealer.open_unbound(sealed) else {
        tracing::error!(
            value = ?binding,
            "a sealed value cannot be decrypted with the key file outbox.key: restore the right file, or the value is lost"
        );
        return None;
    };
    sealer.seal(binding, &text).ok()
}
