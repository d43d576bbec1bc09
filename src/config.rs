//! Settings, described by one table. Later sources override earlier ones: defaults, file, environment, flags. All
//! mistakes are reported at once.

mod reader;
mod sources;
mod table;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
use crate::soap::{Contract, Names, SoapLimits};
use crate::store::Opening;

use reader::Reader;
pub use sources::{SettingError, Values, gather, holds_a_secret, secret_files, variable};
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
    /// The mail server; `None` if mails are written to files.
    pub smtp: Option<Smtp>,
    pub callbacks: CallbackSettings,
    pub retry: RetryPolicy,
    pub log: String,
    pub log_json: bool,
}

/// Milliseconds in a day.
const DAY_MS: Millis = 24 * 3_600_000;

impl Config {
    /// The folder of the key files.
    #[must_use]
    pub fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// Parses the values. `mistakes` are the mistakes that [`gather`] has found.
    ///
    /// # Errors
    /// All mistakes, including those that [`gather`] has found.
    pub fn read(values: &Values, mistakes: Vec<SettingError>) -> Result<Config, Vec<SettingError>> {
        let mut reader = Reader::new(values, mistakes);
        let r = &mut reader;
        let data_dir = PathBuf::from(r.text("data_dir"));
        let rule = "must be an address and a port, like 127.0.0.1:8080";
        let listen = r.parsed("listen", rule, |text| text.parse().ok());
        let rule = "must start with http:// or https:// and not end with /";
        let public_url = r.parsed("public_url", rule, |text| {
            is_base_or_empty(text).then(|| text.to_owned())
        });
        let rule = "must be ES256, HS256, RS256 or EdDSA";
        let signing = r.parsed("token.algorithm", rule, Signing::parse);
        let refuse_unknown = r.one_of(
            "soap.unknown_elements",
            &[("skip", false), ("refuse", true)],
        );
        let unique_phones = r.one_of("directory.unique_phones", &[("no", false), ("yes", true)]);
        let log_json = r.one_of("log_format", &[("text", false), ("json", true)]);
        let server = server(
            r,
            listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))),
            public_url.filter(|url| !url.is_empty()),
            refuse_unknown.unwrap_or_default(),
        );
        let opening = opening(r, &data_dir, server.read_threads);
        let rules = Rules {
            token_seconds: r.number("token.seconds", 60..=86_400),
            grace_ms: r.number::<i64>("token.grace_s", 0..=300) * 1000,
            family_ms: r.number::<i64>("token.renewable_hours", 1..=8760) * 3_600_000,
            session_ms: r.number::<i64>("session.days", 1..=400) * DAY_MS,
            session_idle_ms: r.number::<i64>("session.idle_days", 1..=400) * DAY_MS,
            partner_leeway_ms: r.number::<i64>("session.partner_leeway_s", 0..=300) * 1000,
            activation_ms: r.number::<i64>("activation.hours", 1..=720) * 3_600_000,
            reset_ms: r.number::<i64>("reset.minutes", 1..=1440) * 60_000,
            email_undo_ms: r.number::<i64>("email_undo.hours", 1..=720) * 3_600_000,
            throttle: throttle(r),
            retention: retention(r),
            assignments: PerMinute {
                per_user: r.number("throttle.assignments_per_user", 1..=1_000_000_000),
                per_service: r.number("throttle.assignments_per_service", 1..=1_000_000_000),
            },
            admin_role: r.text("admin_role"),
            unique_phones: unique_phones.unwrap_or_default(),
            max_page: r.number("limits.page", 1..=10_000),
        };
        let registry = r.optional("registry").map(PathBuf::from);
        let log = r.text("log");
        if let Err(error) = log.parse::<tracing_subscriber::filter::Targets>() {
            r.wrong("log", &log, &format!("is not a log filter: {error}"));
        }
        let rule = "must be an address, or a name and <an address>";
        let mail_from = r.parsed("mail.from", rule, |text| {
            is_sender(text).then(|| text.to_owned())
        });
        let templates = templates(r);
        let config = Config {
            data_dir,
            registry,
            opening,
            server,
            rules,
            password_cost: r.number("password.cost", 4..=16),
            signing: signing.unwrap_or(Signing::Es256),
            mail_from: mail_from.unwrap_or_default(),
            templates,
            smtp: smtp(r),
            callbacks: callbacks(r),
            retry: RetryPolicy {
                first_retry_ms: r.number("outbox.first_retry_ms", 1..=3_600_000),
                give_up_ms: r.number::<i64>("outbox.give_up_hours", 1..=8760) * 3_600_000,
            },
            log,
            log_json: log_json.unwrap_or_default(),
        };
        if reader.mistakes.is_empty() {
            Ok(config)
        } else {
            Err(reader.mistakes)
        }
    }
}

/// Whether the text is empty or a URL to which paths can be appended.
fn is_base_or_empty(text: &str) -> bool {
    let has_scheme = text.starts_with("http://") || text.starts_with("https://");
    text.is_empty() || (has_scheme && !text.ends_with('/'))
}

/// Whether `path`, given without its outer slashes, needs no percent-encoding.
fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    !path.is_empty() && path.chars().all(plain)
}

fn throttle(r: &mut Reader<'_>) -> Limits {
    let longest_ms = r.number::<i64>("throttle.longest_wait_s", 1..=86_400) * 1000;
    let forgive_ms = r.number::<i64>("throttle.forgive_minutes", 1..=10_080) * 60_000;
    let mut limit = |name| Limit {
        free: r.number(name, 1..=1_000_000),
        forgive_ms,
        longest_ms,
    };
    Limits {
        guesses: limit("throttle.guesses"),
        guesses_per_source: limit("throttle.guesses_per_source"),
        mails: limit("throttle.mails"),
        mails_per_source: limit("throttle.mails_per_source"),
        known_ms: r.number::<i64>("throttle.known_days", 1..=400) * DAY_MS,
    }
}

fn retention(r: &mut Reader<'_>) -> Retention {
    let mut days = |name, least| r.number::<i64>(name, least..=36_500) * DAY_MS;
    let (audit_ms, refusals_ms) = (days("audit.keep_days", 30), days("refusals.keep_days", 1));
    let delivered_ms = days("outbox.keep_days", 1);
    let unconfirmed_ms = days("registration.keep_days", 1);
    Retention {
        audit_ms,
        refusals_ms,
        refusals_rows: r.number("refusals.rows", 1_000..=100_000_000),
        refusals_keys: r.number("refusals.keys", 10..=100_000),
        delivered_ms,
        unconfirmed_ms,
        unconfirmed_users: r.number("registration.unconfirmed", 10..=100_000_000),
        attempts_rows: r.number("throttle.rows", 1_000..=10_000_000),
        families_of_user: r.number("token.sign_ins", 10..=1_000_000),
        sessions_of_user: r.number("session.browsers", 2..=100_000),
    }
}

fn callbacks(r: &mut Reader<'_>) -> CallbackSettings {
    let reaches = [
        ("no", Reach::Public),
        ("loopback", Reach::Loopback),
        ("yes", Reach::Private),
    ];
    let reach = r.one_of("callbacks.allow_private", &reaches);
    CallbackSettings {
        reach: reach.unwrap_or(Reach::Public),
        timeout: r.seconds("callbacks.timeout_s", 1..=20),
        parallel: r.number("callbacks.parallel", 1..=64),
        max_retry_after_ms: r.number::<i64>("callbacks.max_retry_after_s", 1..=2_592_000) * 1000,
    }
}

/// Loads the mail templates; reports every mistake in custom templates.
fn templates(r: &mut Reader<'_>) -> MailTemplates {
    let Some(folder) = r.optional("mail.templates") else {
        return MailTemplates::built_in();
    };
    MailTemplates::load(Some(Path::new(&folder))).unwrap_or_else(|wrong| {
        r.mistakes.extend(wrong.into_iter().map(SettingError));
        MailTemplates::built_in()
    })
}

/// Loads the certificate authorities for the mail server.
fn authorities(r: &mut Reader<'_>) -> Option<Authorities> {
    let file = r.optional("mail.ca_file")?;
    let read = std::fs::read(&file).map_err(|e| format!("cannot be read: {e}"));
    read.and_then(|pem| Authorities::from_pem(&pem))
        .map_err(|what| r.wrong("mail.ca_file", &file, &what))
        .ok()
}

fn smtp(r: &mut Reader<'_>) -> Option<Smtp> {
    let securities = [
        ("starttls", Security::StartTls),
        ("tls", Security::Tls),
        ("none", Security::None),
    ];
    let security = r.one_of("mail.security", &securities);
    let port = r.number("mail.port", 1..=65_535);
    let authorities = authorities(r);
    let sends = r.one_of("mail.transport", &[("folder", false), ("smtp", true)]);
    if sends != Some(true) {
        return None;
    }
    let rule = "must name a server for mail.transport = smtp";
    let host = r.parsed("mail.host", rule, |host| {
        Some(host.to_owned()).filter(|host| !host.is_empty())
    });
    let password = r.text("mail.password");
    let login = r.optional("mail.user").map(|user| Login { user, password });
    Some(Smtp {
        host: host.unwrap_or_default(),
        port,
        security: security.unwrap_or(Security::StartTls),
        login,
        authorities,
    })
}

fn opening(r: &mut Reader<'_>, data_dir: &Path, readers: usize) -> Opening {
    let embedded = || data_dir.join("gateway.db").to_string_lossy().into_owned();
    let url = r.optional("database_url").unwrap_or_else(embedded);
    let timeout = r.number("sqlite.busy_timeout_ms", 100..=60_000);
    // Two readers more than read threads, because hashing operations and the delivery worker also read.
    Opening::parse(&url, readers + 2, timeout).unwrap_or_else(|what| {
        // The message omits the URL, because the URL may contain a password.
        r.wrong("database_url", "…", &what);
        Opening::fallback(timeout)
    })
}

/// The contracts of installations, each at a path of its own.
fn contracts(r: &mut Reader<'_>, taken: &[String]) -> Vec<Arc<Contract>> {
    let rule = "must be OURS=THEIRS, like showUser=getUser";
    let pair = |text: &str| {
        let (a, b) = text.split_once('=')?;
        let (a, b) = (a.trim(), b.trim());
        (!a.is_empty() && !b.is_empty()).then(|| (a.to_owned(), b.to_owned()))
    };
    let names: Names = r.list("soap.names", rule, pair);
    let rule = "must be PATH=FILE; the path is / and letters, digits and -._~/";
    let places = r.list("soap.contracts", rule, |text| {
        let (path, file) = pair(text)?;
        let is_valid = path.starts_with('/') && is_path(path.trim_matches('/'));
        is_valid.then(|| (path.trim_end_matches('/').to_owned(), file))
    });
    let mut found: Vec<Arc<Contract>> = Vec::new();
    for (path, file) in places {
        if taken.contains(&path) || found.iter().any(|c| c.path == path) {
            r.wrong("soap.contracts", &path, "is the path of another endpoint");
            continue;
        }
        match Contract::read(&path, &file, &names) {
            Ok(contract) => found.push(Arc::new(contract)),
            Err(what) => r.wrong(
                "soap.contracts",
                &path,
                &format!("cannot be served: {what}"),
            ),
        }
    }
    found
}

fn metrics_for(r: &mut Reader<'_>) -> MetricsFor {
    match r.text("metrics_for").trim() {
        "*" => MetricsFor::Everyone,
        _ => MetricsFor::Addresses(r.list("metrics_for", "must be an IP address, or *", address)),
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
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
        let rule = "must be a path of letters, digits and -._~/";
        r.wrong("context_path", context, rule);
    }
    let mut soap_paths = vec![format!("/{context}/ws/user/v1")];
    let rule = "must be / and letters, digits and -._~/";
    soap_paths.extend(r.list("extra_soap_paths", rule, |path| {
        let is_valid = path.starts_with('/') && is_path(path.trim_matches('/'));
        is_valid.then(|| path.trim_end_matches('/').to_owned())
    }));
    let contracts = contracts(r, &soap_paths);
    let trusted_proxies = r.list("trusted_proxies", "must be an IP address", address);
    let metrics_for = metrics_for(r);
    let rule = "must be http:// or https:// and a host in lower case, without a path";
    let cors_origins = r.list("cors_origins", rule, |origin| {
        is_origin(origin).then(|| origin.to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let hash_threads = match r.number("threads.hash", 0..=64) {
        0 => cores,
        n => n,
    };
    ServerConfig {
        listen,
        soap_paths,
        contracts,
        public_url,
        trusted_proxies,
        metrics_for,
        soap: SoapLimits {
            xml: XmlLimits {
                depth: r.number("xml.depth", 8..=1000),
                elements: r.number("xml.elements", 100..=1_000_000),
                attributes: r.number("xml.attributes", 8..=250),
                text_bytes: r.number("xml.text_bytes", 1024..=16_777_216),
            },
            body_bytes: r.number("limits.body_bytes", 4096..=67_108_864),
            refuse_unknown,
        },
        rest_prefixes: vec![
            format!("/{context}/json/user/v1"),
            format!("/{context}/user/v1"),
        ],
        json: JsonLimits {
            depth: r.number("json.depth", 4..=100),
            refuse_unknown,
        },
        cors_origins,
        max_connections: r.number("limits.connections", 1..=100_000),
        connections_per_address: r.number("limits.connections_per_address", 1..=100_000),
        reserved_connections: r.number("limits.reserved_connections", 1..=1000),
        idle_timeout: r.seconds("limits.idle_timeout_s", 1..=3600),
        read_timeout: r.seconds("limits.read_timeout_s", 1..=300),
        drain: r.seconds("drain_s", 0..=300),
        read_threads: r.number("threads.read", 1..=64),
        search_threads: r.number("threads.search", 1..=64),
        write_threads: r.number("threads.write", 1..=64),
        hash_threads,
        queue: r.number("limits.queue", 1..=100_000),
        hash_queue: r.number("limits.hash_queue", 1..=10_000),
        search_queue: r.number("limits.search_queue", 1..=10_000),
        source_share: r.number("limits.source_share", 1..=100),
        account_share: r.number("limits.account_share", 1..=100),
        wait: r.seconds("limits.wait_s", 1..=300),
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
}
