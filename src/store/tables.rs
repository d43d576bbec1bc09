//! The tables as Diesel sees them; the same on both backends.

diesel::table! {
    settings (key) { key -> Text, value -> Text, }
}
diesel::table! {
    clients (name) {
        name -> Text, key_sha256 -> Nullable<Text>, trust -> Text, active -> Bool, created_at -> BigInt,
    }
}
diesel::table! {
    organisations (uuid) {
        uuid -> Text,
        name -> Text,
        join_policy -> Text,
        created_at -> BigInt,
        channel -> Nullable<Text>,
        external_id -> Nullable<Text>,
        channel_ci -> Nullable<Text>,
        external_id_ci -> Nullable<Text>,
    }
}
diesel::table! {
    users (id) {
        id -> BigInt,
        uuid -> Text,
        user_name -> Text,
        user_name_ci -> Text,
        name -> Text,
        name_ci -> Text,
        email -> Text,
        email_ci -> Text,
        client_name -> Text,
        organizational_unit -> Nullable<Text>,
        status -> Text,
        roles -> Text,
        password_hash -> Nullable<Text>,
        joins_organisation -> Nullable<Text>,
        unconfirmed_since -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        user_name_skeleton -> Nullable<Text>,
    }
}
diesel::table! {
    login_names (name_ci) { name_ci -> Text, user_id -> BigInt, }
}
diesel::table! {
    memberships (user_id, organisation_uuid) {
        user_id -> BigInt, organisation_uuid -> Text, roles -> Text, created_at -> BigInt,
    }
}
diesel::table! {
    one_time_tokens (sha256) {
        sha256 -> Text, purpose -> Text, user_id -> BigInt, expires_at -> BigInt, used_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    token_families (id) { id -> BigInt, user_id -> BigInt, started_at -> BigInt, expires_at -> BigInt, }
}
diesel::table! {
    tokens (jti_sha256) {
        jti_sha256 -> Text, family_id -> BigInt, expires_at -> BigInt, retired_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    services (id) {
        id -> BigInt,
        portal_id -> BigInt,
        name -> Text,
        callback_url -> Nullable<Text>,
        credentials -> Nullable<Binary>,
        case_sensitive_ids -> Bool,
        gone_is_done -> Bool,
    }
}
diesel::table! {
    assignments (user_id, service_id) {
        user_id -> BigInt,
        service_id -> BigInt,
        user_id_in_service -> Text,
        created_at -> BigInt,
        compared_id -> Nullable<Text>,
        disputed -> Bool,
    }
}
diesel::table! {
    portals (id) { id -> BigInt, name -> Text, }
}
diesel::table! {
    agreements (id) { id -> BigInt, name -> Text, }
}
diesel::table! {
    required_agreements (service_id, agreement_id) { service_id -> BigInt, agreement_id -> BigInt, }
}
diesel::table! {
    accepted_agreements (user_id, agreement_id) {
        user_id -> BigInt, agreement_id -> BigInt, accepted_at -> BigInt, withdrawn_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    applications (client_id) {
        client_id -> Text,
        origins -> Text,
        redirect_uris -> Text,
        secret -> Nullable<Binary>,
        plain_calls -> Bool,
    }
}
diesel::table! {
    partners (iss) {
        iss -> Text,
        public_keys -> Text,
        state_ids -> Text,
        redirect_origins -> Text,
        max_life_s -> BigInt,
        assigns_roles -> Bool,
        error_redirect -> Nullable<Text>,
    }
}
diesel::table! {
    sessions (id) {
        id -> BigInt,
        sha256 -> Text,
        user_id -> BigInt,
        organisation_uuid -> Nullable<Text>,
        started_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        user_agent -> Text,
    }
}
diesel::table! {
    profiles (user_id) {
        user_id -> BigInt,
        external -> Nullable<Text>,
        channel -> Nullable<Text>,
        counter -> Nullable<BigInt>,
        last_visit_counter -> Nullable<BigInt>,
        avatar -> Nullable<Text>,
        signature_number -> Nullable<Text>,
        signature_name -> Nullable<Text>,
        secondary_id -> Nullable<BigInt>,
        phone -> Nullable<Text>,
        phone_key -> Nullable<Text>,
        phone_verified -> Bool,
        unique_phone -> Nullable<Text>,
    }
}
diesel::table! {
    attempts (subject) { subject -> Text, failures -> BigInt, open_at -> BigInt, forget_at -> BigInt, }
}
diesel::table! {
    known_sources (user_id, source) { user_id -> BigInt, source -> Text, expires_at -> BigInt, }
}
diesel::table! {
    external_identities (provider_ci, id_type_ci, external_id_ci) {
        provider_ci -> Text,
        id_type_ci -> Text,
        external_id_ci -> Text,
        provider -> Text,
        id_type -> Text,
        external_id -> Text,
        user_id -> BigInt,
        linked_at -> Nullable<BigInt>,
        asserted_by -> Nullable<Text>,
    }
}
diesel::table! {
    email_undos (id) {
        id -> BigInt,
        sha256 -> Text,
        user_id -> BigInt,
        email -> Text,
        email_ci -> Text,
        changed_at -> BigInt,
        expires_at -> BigInt,
    }
}
diesel::table! {
    partner_claims (kind, name_ci) { kind -> Text, name_ci -> Text, iss -> Text, }
}
diesel::table! {
    used_assertions (iss, jti_sha256) {
        iss -> Text, jti_sha256 -> Text, expires_at -> BigInt, session_id -> Nullable<BigInt>,
    }
}
diesel::table! {
    erasures (name_ci) { name_ci -> Text, pseudonym -> Text, }
}
diesel::table! {
    user_counts (client_name, status) {
        client_name -> Text, status -> Text, users -> BigInt, changes -> BigInt,
    }
}
diesel::table! {
    outbox (id) {
        id -> BigInt,
        kind -> Text,
        state -> Text,
        user_id -> Nullable<BigInt>,
        service_id -> Nullable<BigInt>,
        payload -> Nullable<Binary>,
        attempts -> Integer,
        due_at -> BigInt,
        created_at -> BigInt,
        delivered_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        claimed_until -> BigInt,
        order_key -> Nullable<Text>,
    }
}
diesel::table! {
    callback_queues (service_id) {
        service_id -> BigInt,
        claimed_until -> BigInt,
        paused_until -> BigInt,
        failures -> Integer,
        last_turn -> BigInt,
    }
}
diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> BigInt,
        event -> Text,
        outcome -> Text,
        client_name -> Nullable<Text>,
        actor -> Nullable<Text>,
        on_behalf_of -> Nullable<Text>,
        subject -> Nullable<Text>,
        request_id -> Text,
    }
}
diesel::table! {
    refusals (id) {
        id -> BigInt,
        minute -> BigInt,
        network -> Text,
        event -> Text,
        outcome -> Text,
        actor -> Text,
        times -> BigInt,
        last_at -> BigInt,
        client_name -> Nullable<Text>,
        subject -> Nullable<Text>,
        request_id -> Text,
    }
}
diesel::joinable!(login_names -> users (user_id));
diesel::joinable!(memberships -> organisations (organisation_uuid));
diesel::joinable!(token_families -> users (user_id));
diesel::joinable!(tokens -> token_families (family_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(profiles -> users (user_id));
diesel::joinable!(external_identities -> users (user_id));
diesel::joinable!(assignments -> services (service_id));
diesel::joinable!(assignments -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    login_names,
    memberships,
    organisations,
    token_families,
    tokens,
    sessions,
    profiles,
    external_identities,
    assignments,
    services,
    one_time_tokens
);
diesel::allow_tables_to_appear_in_same_query!(accepted_agreements, required_agreements);
