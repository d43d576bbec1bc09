//! The data export: everything that is stored about a user, as JSON.

use serde_json::{Value, json};

use crate::contract::time::utc;
use crate::http::Reply;
use crate::operations::browser::Account;

/// The data export, as a file.
pub(super) fn of(account: &Account) -> Reply {
    let text = serde_json::to_string_pretty(&all(account)).unwrap_or_default();
    Reply::new(200, "application/json; charset=utf-8", text).with(
        "Content-Disposition",
        "attachment; filename=\"my-data.json\"",
    )
}

fn list<'a, T: 'a>(
    items: impl IntoIterator<Item = &'a T>,
    entry: impl Fn(&T) -> Value,
) -> Vec<Value> {
    items.into_iter().map(entry).collect()
}

fn all(account: &Account) -> Value {
    let (user, profile) = (&account.user, &account.profile);
    let agreements = account.agreements.iter();
    let accepted = agreements.filter(|a| a.accepted_at.is_some());
    json!({
        "user": {
            "userId": user.id,
            "uuid": user.uuid,
            "userName": user.user_name,
            "name": user.name,
            "email": user.address(),
            "clientName": user.client_name,
            "organizationalUnit": user.organizational_unit,
            "status": user.status.as_str(),
            "roles": user.roles,
            "hasPassword": user.password_hash.is_some(),
            "createdAt": utc(user.created_at),
            "updatedAt": utc(user.updated_at),
        },
        "profile": {
            "external": profile.external,
            "channel": profile.channel,
            "counter": profile.counter,
            "lastVisitCounter": profile.last_visit_counter,
            "avatar": profile.avatar,
            "signatureNumber": profile.signature_number,
            "signatureName": profile.signature_name,
            "secondaryId": profile.secondary_id,
            "phone": profile.phone,
        },
        "externalIds": list(&account.identities, |link| json!({
            "id": link.identity.id,
            "provider": link.identity.provider,
            "idType": link.identity.id_type,
            "linkedAt": link.linked_at.map(utc),
            "assertedBy": link.asserted_by,
        })),
        "formerEmails": list(&account.email_undos, |undo| json!({
            "email": undo.email,
            "changedAt": utc(undo.changed_at),
        })),
        "organisations": list(&account.memberships, |m| json!({
            "uuid": m.uuid,
            "name": m.name,
            "roles": m.roles,
        })),
        "services": list(&account.services, |s| json!({
            "id": s.id,
            "name": s.name,
            "userIdInService": s.user_id_in_service,
            "since": utc(s.since),
        })),
        "agreements": list(accepted, |a| json!({
            "id": a.id,
            "name": a.name,
            "acceptedAt": a.accepted_at.map(utc),
            "withdrawnAt": a.withdrawn_at.map(utc),
        })),
        "sessions": list(&account.sessions, |s| json!({
            "userAgent": s.user_agent,
            "organisation": s.organisation,
            "startedAt": utc(s.started_at),
            "lastUsedAt": utc(s.seen_at),
            "expiresAt": utc(s.expires_at),
        })),
        "knownNetworksAndBrowsers": list(&account.known_until, |at| json!({
            "expiresAt": utc(*at),
        })),
        "events": list(&account.events, |e| json!({
            "at": utc(e.at),
            "event": e.event,
            "outcome": e.outcome,
            "client": e.client_name,
        })),
    })
}
