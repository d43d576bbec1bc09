//! Chaingun Gateway serves ChaingunUserAPI over SOAP and JSON:API, the consent API over JSON-RPC, a loginbar with its
//! pages, partner sign-on and a directory, all on one store: SQLite or PostgreSQL.
//!
//! # Design
//!
//! An operation is stated once, in a **catalogue** ([`operations::CATALOG`]): its name, its request and answer, its
//! allowed callers, its cost and its faces. A *face* is one protocol. Faces decode requests into operations
//! and encode answers from their shapes; the WSDL, the OpenAPI document and `/docs` are printed from the same
//! catalogue. No operation has a handler for each protocol, so two protocols cannot drift apart.
//!
//! # Overview
//!
//! ```text
//!            bytes                     a decoded request               a decided call
//!  client ─────────► server ─► faces ──────────────────► operations ─────────────────► store ─► SQLite or PostgreSQL
//!                                soap jsonapi jsonrpc         │                           ▲
//!                                loginbar sso directory       │ outbox rows               │
//!                                                             ▼                           │
//!                                     mail server, services ◄── delivery ─────────────────┘
//!
//!  below all of these: http (requests and replies), contract (shapes, codes, XML, JSON), registry (the configuration
//!  in memory), secrets (hashes, keys, sealing), domain (rules and values that need nothing else)
//! ```
//!
//! # Modules
//!
//! - [`domain`] holds values and rules: names, addresses, passwords, limits. It does no input or output.
//! - [`contract`] holds the published contract: shapes, error codes and their texts, the XML and JSON readers and
//!   writers, and the printers of WSDL, XSD and OpenAPI.
//! - [`store`] is the only module that uses SQL. A function is one statement or one step; callers open the transaction.
//! - [`secrets`] hashes passwords, signs and checks tokens, and encrypts secrets in the database.
//! - [`registry`] keeps clients, services, applications and partners in memory, and reads and writes the registry file.
//! - [`operations`] has one file for each use case. `operations::access` decides every call before it runs.
//! - [`http`] parses the parts of requests that all faces share: media types, `Accept`, parameters, credentials,
//!   content codings.
//! - [`soap`], [`jsonapi`], [`jsonrpc`], [`loginbar`], [`sso`] and [`directory`] are the faces.
//! - [`server`] accepts connections, reads requests within limits, queues calls, and runs them on threads.
//! - [`delivery`] sends mails and callbacks from the outbox. [`background`] runs it, reloads keys and the registry, and
//!   deletes expired rows.
//! - [`docs`] prints the page at `/docs`.
//! - [`app`] creates the services of the program; [`config`] reads the settings.
//!
//! # Invariants
//!
//! Tests check the first two.
//!
//! 1. Faces hold no rule about users, and operations know no protocol.
//! 2. Each of these packages is used in one place: diesel only in `store/`, hyper only in `server/` and `http/`,
//!    jsonwebtoken, bcrypt and the ciphers only in `secrets/`, lettre and reqwest only in `delivery/`, quick-xml only
//!    in `contract/`.
//! 3. Nothing leaves the process during a request: a mail or a callback is a row of the same transaction.
//! 4. Time and randomness are values ([`clock::Clock`], [`entropy::Entropy`]), so that tests control them.
//! 5. `contract::messages` holds every text that a client gets; causes are only logged.
//!
//! # Decisions
//!
//! ## Storage
//!
//! - Roles are one text column with a role on each line. They are always read with their user and never searched, so
//!   that a user is one row and a page of users is one query.
//! - User names and addresses share one table with one unique index, so that the database itself prevents an address
//!   from being another user's user name. Names are compared in the canonical form of
//!   `domain::mailbox::canonical_login`.
//! - Skeletons of names (Unicode TR39) are stored for users with roles only: the index stays small, and a name that
//!   looks like an administrator's costs one query.
//! - A step that reads a user and then changes it locks the user's row first. Rows are locked in one order: first the
//!   user, then the rows that belong to the user.
//! - A transaction that collides with another on PostgreSQL runs again, at most five times. It then sees the other's
//!   row and answers the conflict.
//! - Totals of lists are kept by triggers, since PostgreSQL takes 50 ms to count a million users. A page far down a
//!   list starts from an anchor. Anchors are kept in memory until a user changes.
//! - A search with few hits collects them from the trigram index and sorts them. A search with many hits walks the
//!   users in order until the page is full. The cost of both grows with the answer and not with the table.
//! - The registry is in memory as a whole and is read again when its version changes; requests ask the store about
//!   users only. On PostgreSQL nodes listen for NOTIFY, and also poll every few seconds, because a connection pooler
//!   may drop the notification.
//! - A registry file is compared with the store inside the transaction that applies it. Entries that it does not name
//!   stay, unless pruning is asked for; accepted agreements are proofs and stay even then.
//!
//! ## Contracts of older installations
//!
//! - The WSDL of an installation is the contract; nothing is copied from it into settings. Its messages are translated
//!   as trees before and after our own reader and writer, so that paths with our contract cost nothing more.
//!
//! ## Tokens and sessions
//!
//! - A token is valid as long as its row exists, in the family of its sign-in. The check of the signature may be
//!   cached; one query per request finds the user, the successor and the membership. To end tokens, the gateway deletes
//!   their rows.
//! - A token has one successor, whose id is derived from the id of the token. A client that lost an answer therefore
//!   gets the same token again. Use of a replaced token after its grace period revokes the family, since one of the two
//!   holders stole it.
//! - A browser session is a row and not a JWT, so that it ends at once. Its last use is written every five minutes.
//! - Every key in the key folder verifies tokens, and the newest of the configured algorithm signs. Nodes that share
//!   the folder notice new keys.
//! - In the audit log, the pseudonym `erased:` with the UUID replaces the names of a deleted user. The triggers of the
//!   database allow this replacement and the deletion of expired rows, and refuse every other change.
//!
//! ## Passwords and secrets
//!
//! - Passwords are pre-hashed with a pepper from a file, so that a stolen database alone allows no guessing. The
//!   database holds the pepper's fingerprint, and a node with another pepper does not start.
//! - Every verification costs the same: as much as the configured or the highest stored cost, whichever is higher.
//!   Cheaper stored hashes are padded, and unknown accounts pay in full. A hash of another cost is renewed at the next
//!   sign-in.
//! - Unknown accounts cost the same time as known ones for mails, too: the step does the same writes and rolls them
//!   back.
//! - Secrets that the gateway has to read again are sealed with a key from a file, a key for each purpose, and bound to
//!   their row: a sealed secret copied to another row does not open.
//!
//! ## Limits against abuse
//!
//! - Cheap checks come before a hash, and a refusal after a hash counts as an attempt whatever its code is. Successful
//!   sign-ins are limited by the fair queue only.
//! - Attempts are counted under a keyed hash of the name as typed and of the client's network, so that the table
//!   contains no names. The name and the address of one user count separately, or the waits would show that they belong
//!   together.
//! - A network or browser from which a user has signed in has its own counter for the user's account, so that guesses
//!   from elsewhere do not lock the owner out. Reset tokens have no counter, because nobody can guess 128 bits.
//! - The first attempt of a name or network is counted in memory only, so that an attacker who changes the name each
//!   time causes no writes.
//! - When a table is full, the gateway deletes the rows whose loss helps an attacker least: the attempts that expire
//!   soonest, and the oldest sign-ins. It never deletes a used token to make space, because that would hide a theft.
//! - Refusals of anonymous callers are counted by minute, network and code. The counters are written every 5 seconds; a
//!   killed process loses the last ones.
//! - Assignments to services are counted in the memory of each node: a common row would make the callers of one service
//!   wait for each other.
//! - Hashes, searches and writes have separate queues. Sources and accounts share each queue; the source or account
//!   that was served least recently is next. Reads are served in order of arrival. A refused caller waits up to a
//!   second for its refusal, so that immediate retries cost other callers no processor time. Work whose caller has gone
//!   is dropped before it begins.
//! - A new connection is always accepted; when slots run short, the gateway drops a connection without a complete
//!   request, preferably one of the same network. One sweep over the table, ten times a second, keeps all time limits.
//!
//! ## Mails and callbacks
//!
//! - Mails are sealed in the outbox, because they carry one-time tokens. A separate thread sends them over one
//!   connection to the mail server.
//! - A mail shows a name only if the name is plain (`domain::plain_name`), since strangers choose names, and a mail
//!   must not carry their messages.
//! - One node at a time makes the callbacks of a service, under a claim that expires. Callbacks about the same ID keep
//!   their order; a receiver may get a callback twice, but never out of order. One ID that the service refuses delays no
//!   other ID. A service that does not answer is paused, and costs one attempt for each pause.
//! - Every failure of a callback is retried for three days, even a 404, because most failures are mistakes that an
//!   operator corrects.
//! - The address of a callback is checked when the connection is made, by the gateway's own resolver; redirects are not
//!   followed. Link-local addresses are always refused.
//! - An id in a service belongs to one user, by a unique index. The gateway sends no callback for an id that another
//!   user holds, and checks this again just before sending.
//! - The gateway reads the mail templates at start and at SIGHUP, renders each of them once as a check, and uses either
//!   all new templates or none.
//!
//! ## Partners and the directory
//!
//! - Partners' users are found by provider, type and id, never by e-mail address. Two partners with the same `sub` have
//!   two users. A `state_id` belongs to one partner, by a unique index.
//! - A partner's control of an account ends when the owner takes the account over: a password set by mail or a
//!   confirmed address unlinks every external identity that the owner does not mark, and ends all sessions.
//! - The audience of a partner's token is `public_url` or the bound address, never the Host header. The token is used
//!   up in the transaction that signs the user in.
//! - Before a partner's sign-in replaces the session of another user, the gateway asks the user in the browser.
//! - A verified telephone number is unique by a column of its own with a unique index. The column is filled only while
//!   `directory.unique_phones` is on, so that the setting can be turned on while users share numbers.
//! - On the directory's paths a bearer token is the client's key, unless it has the three parts of a JWT. Portals send
//!   the user's token in a second header. On all other paths a bearer token is the user's.
//! - The directory masks contacts if the caller acts for another user who is no administrator. A trusted client that
//!   acts for no user sees them, because it could change them as well.
//! - A user without an e-mail address has a placeholder at `nowhere.invalid`. The placeholder is never shown, and no
//!   mail is sent to it.
//!
//! ## Pages
//!
//! - Forms carry a CSRF token that is bound to the browser and to the signed-in user. The token needs no row in the
//!   database.
//! - A registration on the page gets the same answer whether or not the address has an account. Only a mail to the
//!   address tells the owner.
//! - A change of an address can be undone for 72 hours by a link in a mail to the old address. The undo clears the
//!   password, since a thief may have set it.
//!
//! ## Wire formats
//!
//! - quick-xml cuts documents into pieces, and `contract::xml` checks each piece: quick-xml accepts much that is not
//!   well-formed, and if two readers disagree about a document, an attacker can get past the checks of the first
//!   reader.
//! - A WS-Security header is understood completely or refused; see `soap::header`.
//! - Lists in SOAP answers are repeated elements, as the `roles` of the samples are. `messages` has a wrapper, because
//!   the samples have `<messages/>`. Requests are read in both forms.
//! - The WSDL declares the fault for SOAP 1.1 only: xsdata cannot read an undeclared detail, and Axis 1.4 cannot read
//!   `soap12:fault`. Java stubs therefore throw a checked exception.
//! - createUser leaves roles out of its SOAP answer, as the sample does.
//! - A route names the codes that its operation refuses with, for the OpenAPI document; a test compares them with the
//!   code.
//! - Registry files are read value by value and not by serde, so that all mistakes are reported at once and none of
//!   them quotes a secret.
//! - The framing of request heads is checked before hyper reads them. hyper is safe there; the check makes the refusal
//!   explicit (400 or 501).

pub mod app;
pub mod app_context;
pub mod background;
pub mod clock;
pub mod config;
pub mod contract;
pub mod delivery;
pub mod demo;
pub mod directory;
pub mod docs;
pub mod domain;
pub mod entropy;
pub mod http;
pub mod jsonapi;
pub mod jsonrpc;
pub mod log_format;
pub mod loginbar;
pub mod metrics;
pub mod operations;
pub mod registry;
pub mod secrets;
pub mod server;
pub mod soap;
pub mod sso;
pub mod store;
mod threads;
mod upgrade;
pub mod web;
