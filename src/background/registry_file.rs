//! Applies the registry file of a server at the start and at SIGHUP.

use std::io;
use std::path::Path;

use crate::app_context::AppContext;
use crate::delivery::{Reach, always_refused};
use crate::domain::hidden::visible;
use crate::registry::apply::{Applier, ApplyError};
use crate::registry::file::EntriesToReview;
use crate::registry::kind::ApplyOptions;
use crate::registry::kinds::partner::warning_of_life;

/// Applies the file at the start of a server.
pub fn apply_at_start(app: &AppContext, file: &Path, reach: Reach) -> io::Result<()> {
    apply(app, file, reach, "start").map_err(|error| {
        let file = file.display();
        io::Error::other(format!("{file}: {error}"))
    })
}

/// Applies the file and refreshes the registry of this node. Entries that the file does not name stay.
pub(super) fn apply(
    app: &AppContext,
    file: &Path,
    reach: Reach,
    by: &str,
) -> Result<(), ApplyError> {
    let plan = applier(app, by).apply(file, ApplyOptions::default())?;
    for warning in warnings(file, &plan.to_review, reach) {
        tracing::warn!(warning, "the registry file may contain a mistake");
    }
    let (changes, unchanged) = (plan.lines.len(), plan.left);
    tracing::info!(file = %file.display(), changes, unchanged, "the registry file is applied");
    Ok(app.registry.refresh(&app.store)?)
}

/// Returns an applier of registry files to the store of this server. `by` is the actor in the audit log.
#[must_use]
pub fn applier<'a>(app: &'a AppContext, by: &'a str) -> Applier<'a> {
    Applier {
        store: &app.store,
        sealer: &app.sealer,
        by,
        now: app.clock.now(),
    }
}

/// Warnings about a valid file: callbacks that the address guard always refuses, applications that may call without
/// their secret, and partners whose tokens may be valid for long.
#[must_use]
pub fn warnings(file: &Path, to_review: &EntriesToReview, reach: Reach) -> Vec<String> {
    let refused = to_review.callbacks.iter().filter_map(|(place, id, url)| {
        let reason = always_refused(url, reach)?;
        Some(format!(
            "{place}.callback_url: every callback of service {id} will be refused: {reason}; see the setting \
             callbacks.allow_private"
        ))
    });
    let plain = to_review.plain.iter().map(|(place, client_id)| {
        format!(
            "{place}.plain_calls: {client_id} may call without its secret: whoever has a user's token can claim an id that \
             no user holds, and make the service remove that id"
        )
    });
    let long = to_review.lives.iter().filter_map(|(place, iss, life)| {
        let warning = warning_of_life(iss, *life)?;
        Some(format!("{place}.max_life_s: {warning}"))
    });
    let file = file.display();
    refused
        .chain(plain)
        .chain(long)
        .map(|warning| format!("{file}: {}", visible(&warning)))
        .collect()
}
