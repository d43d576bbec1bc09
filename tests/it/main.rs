//! The integration tests: one binary, each test with a gateway and a database of its own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an unexpected absence must fail the test"
)]

mod access;
mod access_elsewhere;
mod access_table;
mod accounts;
mod basic_profile;
mod bounds;
mod callbacks;
mod cli;
mod connections;
mod consents;
mod contract;
mod contracts;
mod deletion;
mod directory;
mod docs;
mod documents;
mod envelopes;
mod faces;
mod fair_shares;
mod faults;
mod framing;
mod growth;
mod harness;
mod hash_costs;
mod hostile_json;
mod hostile_xml;
mod http;
mod index_writes;
mod keys;
mod known_sources;
mod life_cycle;
mod lists;
mod loginbar;
mod logs;
mod mail;
mod mail_templates;
mod metrics;
mod names;
mod openapi;
mod outage;
mod overload;
mod pages;
mod partners;
mod portals;
mod races;
mod refresh;
mod registry;
mod resources;
mod rest_cases;
mod samples;
mod schema;
mod secrecy;
mod security_header;
mod service_ids;
mod soap_cases;
mod soap_rest_parity;
mod take_over;
mod throttling;
mod tidy;
mod user_columns;
mod well_formed;
mod wire;
