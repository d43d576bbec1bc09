//! Settings, described by one table. Later sources override earlier ones: defaults, file, environment, flags. All
//! mistakes are reported at once.

mod table;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app_context::Rules;
use crate::contract::xml::XmlLimits;
use crate::delivery::{
    Authorities, CallbackSettings, Login, MailTemplates, Reach, RetryPolicy, Security, Smtp,
    is_sender,
};
use crate::domain::Millis;
use crate::domain::retention::Retention;
use crate::domain::throttle::{Limit, Limits};
use crate::domain::web::is_origin;
use crate::domain::windows::PerMinute;
use crate::jsonapi::JsonLimits;
use crate::secrets::tokens::Signing;
use crate::server::{MetricsFor, ServerConfig};
use crate::soap::SoapLimits;
use crate::store::Opening;

pub use table::{Setting, TABLE};

/// The settings of one run.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    /// The registry file, applied at start and at SIGHUP.
    pub registry: Option<PathBuf>,
    pub opening: Opening,
    pub server: ServerConfig,
    pub rules: Rules,
    pub password_cost: u32,
    pub signing: Signing,
    pub mail_from: String,
    /// The templates of mails.
    pub templates: MailTemplates,
    /// The mail server; without one, mails are written to files.
    pub smtp: Option<Smtp>,
    pub callbacks: CallbackSettings,
    pub retry: RetryPolicy,
    pub log: String,
    pub log_json: bool,
}

/// Milliseconds in a day.
const DAY_MS: Millis = 24 * 3_600_000;

/// The description of a wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(pub String);

/// The values of settings as text, by name.
pub type Values = BTreeMap<String, String>;

/// The name of a setting's environment variable.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("GATEWAY_{}", name.replace('.', "_").to_uppercase())
}

/// Merges the file, the environment and the flags, in this order.
///
/// The second value lists the mistakes found so far: unknown names and unreadable files.
pub fn gather(
    file: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
    flags: Values,
) -> (Values, Vec<Mistake>) {
    let mut values = Values::new();
    let mut mistakes = Vec::new();
    if let Some(path) = file {
        match std::fs::read_to_string(path) {
            Ok(text) => read_file(path, &text, &mut values, &mut mistakes),
            Err(e) => mistakes.push(Mistake(format!("{}: {e}", path.display()))),
        }
    }
    for setting in TABLE {
        let name = variable(setting.name);
        if let Some(value) = environment(&name) {
            values.insert(setting.name.to_owned(), value);
        } else if let Some(path) = environment(&format!("{name}_FILE")) {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    values.insert(setting.name.to_owned(), text.trim().to_owned());
                }
                Err(e) => mistakes.push(Mistake(format!("{name}_FILE={path}: {e}"))),
            }
        }
    }
    values.extend(flags);
    (values, mistakes)
}

/// The files that hold values of settings, as named by environment variables such as `GATEWAY_MAIL_PASSWORD_FILE`.
#[must_use]
pub fn secret_files(environment: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let named = |setting: &Setting| environment(&format!("{}_FILE", variable(setting.name)));
    TABLE.iter().filter_map(named).map(PathBuf::from).collect()
}

/// Whether this settings file holds a password: that of the mail server, or one in the database URL.
#[must_use]
pub fn holds_a_secret(path: &Path) -> bool {
    let (mut values, mut mistakes) = (Values::new(), Vec::new());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    read_file(path, &text, &mut values, &mut mistakes);
    let given = |name: &str| values.get(name).filter(|value| !value.is_empty());
    let url = given("database_url").and_then(|url| url.split_once("://"));
    let login = url.and_then(|(_, rest)| rest.split_once('@'));
    given("mail.password").is_some() || login.is_some_and(|(login, _)| login.contains(':'))
}

fn read_file(path: &Path, text: &str, values: &mut Values, mistakes: &mut Vec<Mistake>) {
    let file = path.display();
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return mistakes.push(Mistake(format!("{file}: {error}"))),
    };
    let mut add = |name: String, value: &toml::Value| {
        let text = match value {
            toml::Value::String(s) => s.clone(),
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Boolean(b) => b.to_string(),
            _ => {
                return mistakes.push(Mistake(format!(
                    "{file}: {name} must be a text, a whole number or true or false"
                )));
            }
        };
        if TABLE.iter().any(|s| s.name == name) {
            values.insert(name, text);
        } else {
            mistakes.push(Mistake(format!("{file}: {name} is not a setting")));
        }
    };
    for (key, value) in &table {
        match value {
            toml::Value::Table(inner) => {
                for (sub, value) in inner {
                    add(format!("{key}.{sub}"), value);
                }
            }
            value => add(key.clone(), value),
        }
    }
}

/// Reads values one by one and collects the mistakes.
struct Reader<'a> {
    values: &'a Values,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> String {
        let default = TABLE
            .iter()
            .find(|s| s.name == name)
            .map_or("", |s| s.default);
        self.values
            .get(name)
            .map_or(default, String::as_str)
            .to_owned()
    }

    fn number<T: TryFrom<u64> + Default>(&mut self, name: &str, least: u64, most: u64) -> T {
        let text = self.text(name);
        let number = text
            .parse::<u64>()
            .ok()
            .filter(|n| (least..=most).contains(n));
        match number.and_then(|n| T::try_from(n).ok()) {
            Some(number) => number,
            None => {
                self.wrong(
                    name,
                    &text,
                    &format!("must be a whole number from {least} to {most}"),
                );
                T::default()
            }
        }
    }

    fn wrong(&mut self, name: &str, text: &str, what: &str) {
        self.mistakes
            .push(Mistake(format!("{name} = {text:?} {what}")));
    }
}

impl Config {
    /// The folder of the key files.
    #[must_use]
    pub fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// Parses the values. `mistakes` are those of [`gather`].
    ///
    /// # Errors
    /// All mistakes, those of [`gather`] included.
    pub fn read(values: &Values, mistakes: Vec<Mistake>) -> Result<Config, Vec<Mistake>> {
        let mut reader = Reader { values, mistakes };
        let r = &mut reader;
        let data_dir = PathBuf::from(r.text("data_dir"));
        let listen_text = r.text("listen");
        let listen = listen_text.parse::<SocketAddr>().unwrap_or_else(|_| {
            r.wrong(
                "listen",
                &listen_text,
                "must be an address and a port, like 127.0.0.1:8080",
            );
            SocketAddr::from(([127, 0, 0, 1], 0))
        });
        let public_url = Some(r.text("public_url")).filter(|u| !u.is_empty());
        if let Some(url) = &public_url
            && (!(url.starts_with("http://") || url.starts_with("https://")) || url.ends_with('/'))
        {
            r.wrong(
                "public_url",
                url,
                "must start with http:// or https:// and not end with /",
            );
        }
        let signing_text = r.text("token.algorithm");
        let signing = Signing::parse(&signing_text).unwrap_or_else(|| {
            r.wrong(
                "token.algorithm",
                &signing_text,
                "must be ES256, HS256, RS256 or EdDSA",
            );
            Signing::Es256
        });
        let refuse_unknown = one_of(r, "soap.unknown_elements", ["skip", "refuse"]) == 1;
        let log_json = one_of(r, "log_format", ["text", "json"]) == 1;
        let server = server(r, listen, public_url, refuse_unknown);
        let opening = opening(r, &data_dir, server.read_threads);
        let rules = Rules {
            token_seconds: r.number("token.seconds", 60, 86_400),
            grace_ms: r.number::<i64>("token.grace_s", 0, 300) * 1000,
            family_ms: r.number::<i64>("token.renewable_hours", 1, 8760) * 3_600_000,
            session_ms: r.number::<i64>("session.days", 1, 400) * DAY_MS,
            session_idle_ms: r.number::<i64>("session.idle_days", 1, 400) * DAY_MS,
            activation_ms: r.number::<i64>("activation.hours", 1, 720) * 3_600_000,
            reset_ms: r.number::<i64>("reset.minutes", 1, 1440) * 60_000,
            email_undo_ms: r.number::<i64>("email_undo.hours", 1, 720) * 3_600_000,
            throttle: throttle(r),
            retention: retention(r),
            assignments: PerMinute {
                per_user: r.number("throttle.assignments_per_user", 1, 1_000_000_000),
                per_service: r.number("throttle.assignments_per_service", 1, 1_000_000_000),
            },
            admin_role: r.text("admin_role"),
            max_page: r.number("limits.page", 1, 10_000),
        };
        let registry = Some(r.text("registry")).filter(|path| !path.is_empty());
        let log = r.text("log");
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log) {
            r.wrong("log", &log, &format!("is not a log filter: {error}"));
        }
        let mail_from = r.text("mail.from");
        if !is_sender(&mail_from) {
            r.wrong(
                "mail.from",
                &mail_from,
                "must be an address, or a name and <an address>",
            );
        }
        let templates = templates(r);
        let config = Config {
            data_dir,
            registry: registry.map(PathBuf::from),
            opening,
            server,
            rules,
            password_cost: r.number("password.cost", 4, 16),
            signing,
            mail_from,
            templates,
            smtp: smtp(r),
            callbacks: callbacks(r),
            retry: RetryPolicy {
                first_retry_ms: r.number("outbox.first_retry_ms", 1, 3_600_000),
                give_up_ms: r.number::<i64>("outbox.give_up_hours", 1, 8760) * 3_600_000,
            },
            log,
            log_json,
        };
        if reader.mistakes.is_empty() {
            Ok(config)
        } else {
            Err(reader.mistakes)
        }
    }
}

/// Whether `path`, given without its outer slashes, needs no percent-encoding.
fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    !path.is_empty() && path.chars().all(plain)
}

/// The index of the value among the allowed words.
fn one_of<const N: usize>(r: &mut Reader<'_>, name: &str, words: [&str; N]) -> usize {
    let text = r.text(name);
    words.iter().position(|w| *w == text).unwrap_or_else(|| {
        let [others @ .., last] = words.as_slice() else {
            return 0;
        };
        r.wrong(
            name,
            &text,
            &format!("must be {} or {last}", others.join(", ")),
        );
        0
    })
}

fn throttle(r: &mut Reader<'_>) -> Limits {
    let longest_ms = r.number::<i64>("throttle.longest_wait_s", 1, 86_400) * 1000;
    let forgive_ms = r.number::<i64>("throttle.forgive_minutes", 1, 10_080) * 60_000;
    let mut limit = |name| Limit {
        free: r.number(name, 1, 1_000_000),
        forgive_ms,
        longest_ms,
    };
    Limits {
        guesses: limit("throttle.guesses"),
        guesses_per_source: limit("throttle.guesses_per_source"),
        mails: limit("throttle.mails"),
        mails_per_source: limit("throttle.mails_per_source"),
        known_ms: r.number::<i64>("throttle.known_days", 1, 400) * DAY_MS,
    }
}

fn retention(r: &mut Reader<'_>) -> Retention {
    let mut days = |name, least| r.number::<i64>(name, least, 36_500) * DAY_MS;
    let (audit_ms, refusals_ms) = (days("audit.keep_days", 30), days("refusals.keep_days", 1));
    let delivered_ms = days("outbox.keep_days", 1);
    let unconfirmed_ms = days("registration.keep_days", 1);
    Retention {
        audit_ms,
        refusals_ms,
        refusals_rows: r.number("refusals.rows", 1_000, 100_000_000),
        refusals_keys: r.number("refusals.keys", 10, 100_000),
        delivered_ms,
        unconfirmed_ms,
        unconfirmed_users: r.number("registration.unconfirmed", 10, 100_000_000),
        attempts_rows: r.number("throttle.rows", 1_000, 10_000_000),
        families_of_user: r.number("token.sign_ins", 10, 1_000_000),
        sessions_of_user: r.number("session.browsers", 2, 100_000),
    }
}

fn callbacks(r: &mut Reader<'_>) -> CallbackSettings {
    CallbackSettings {
        reach: match one_of(r, "callbacks.allow_private", ["no", "loopback", "yes"]) {
            0 => Reach::Public,
            1 => Reach::Loopback,
            _ => Reach::Private,
        },
        timeout: Duration::from_secs(r.number("callbacks.timeout_s", 1, 20)),
        parallel: r.number("callbacks.parallel", 1, 64),
    }
}

/// Loads the mail templates; reports every mistake in custom templates.
fn templates(r: &mut Reader<'_>) -> MailTemplates {
    let folder = r.text("mail.templates");
    if folder.is_empty() {
        return MailTemplates::built_in();
    }
    MailTemplates::load(Some(Path::new(&folder))).unwrap_or_else(|wrong| {
        r.mistakes.extend(wrong.into_iter().map(Mistake));
        MailTemplates::built_in()
    })
}

/// Loads the certificate authorities for the mail server.
fn authorities(r: &mut Reader<'_>) -> Option<Authorities> {
    let file = r.text("mail.ca_file");
    if file.is_empty() {
        return None;
    }
    let read = std::fs::read(&file).map_err(|e| format!("cannot be read: {e}"));
    read.and_then(|pem| Authorities::from_pem(&pem))
        .map_err(|what| r.wrong("mail.ca_file", &file, &what))
        .ok()
}

fn smtp(r: &mut Reader<'_>) -> Option<Smtp> {
    let security = match one_of(r, "mail.security", ["starttls", "tls", "none"]) {
        0 => Security::StartTls,
        1 => Security::Tls,
        _ => Security::None,
    };
    let port = r.number("mail.port", 1, 65_535);
    let authorities = authorities(r);
    if one_of(r, "mail.transport", ["folder", "smtp"]) == 0 {
        return None;
    }
    let host = r.text("mail.host");
    if host.is_empty() {
        r.wrong(
            "mail.host",
            &host,
            "must name a server for mail.transport = smtp",
        );
    }
    let (user, password) = (r.text("mail.user"), r.text("mail.password"));
    Some(Smtp {
        host,
        port,
        security,
        login: (!user.is_empty()).then_some(Login { user, password }),
        authorities,
    })
}

fn opening(r: &mut Reader<'_>, data_dir: &Path, readers: usize) -> Opening {
    let url = match r.text("database_url") {
        url if url.is_empty() => data_dir.join("gateway.db").to_string_lossy().into_owned(),
        url => url,
    };
    let timeout = r.number("sqlite.busy_timeout_ms", 100, 60_000);
    // Hashing operations and the delivery worker also read.
    Opening::parse(&url, readers + 2, timeout).unwrap_or_else(|what| {
        // The URL may hold a password.
        r.wrong("database_url", "…", &what);
        Opening::fallback(timeout)
    })
}

fn metrics_for(r: &mut Reader<'_>) -> MetricsFor {
    let text = r.text("metrics_for");
    if text.trim() == "*" {
        return MetricsFor::Everyone;
    }
    let mut addresses = Vec::new();
    for address in text.split(',').map(str::trim).filter(|a| !a.is_empty()) {
        match address.parse::<IpAddr>() {
            Ok(address) => addresses.push(address.to_canonical()),
            Err(_) => r.wrong("metrics_for", address, "must be an IP address, or *"),
        }
    }
    MetricsFor::Addresses(addresses)
}

fn server(
    r: &mut Reader<'_>,
    listen: SocketAddr,
    public_url: Option<String>,
    refuse_unknown: bool,
) -> ServerConfig {
    let context = r.text("context_path");
    let context = context.trim_matches('/');
    if !is_path(context) {
        r.wrong(
            "context_path",
            context,
            "must be a path of letters, digits and -._~/",
        );
    }
    let mut soap_paths = vec![format!("/{context}/ws/user/v1")];
    let extra = r.text("extra_soap_paths");
    for path in extra.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        if path.starts_with('/') && is_path(path.trim_matches('/')) {
            soap_paths.push(path.trim_end_matches('/').to_owned());
        } else {
            r.wrong(
                "extra_soap_paths",
                path,
                "must be / and letters, digits and -._~/",
            );
        }
    }
    let mut trusted_proxies = Vec::new();
    let proxies = r.text("trusted_proxies");
    for proxy in proxies.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match proxy.parse::<IpAddr>() {
            Ok(address) => trusted_proxies.push(address.to_canonical()),
            Err(_) => r.wrong("trusted_proxies", proxy, "must be an IP address"),
        }
    }
    let metrics_for = metrics_for(r);
    let mut cors_origins = Vec::new();
    let origins = r.text("cors_origins");
    for origin in origins.split(',').map(str::trim).filter(|o| !o.is_empty()) {
        if is_origin(origin) {
            cors_origins.push(origin.to_owned());
        } else {
            r.wrong(
                "cors_origins",
                origin,
                "must be http:// or https:// and a host in lower case, without a path",
            );
        }
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let hash_threads = match r.number("threads.hash", 0, 64) {
        0 => cores,
        n => n,
    };
    ServerConfig {
        listen,
        soap_paths,
        public_url,
        trusted_proxies,
        metrics_for,
        soap: SoapLimits {
            xml: XmlLimits {
                depth: r.number("xml.depth", 8, 1000),
                elements: r.number("xml.elements", 100, 1_000_000),
                attributes: r.number("xml.attributes", 8, 250),
                text_bytes: r.number("xml.text_bytes", 1024, 16_777_216),
            },
            body_bytes: r.number("limits.body_bytes", 4096, 67_108_864),
            refuse_unknown,
        },
        rest_prefixes: vec![
            format!("/{context}/json/user/v1"),
            format!("/{context}/user/v1"),
        ],
        json: JsonLimits {
            depth: r.number("json.depth", 4, 100),
            refuse_unknown,
        },
        cors_origins,
        max_connections: r.number("limits.connections", 1, 100_000),
        connections_per_address: r.number("limits.connections_per_address", 1, 100_000),
        reserved_connections: r.number("limits.reserved_connections", 1, 1000),
        idle_timeout: Duration::from_secs(r.number("limits.idle_timeout_s", 1, 3600)),
        read_timeout: Duration::from_secs(r.number("limits.read_timeout_s", 1, 300)),
        drain: Duration::from_secs(r.number("drain_s", 0, 300)),
        read_threads: r.number("threads.read", 1, 64),
        search_threads: r.number("threads.search", 1, 64),
        write_threads: r.number("threads.write", 1, 64),
        hash_threads,
        queue: r.number("limits.queue", 1, 100_000),
        hash_queue: r.number("limits.hash_queue", 1, 10_000),
        search_queue: r.number("limits.search_queue", 1, 10_000),
        source_share: r.number("limits.source_share", 1, 100),
        account_share: r.number("limits.account_share", 1, 100),
        wait: Duration::from_secs(r.number("limits.wait_s", 1, 300)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_defaults() {
        let config = Config::read(&Values::new(), Vec::new()).unwrap();
        assert_eq!(config.server.soap_paths, ["/hammy/ws/user/v1"]);
        assert_eq!(config.rules.token_seconds, 1800);
    }

    #[test]
    fn reports_all_mistakes_at_once() {
        let values = [
            ("listen", "nowhere"),
            ("token.seconds", "soon"),
            ("log_format", "xml"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()));
        let mistakes = Config::read(&Values::from(values), Vec::new()).unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }

    #[test]
    fn flags_override_the_environment() {
        let environment = |name: &str| (name == "GATEWAY_LISTEN").then(|| "127.0.0.1:1".to_owned());
        let flags = Values::from([("listen".to_owned(), "127.0.0.1:2".to_owned())]);
        let values = gather(None, &environment, flags).0;
        assert_eq!(values["listen"], "127.0.0.1:2");
        let values = gather(None, &environment, Values::new()).0;
        assert_eq!(values["listen"], "127.0.0.1:1");
    }
}
