//! The copy of everything that is kept about a user, which it may take with it, as JSON.

use serde_json::{Value, json};

use crate::contract::time::utc;
use crate::http::Reply;
use crate::operations::browser::Account;

/// The copy, as a file.
pub(super) fn of(account: &Account) -> Reply {
    let text = serde_json::to_string_pretty(&all(account)).unwrap_or_default();
    Reply {
        status: 200,
        content_type: "application/json; charset=utf-8",
        headers: vec![(
            "Content-Disposition",
            "attachment; filename=\"my-data.json\"".to_owned(),
        )],
        body: text.into_bytes(),
    }
}

fn all(account: &Account) -> Value {
    let (user, profile) = (&account.user, &account.profile);
    let services = account.services.iter().map(|s| {
        json!({ "id": s.id, "name": s.name, "userIdInService": s.user_id_in_service, "since": utc(s.since) })
    });
    let agreements = account
        .agreements
        .iter()
        .filter(|a| a.accepted_at.is_some());
    let agreements = agreements.map(|a| {
        json!({
            "id": a.id,
            "name": a.name,
            "acceptedAt": a.accepted_at.map(utc),
            "withdrawnAt": a.withdrawn_at.map(utc),
        })
    });
    let sessions = account.sessions.iter().map(|s| {
        json!({
            "userAgent": s.user_agent,
            "organisation": s.organisation,
            "startedAt": utc(s.started_at),
            "lastUsedAt": utc(s.seen_at),
            "expiresAt": utc(s.expires_at),
        })
    });
    let known = account
        .known_until
        .iter()
        .map(|at| json!({ "expiresAt": utc(*at) }));
    let organisations = account
        .granted
        .iter()
        .map(|g| json!({ "uuid": g.uuid, "name": g.name, "roles": g.roles }));
    let identities = account.identities.iter().map(|link| {
        let who = &link.identity;
        json!({
            "id": who.id,
            "provider": who.provider,
            "idType": who.id_type,
            "linkedAt": link.linked_at.map(utc),
            "assertedBy": link.asserted_by,
        })
    });
    let former = account
        .email_undos
        .iter()
        .map(|undo| json!({ "email": undo.email, "changedAt": utc(undo.changed_at) }));
    let events = account.events.iter().map(|e| {
        json!({ "at": utc(e.at), "event": e.event, "outcome": e.outcome, "client": e.client_name })
    });
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
        "externalIds": identities.collect::<Vec<_>>(),
        "formerEmails": former.collect::<Vec<_>>(),
        "organisations": organisations.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
        "agreements": agreements.collect::<Vec<_>>(),
        "sessions": sessions.collect::<Vec<_>>(),
        "knownNetworksAndBrowsers": known.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
    })
}
