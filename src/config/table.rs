//! Every setting: its name, its default and what it means.

/// One row of the settings table.
#[derive(Debug)]
pub struct Setting {
    /// The name in the file; `GATEWAY_` and upper case in the environment.
    pub name: &'static str,
    pub default: &'static str,
    pub doc: &'static str,
}

macro_rules! settings {
    ($($name:literal = $default:literal, $doc:literal;)+) => {
        /// Every setting, in the order of the documents.
        pub const TABLE: &[Setting] = &[$(Setting { name: $name, default: $default, doc: $doc },)+];
    };
}

settings! {
    "listen" = "127.0.0.1:8080", "Address to listen on; port 0 picks one and logs it.";
    "data_dir" = "data", "Folder for the embedded database, keys and mail files.";
    "database_url" = "", "postgres://…, or a SQLite path; empty means gateway.db in the data folder.";
    "public_url" = "", "The URL clients know us by, without a path; empty means what each request used, and for partners' tokens the address listened at.";
    "trusted_proxies" = "", "Addresses of proxies whose X-Forwarded-Proto, -Host and -For are believed, separated by commas.";
    "metrics_for" = "127.0.0.1,::1", "Addresses that may collect /metrics, separated by commas; * for everyone. A request with a header that proxies add (X-Forwarded-For, Forwarded, Via, X-Real-IP and the like) gets 404, unless everyone may.";
    "context_path" = "hammy", "First part of the paths of the user API.";
    "cors_origins" = "", "Origins of browser front ends that may call the REST face, like https://portal.example.org, separated by commas.";
    "registry" = "", "Registry file that is applied at start and again at SIGHUP; see `apply`.";
    "extra_soap_paths" = "", "Further paths of the SOAP endpoint, separated by commas.";
    "log" = "info", "What to log: error, warn, info, debug, trace, or a filter by module.";
    "log_format" = "text", "text or json.";
    "drain_s" = "20", "Seconds that running requests get at shutdown.";
    "admin_role" = "USER_ADMIN", "The role that may do everything.";
    "limits.body_bytes" = "1048576", "Largest request body, after inflation.";
    "limits.connections" = "1024", "Connections at the same time. When they are all taken, a new one takes the place of one without a complete request; if there is none, it gets BUSY.";
    "limits.connections_per_address" = "256", "The same of one IPv4 address or IPv6 /64, trusted_proxies excepted; also the requests at a time of one address behind such a proxy.";
    "limits.reserved_connections" = "16", "Connections beyond limits.connections, which answer /healthz, /readyz and /metrics only.";
    "limits.idle_timeout_s" = "75", "Seconds for which a connection is kept open between two requests.";
    "limits.queue" = "1024", "Requests waiting to read, and as many to write; more get BUSY.";
    "limits.hash_queue" = "64", "Sign-ins, registrations and password changes waiting; more get BUSY.";
    "limits.search_queue" = "64", "Searches waiting; more get BUSY.";
    "limits.source_share" = "25", "Percentage of the queue for writes, hashes or searches that may come from one address (of IPv6, from one /64); from one trusted client, twice as much.";
    "limits.account_share" = "15", "Percentage of the queue for hashes that may be about one user name or e-mail address.";
    "limits.wait_s" = "10", "Seconds that a request waits for a worker; then it gets BUSY.";
    "limits.read_timeout_s" = "15", "Seconds for a request's head, again for its body, and for a client that does not read its answer.";
    "limits.page" = "1000", "Most users on one page.";
    "xml.depth" = "32", "Levels of nesting in a request.";
    "xml.elements" = "10000", "Elements in a request.";
    "xml.attributes" = "64", "Attributes of one element, namespace declarations included; and namespaces declared at a time.";
    "xml.text_bytes" = "65536", "Bytes of one text in a request, as it was sent.";
    "json.depth" = "32", "Levels of nesting in a JSON body.";
    "soap.unknown_elements" = "skip", "skip or refuse elements, and fields in REST, that an operation does not know.";
    "threads.read" = "2", "Worker threads that read.";
    "threads.search" = "2", "Worker threads that search; of several, one client leaves one to the others.";
    "threads.write" = "1", "Worker threads that write; SQLite has one writer in any case.";
    "threads.hash" = "0", "Worker threads that hash passwords; 0 means one a core.";
    "sqlite.busy_timeout_ms" = "5000", "Wait for another process's lock on the SQLite file.";
    "password.cost" = "12", "bcrypt cost, 4 to 16; 12 takes about 0.3 s, and less than 10 is for tests only. A sign-in costs as much as the costliest stored hash, if that is higher.";
    "token.algorithm" = "ES256", "ES256, HS256, RS256 or EdDSA.";
    "token.seconds" = "1800", "Life of a JWT.";
    "token.grace_s" = "10", "Seconds that a token works on after refreshAuthToken replaced it; used later, it ends all that came of that sign-in.";
    "token.renewable_hours" = "720", "Hours after a sign-in in which its tokens can be refreshed.";
    "token.sign_ins" = "1000", "Sign-ins of one user whose tokens count at the same time; one more ends the oldest.";
    "session.days" = "90", "Days that a browser stays signed in.";
    "session.idle_days" = "30", "Days that it stays so unused.";
    "session.browsers" = "100", "Browsers that one user may be signed in with; one more signs out the one unused for longest.";
    "activation.hours" = "48", "Life of an activation token.";
    "registration.keep_days" = "30", "Days after the end of its last activation token until an account is deleted that registered itself and never confirmed.";
    "registration.unconfirmed" = "100000", "Most accounts that registered themselves and wait for their confirmation; the oldest are deleted first.";
    "reset.minutes" = "30", "Life of a password reset token.";
    "email_undo.hours" = "72", "Hours in which a changed e-mail address can be undone with the link that the old address gets.";
    "throttle.guesses" = "5", "Wrong passwords for one account, or other refusals after a password was hashed, after which the next attempt has to wait: a second, and each time twice as long.";
    "throttle.guesses_per_source" = "100", "The same from one address (of IPv6, from one /64), with wrong one-time tokens; trusted clients are not counted by address.";
    "throttle.mails" = "5", "Mails that can be asked for by one user name or address before the next has to wait so. One mailbox gets as many in all; beyond that the answer is the same and no mail goes out.";
    "throttle.mails_per_source" = "100", "The same from one address, registrations with a name or address that is taken included.";
    "throttle.known_days" = "90", "Days that the address or the browser of a good sign-in is remembered for that user: its attempts at the account have a counter of their own, so that whoever guesses elsewhere does not keep the owner out.";
    "throttle.longest_wait_s" = "900", "The longest of these waits.";
    "throttle.forgive_minutes" = "60", "Minutes in which as many attempts are forgiven as are free.";
    "throttle.rows" = "100000", "Most accounts and addresses that attempts are counted for at the same time; those that are forgiven soonest are dropped first.";
    "throttle.assignments_per_user" = "120", "Calls a minute in which one user may be assigned to services, or leave them.";
    "throttle.assignments_per_service" = "60000", "The same to one service, of all users together. Each node counts by itself.";
    "outbox.first_retry_ms" = "5000", "Milliseconds before something that could not be delivered is tried again; the delays after that are 6, 24, 120, 360, 720, 1440 and at last always 2880 times as long, a quarter more or less.";
    "outbox.give_up_hours" = "72", "Age at which a mail or callback that could not be delivered becomes a dead letter.";
    "outbox.keep_days" = "30", "Days that the outbox remembers what was delivered, and that mail files stay in outbox/.";
    "audit.keep_days" = "1826", "Days that audit entries are kept: five years, the time in which civil claims lapse in Hungary. Proofs of erasures and consents stay.";
    "refusals.keep_days" = "90", "Days that counts of refusals are kept.";
    "refusals.keys" = "1000", "Different refusals (by network, event and code) that are counted apart in one minute; the others are counted together.";
    "refusals.rows" = "1000000", "Most rows of counted refusals; the oldest are deleted first.";
    "callbacks.allow_private" = "no", "no: callbacks go to public addresses over https only; loopback: to this machine as well, also over http; yes: to private networks as well, and over http everywhere. Link-local addresses never.";
    "callbacks.timeout_s" = "10", "Seconds for the whole of one callback.";
    "callbacks.parallel" = "4", "Services that are called at the same time; each gets its callbacks one by one, in order.";
    "mail.transport" = "folder", "folder: mails are files in outbox/ in the data folder; smtp: they go to a mail server.";
    "mail.host" = "", "The mail server.";
    "mail.port" = "587", "Its port; 465 is usual for tls.";
    "mail.security" = "starttls", "starttls, tls or none.";
    "mail.user" = "", "Whom to sign in to the mail server as; empty means not to.";
    "mail.password" = "", "The password for that; best from a file, by GATEWAY_MAIL_PASSWORD_FILE.";
    "mail.ca_file" = "", "PEM file with the authorities that the mail server's certificate is checked against; empty means those that the system trusts.";
    "mail.templates" = "", "Folder with templates for mails, each in the place of ours of that name; read at start and again at SIGHUP. See `mail templates`.";
    "mail.from" = "Chaingun Gateway <noreply@localhost.localdomain>", "Sender of mails.";
}
