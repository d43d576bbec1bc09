//! Brings what earlier versions left in the database to today's form, once, at start.

use crate::secrets::sealing::{Binding, Sealer};
use crate::store::{Store, StoreError, applications, outbox, services, settings};

/// The settings row that tells in which form sealed values are.
const SEALED_FORM: &str = "sealed_form";
/// Every value has a key of its purpose and is bound to its row.
const BOUND: &str = "bound";

/// Seals every value of earlier versions anew, under its purpose and row. A value that the key file does not open stays
/// as it is, and cannot be opened later either; the log says which one.
///
/// # Errors
/// The store's; nothing has changed then.
pub(crate) fn bind_sealed_values(store: &Store, sealer: &Sealer) -> Result<(), StoreError> {
    let is_bound = |form: Option<String>| form.as_deref() == Some(BOUND);
    if is_bound(store.read(|c| settings::get(c, SEALED_FORM))?) {
        return Ok(());
    }
    store.write(|c| {
        // Another node may have been faster.
        if is_bound(settings::get(c, SEALED_FORM)?) {
            return Ok(());
        }
        for mut service in services::all(c)? {
            let binding = Binding::ServiceCredentials(service.id);
            if let Some(sealed) = bound(sealer, binding, service.credentials.as_deref()) {
                service.credentials = Some(sealed);
                services::update(c, &service)?;
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

/// The same value under its binding; none where there is no value of an earlier version.
fn bound(sealer: &Sealer, binding: Binding<'_>, sealed: Option<&[u8]>) -> Option<Vec<u8>> {
    let sealed = sealed.filter(|sealed| sealer.open(binding, sealed).is_none())?;
    let Some(text) = sealer.open_unbound(sealed) else {
        tracing::error!(
            value = ?binding,
            "a sealed value cannot be opened with the key file outbox.key, and is lost unless that file is restored"
        );
        return None;
    };
    sealer.seal(binding, &text).ok()
}
