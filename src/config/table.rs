//! The table of settings: name, default and description.

/// One row of the settings table.
#[derive(Debug)]
pub struct Setting {
    /// The name in the file. The environment variable is `GATEWAY_` and the name in upper case.
    pub name: &'static str,
    pub default: &'static str,
    pub doc: &'static str,
}

macro_rules! settings {
    ($($name:literal = $default:literal, $doc:literal;)+) => {
        /// All settings, in the order of the documentation.
        pub const TABLE: &[Setting] = &[$(Setting { name: $name, default: $default, doc: $doc },)+];
    };
}

settings! {
    "listen" = "127.0.0.1:8080", "Address to listen on. With port 0 the system chooses a port, which is logged.";
    "data_dir" = "data", "Folder for the embedded database, keys and mail files.";
    "database_url" = "", "Database: a postgres:// URL or a SQLite path; empty means gateway.db in the data folder.";
    "public_url" = "", "Public URL of the gateway, without a path. If empty, links in answers use the URL of each request; mails and partners' tokens use the listening address.";
    "trusted_proxies" = "", "Addresses of the proxies whose X-Forwarded-Proto, -Host, -Port and -For headers are trusted, separated by commas.";
    "metrics_for" = "127.0.0.1,::1", "Addresses that may collect /metrics, separated by commas; * for all. Unless it is *, a request with a header that proxies add (X-Forwarded-For, Forwarded, Via, X-Real-IP and others) gets 404.";
    "context_path" = "hammy", "First part of the paths of the user API.";
    "cors_origins" = "", "Origins of browser front ends that may call the REST API, like https://portal.example.org, separated by commas.";
    "registry" = "", "Registry file, applied at start and at SIGHUP; see `apply`.";
    "extra_soap_paths" = "", "Further paths of the SOAP endpoint, separated by commas.";
    "log" = "info", "Log level (error, warn, info, debug or trace), or a filter by module.";
    "log_format" = "text", "text or json.";
    "drain_s" = "20", "Seconds for running requests to finish at shutdown.";
    "admin_role" = "USER_ADMIN", "Role whose holders may call every operation.";
    "limits.body_bytes" = "1048576", "Maximum size of a request body after decompression, in bytes.";
    "limits.connections" = "1024", "Maximum number of connections. At the limit, a new connection replaces one without a complete request; if there is none, the new one gets BUSY.";
    "limits.connections_per_address" = "256", "Maximum number of connections of one IPv4 address or IPv6 /64, except trusted_proxies; also the maximum number of concurrent requests of one address behind such a proxy.";
    "limits.reserved_connections" = "16", "Further connections beyond limits.connections, which serve only /healthz, /readyz and /metrics.";
    "limits.idle_timeout_s" = "75", "Seconds for which an idle connection is kept between two requests.";
    "limits.queue" = "1024", "Length of the queue for reads, and of the queue for writes; further requests get BUSY.";
    "limits.hash_queue" = "64", "Length of the queue for sign-ins, registrations and password changes; further requests get BUSY.";
    "limits.search_queue" = "64", "Length of the queue for searches; further requests get BUSY.";
    "limits.source_share" = "25", "Percentage of the queue for writes, hashes or searches that one IPv4 address or IPv6 /64 may hold. A trusted client may hold twice as much.";
    "limits.account_share" = "15", "Percentage of the queue for hashes that requests about one user name or e-mail address may hold.";
    "limits.wait_s" = "10", "Seconds that a request waits for a worker; after that it gets BUSY.";
    "limits.read_timeout_s" = "15", "Seconds for a request's head, again for its body, and for a client that does not read its response.";
    "limits.page" = "1000", "Maximum number of users or organisations on one page.";
    "xml.depth" = "32", "Maximum nesting depth of elements in a request.";
    "xml.elements" = "10000", "Maximum number of elements in a request.";
    "xml.attributes" = "64", "Maximum number of attributes of one element, namespace declarations included; also of namespaces in scope.";
    "xml.text_bytes" = "65536", "Maximum size of one text in a request before unescaping, in bytes.";
    "json.depth" = "32", "Maximum nesting depth of a JSON body.";
    "soap.contracts" = "", "Contracts of older installations: PATH=FILE, separated by commas. The gateway serves the WSDL in FILE at PATH and translates its messages; see `contract adopt`.";
    "soap.names" = "", "Names in these contracts that differ from the gateway's: OURS=THEIRS, separated by commas, like showUser=getUser.";
    "soap.unknown_elements" = "skip", "Treatment of unknown elements in SOAP and unknown fields in REST: skip or refuse.";
    "threads.read" = "2", "Number of worker threads for reads.";
    "threads.search" = "2", "Number of worker threads for searches. With two or more, one client can use all but one.";
    "threads.write" = "1", "Number of worker threads for writes; SQLite uses one writer in any case.";
    "threads.hash" = "0", "Number of worker threads for password hashes; 0 means one per core.";
    "sqlite.busy_timeout_ms" = "5000", "Milliseconds to wait for another process's lock on the SQLite file.";
    "password.cost" = "12", "bcrypt cost, 4 to 16. Cost 12 takes about 0.3 s; a cost below 10 is for tests only. If a stored hash has a higher cost, every sign-in takes the time of the highest one.";
    "token.algorithm" = "ES256", "Signature algorithm of tokens: ES256, HS256, RS256 or EdDSA.";
    "token.seconds" = "1800", "Lifetime of a token in seconds.";
    "token.grace_s" = "10", "Seconds that a token stays valid after refreshAuthToken replaced it. Later reuse is treated as theft and revokes every token of that sign-in.";
    "token.renewable_hours" = "720", "Hours after a sign-in during which its tokens can be refreshed.";
    "token.sign_ins" = "1000", "Maximum number of concurrent sign-ins of one user with valid tokens; a further sign-in revokes the oldest.";
    "session.days" = "90", "Maximum lifetime of a browser session in days.";
    "session.idle_days" = "30", "Days without a request after which a browser session ends.";
    "session.partner_leeway_s" = "30", "Seconds by which the clock of a partner may differ: applied to exp, nbf and iat of its tokens. 0 to 300.";
    "session.browsers" = "100", "Maximum number of browser sessions of one user; a further one ends the 10 % that have been unused for longest.";
    "directory.unique_phones" = "no", "yes: a verified telephone number belongs to one user. The directory and partners' sign-in refuse it for a second user; `migrate` lists the users that share one already.";
    "activation.hours" = "48", "Lifetime of an activation token in hours.";
    "registration.keep_days" = "30", "Days after the expiry of its last activation token until an unconfirmed, self-registered account is deleted.";
    "registration.unconfirmed" = "100000", "Maximum number of unconfirmed, self-registered accounts; the oldest are deleted first.";
    "reset.minutes" = "30", "Lifetime of a password reset token in minutes.";
    "email_undo.hours" = "72", "Hours during which the link sent to the old address can undo a change of e-mail address.";
    "throttle.guesses" = "5", "Wrong passwords for one account, or other refusals after a password was hashed, before attempts are delayed. The first delay is 1 s; each further attempt doubles it.";
    "throttle.guesses_per_source" = "100", "Wrong passwords and wrong one-time tokens from one IPv4 address or IPv6 /64 before its attempts are delayed; trusted clients are not counted by address.";
    "throttle.mails" = "5", "Requests for mails with one user name or address before further ones are delayed. One mailbox gets as many mails in total; after that the answer stays the same and no mail is sent.";
    "throttle.mails_per_source" = "100", "Requests for mails from one IPv4 address or IPv6 /64, and registrations with a taken name or address, before further ones are delayed.";
    "throttle.known_days" = "90", "Days that the network and the browser of a successful sign-in are remembered for the user. Their attempts have their own counter, so that wrong passwords from elsewhere do not delay the owner.";
    "throttle.longest_wait_s" = "900", "Maximum delay in seconds.";
    "throttle.forgive_minutes" = "60", "Minutes in which a counter at its limit drains completely.";
    "throttle.rows" = "100000", "Maximum number of counted accounts and addresses; the counters that drain soonest are dropped first.";
    "throttle.assignments_per_user" = "120", "Assignments to services and removals per minute of one user.";
    "throttle.assignments_per_service" = "60000", "Assignments and removals per minute of all users of one service. Each node counts separately.";
    "outbox.first_retry_ms" = "5000", "Milliseconds before the first retry of a delivery. The later delays are 6, 24, 120, 360, 720, 1440 and then always 2880 times as long. Every delay varies by up to a quarter.";
    "outbox.give_up_hours" = "72", "Hours after which an undelivered mail or callback becomes a dead letter.";
    "outbox.keep_days" = "30", "Days that delivered outbox rows, and mail files in outbox/, are kept.";
    "audit.keep_days" = "1826", "Days that audit entries are kept. The default is five years, the limitation period of civil claims in Hungary. Proofs of erasures and consents are kept for ever.";
    "refusals.keep_days" = "90", "Days that refusal counters are kept.";
    "refusals.keys" = "1000", "Maximum number of refusal counters (by network, event and code) per minute; further refusals share one counter.";
    "refusals.rows" = "1000000", "Maximum number of rows of refusal counters; the oldest are deleted first.";
    "callbacks.allow_private" = "no", "no: callbacks go only to public addresses over https; loopback: also to this machine, over http too; yes: also to private networks, and over http to any allowed address. Link-local addresses are always refused.";
    "callbacks.timeout_s" = "10", "Seconds for one complete callback.";
    "callbacks.max_retry_after_s" = "14400", "Longest Retry-After of a service that is respected, in seconds.";
    "callbacks.parallel" = "4", "Maximum number of services that are called at the same time. Each service gets its callbacks one by one, and those about one id in order.";
    "mail.transport" = "folder", "folder: mails are written to outbox/ in the data folder; smtp: mails are sent to a mail server.";
    "mail.host" = "", "Host name of the mail server.";
    "mail.port" = "587", "Port of the mail server; usually 465 for tls.";
    "mail.security" = "starttls", "Encryption of the connection to the mail server: starttls, tls or none.";
    "mail.user" = "", "User name for the mail server; empty means no authentication.";
    "mail.password" = "", "Password for the mail server. Prefer a file: GATEWAY_MAIL_PASSWORD_FILE.";
    "mail.ca_file" = "", "PEM file with the certificate authorities for the mail server; empty means those of the system.";
    "mail.templates" = "", "Folder with custom mail templates, read at start and at SIGHUP. Missing templates fall back to the built-in ones. See `mail templates`.";
    "mail.from" = "Chaingun Gateway <noreply@localhost.localdomain>", "Sender of mails.";
}
