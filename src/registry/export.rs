//! Exports the registry as a file, without its secrets.

use std::fmt::Write as _;

use super::plan::State;
use crate::secrets::rsa_keys;

const HEAD: &str = "\
# The registry of a gateway, as `chaingun-gateway registry export` prints it. Secrets (access_key and secret_key of
# services, secret of applications) are left out: where a file has none, those that are stored stay.
";

/// The registry as a file. Applied to the same store, it changes nothing.
#[must_use]
pub fn export(state: &State) -> String {
    let mut out = Printer(HEAD.to_owned());
    for keyed in &state.clients {
        out.table("clients");
        out.text("name", &keyed.client.name);
        if let Some(key) = &keyed.key_sha256 {
            out.text("key_sha256", key);
        }
        out.text("trust", keyed.client.trust.as_str());
        out.bare("active", keyed.client.active);
    }
    for organisation in &state.organisations {
        out.table("organisations");
        out.text("uuid", &organisation.uuid);
        out.text("name", &organisation.name);
        out.text("join", organisation.join_policy.as_str());
        if let Some((channel, external_id)) = organisation.known_as() {
            out.text("channel", channel);
            out.text("external_id", external_id);
        }
    }
    for portal in &state.portals {
        out.table("portals");
        out.bare("id", portal.id);
        out.text("name", &portal.name);
    }
    for agreement in &state.agreements {
        out.table("agreements");
        out.bare("id", agreement.id);
        out.text("name", &agreement.name);
    }
    services(state, &mut out);
    for application in &state.applications {
        out.table("applications");
        out.text("client_id", &application.client_id);
        out.texts("origins", &application.origins);
        out.texts("redirect_uris", &application.redirect_uris);
        out.bare("plain_calls", application.plain_calls);
    }
    for partner in &state.partners {
        out.table("partners");
        out.text("iss", &partner.iss);
        out.pems("public_keys", &rsa_keys::split(&partner.public_keys));
        out.texts("state_ids", &partner.state_ids);
        out.texts("redirect_origins", &partner.redirect_origins);
        out.bare("max_life_s", partner.max_life_s);
    }
    out.0
}

fn services(state: &State, out: &mut Printer) {
    for service in &state.services {
        out.table("services");
        out.bare("id", service.id);
        out.bare("portal", service.portal_id);
        out.text("name", &service.name);
        if let Some(url) = &service.callback_url {
            out.text("callback_url", url);
        }
        let required: Vec<_> = state
            .required(service.id)
            .iter()
            .map(i64::to_string)
            .collect();
        out.bare("requires", format_args!("[{}]", required.join(", ")));
        out.bare("case_sensitive_ids", service.case_sensitive_ids);
    }
}

struct Printer(String);

impl Printer {
    fn table(&mut self, name: &str) {
        self.line(format_args!("\n[[{name}]]"));
    }

    fn bare(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.bare(key, quoted(text));
    }

    fn texts(&mut self, key: &str, texts: &[String]) {
        let quoted: Vec<_> = texts.iter().map(|t| quoted(t)).collect();
        self.bare(key, format_args!("[{}]", quoted.join(", ")));
    }

    fn pems(&mut self, key: &str, pems: &[String]) {
        let quoted: Vec<_> = pems.iter().map(|pem| format!("'''\n{pem}'''")).collect();
        self.bare(key, format_args!("[{}]", quoted.join(", ")));
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{text}");
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_come_back_as_they_were() {
        let odd = "a \"b\" \\ c\u{7f}\u{1}\u{85}ő";
        let table: toml::Table = format!("x = {}", quoted(odd)).parse().unwrap();
        assert_eq!(table["x"].as_str(), Some(odd));
    }
}
