//! Chaingun Gateway: ChaingunUserAPI over SOAP and as JSON:API resources, and the consent API over JSON-RPC, on one store,
//! SQLite or PostgreSQL.
//!
//! # The idea
//!
//! One **catalogue of operations** ([`operations::CATALOG`]). An operation states once what it is called, what it takes
//! and answers, who may call it and what it costs; the faces loop over the catalogue, and the contract is printed from
//! it. Nobody writes a handler per operation and protocol, so that no two protocols can drift apart.
//!
//! # The rooms
//!
//! ```text
//! main ─► app ─┬─► server ─► { soap jsonapi jsonrpc loginbar sso directory docs } ─► operations ─► { registry store secrets contract } ─► domain
//!              └─► background ─► delivery ────────────────────────────────────────► { registry store secrets } ──────────► domain
//! ```
//!
//! A request goes through [`server`] (listen, limits, queues), [`soap`], [`jsonapi`], [`jsonrpc`], [`sso`] or [`directory`] (bytes to a decoded
//! request), then `operations::access` (who is calling, and may it), the operation's own file, [`store`], and back.
//!
//! # Invariants
//!
//! A test reads the `use` lines and keeps the first two.
//!
//! 1. Faces contain no rule about users; operations never see a wire format of HTTP.
//! 2. One package, one door: diesel only in `store/`, hyper only in `server/`, jsonwebtoken, bcrypt and the ciphers only
//!    in `secrets/`, lettre and reqwest only in `delivery/`, quick-xml only in `contract/`.
//! 3. Nothing leaves the process inside a request: mails and callbacks are outbox rows of the same transaction.
//! 4. Time and randomness are values ([`clock::Clock`], [`entropy::Entropy`]), so that tests steer them.
//! 5. No error text reaches a client unless it stands in `contract::messages`.
//!
//! # Decisions
//!
//! - **Roles are one text column**, a role a line: they are always read with their user and never searched, so a user is
//!   one row and one query, and a page has no N+1.
//! - **User names and addresses share one table of login names** with one unique index, so that "an address may not be
//!   somebody else's user name" is kept by the database, also under parallel writers.
//! - **Login names are compared by `domain::mailbox::canonical_login`**, which the table of login names, lookups and throttle
//!   counters share. The columns that searches read hold the names as typed and folded, so that a part of an IDN domain
//!   is found.
//! - **Skeletons of user names are stored of users with roles only**, so that the index stays small however many people
//!   register, and a name like an administrator's costs one indexed query. Rust computes them after the SQL migrations.
//! - **A write may be run again.** On PostgreSQL two transactions that collide are told apart from a conflict by running
//!   the step once more: the second time it sees the winner's row and answers the conflict.
//! - **A user is held while it is decided on.** A step that reads a user and then writes takes its row first, so that on
//!   PostgreSQL, too, what was decided is still true when it is written; users first, then what belongs to them.
//! - **A token has one successor**, whose id follows from its own: a client that lost an answer gets the same again, and
//!   there are no two lines of tokens of which one would never be missed.
//! - **A search lists its hits first** where there are few, by the trigram index, and only then asks the other
//!   conditions; where there are many it walks users in order until the page is full. Both cost what the answer is worth.
//! - **A token is good for as long as it stands in the store**, in the family of its sign-in. Its signature may be
//!   remembered; one query each time tells whose it is, whether it was replaced, and whether the user is still a member of
//!   its organisation. So what ends tokens is a row that goes, in the transaction of what ends them, to the moment; and
//!   whoever takes a deleted user's name does not wake its tokens.
//! - **Keys are files, and every key in the folder checks tokens**: the newest of the configured algorithm signs, a replaced
//!   one has the end of its time in its name. Nodes that share the folder notice a new one by themselves.
//! - **Who is deleted leaves a pseudonym in the audit log**, `erased:` and its UUID. Names are kept there in canonical form,
//!   so that they are found; the database lets them be replaced by that and changes nothing else.
//! - **A refusal of a caller who proved nothing is no row of its own**: it is counted in memory by minute, network, event and
//!   code, and housekeeping writes the counts every 5 seconds. A process that is killed loses the last of them.
//! - **The audit log lets old rows be deleted only by the transaction that states how old**, and never proofs of an erasure or
//!   of a consent. The database's triggers keep that, so that "append-only" also holds for a bug of ours.
//! - **The first attempt of a name or a network is counted in memory only**, so that whoever tries another name each time writes
//!   nothing. A restart, and each node beside the first, forgives one attempt.
//! - **What is too many goes by what it is worth to an attacker.** Of counted attempts those that are forgiven soonest are
//!   dropped: one more guess costs as many requests as the table has rows. Of a user's sign-ins the oldest ends. A used
//!   token is never dropped for a new one, or a thief could refresh until the theft is forgotten: too many are refused.
//! - **Totals are kept, not counted**, by client and status, by triggers: PostgreSQL takes 50 ms to count a million users.
//! - **A page far down the whole list starts from a page anchor**, remembered until the count of changes moves on.
//! - **Mails are sealed in the outbox** with a key file outside the database, because they carry one-time tokens. Each
//!   purpose has a key of its own, derived from that file, and a sealed value opens only in the row of the user, service or
//!   application it was sealed for: moving a service's credentials to another service makes them useless.
//! - **Passwords are pre-hashed with a secret pepper** that lies outside the database, so that a stolen database alone gives
//!   nothing to guess at. The database remembers the pepper's fingerprint, and a node without the right file does not start.
//!   Hashes from before the pepper still match, and the next sign-in replaces them.
//! - **Callbacks keep their order because a service's oldest is the only one to be claimed**, with a few behind it: while it
//!   waits or is claimed, by whichever node, none of the service goes out. A claim lapses by itself, so that who was killed
//!   is taken over from; a receiver may hear things twice, and never in another order.
//! - **A callback's address is checked where it is connected to**: our resolver gives out what it has checked, and redirects
//!   are not followed. Link-local addresses, where clouds keep their secrets, are refused whatever the settings.
//! - **An id in a service belongs to one user**, by a unique index on its compared form. Older rows that share an id are
//!   disputed: nobody else can claim the id, and `migrate` reports it. A callback for an id that a user holds is not sent;
//!   the worker checks it just before it sends, since somebody may have claimed the id after the user left.
//! - **Changes of assignments are counted in memory**, by each node: a row in the database for each service would make all
//!   its callers wait for each other. A call above a user's limit does not count for the service.
//! - **A name of dots cannot be called back**: however it is encoded, `..` is a step up to RFC 3986. It is a dead letter at
//!   once, and the service's next callback is not held up.
//! - **Whatever fails is tried again for the same three days**, also what looks final, like a wrong password or a 404: it is
//!   more often a mistake that somebody puts right. `outbox retry` gives it the whole time again.
//! - **A mail shows a name only where it is plain** (`domain::plain_name`): whoever registers somebody else's address, or is a
//!   partner, chooses the name, and the mail must not carry a message. This holds for confirmed addresses as well, since a
//!   partner or a thief can change a name later.
//! - **Templates of mails are read at start and at SIGHUP, all or none**, and each is tried out then: a slip in one is told to
//!   who made it, and not found when a mail is due. They are not noticed by themselves, since an editor saves halves.
//! - **Mails have a thread of their own, and share a connection for a turn**: a mail server that takes its time keeps only
//!   mails waiting, and a hundred mails are one conversation.
//! - **Nobody is mailed nothing at the same price**: resetPassword and resend do the work of a mail for unknown names
//!   too, and take it back, so that the time of an answer does not tell who there is.
//! - **The page at `/docs` has a small writer of its own** and no template engine: its text comes out of tables, so there is
//!   hardly any markup to keep apart from code. Its examples are the conversations that the tests hold.
//! - **A route names the codes that its operation's rules refuse with**, because the OpenAPI document promises them; a test
//!   reads the operation's file for those it forgot.
//! - **A registry file is compared with the store inside the transaction that applies it**, while the registry's version is
//!   held, so that what was planned is still true when it is written. What it does not name stays, unless pruning is asked
//!   for, and what users depend on stays even then, unless that is forced: accepted agreements are proofs.
//! - **A registry file is read value by value and not by serde**, which stops at the first mistake. No mistake quotes a
//!   secret, nor TOML's own rendering of the line it is in: reports end up in logs.
//! - **Pages run operations like every face**, with forms in the place of documents, so that limits and messages are the
//!   same. Their operations (`operations::browser`) are in the catalogue and in no published contract: a page names the type
//!   of a request and receives the type of its answer.
//! - **A form carries a stamp** of the browser it was given to and of whom that is signed in as. It needs no row, and is worth
//!   nothing elsewhere, or after signing in or out.
//! - **A browser's session is a row and no JWT**: it ends to the moment, and one query tells whose it is. Its last use is
//!   noted every five minutes, so that looking at the loginbar does not write.
//! - **Who registers at a page has its address for a user name**, and the page says the same whether there was an account: only
//!   the owner of the address is told, by a link for a new password, which takes an account over from whoever else may
//!   have registered it.
//! - **Partners' users are known by provider, kind and id**, and nobody is ever found by an e-mail address: two partners with
//!   one `sub` have two users. Users of the old layout, too, have such an identity; `sub@iss` is only how they are called, if
//!   nobody else is and it does not look like an address, and a UUID otherwise.
//! - **A partner's claim ends where the owner takes over.** A new password by mail, or a confirmed address, unlinks every
//!   external identity that the owner does not mark on the page, and ends all sessions. The page's form brings the list
//!   back when it is refused; only the marked keys decide. That user of the partner gets an account of its own next time.
//! - **A `state_id` belongs to one partner**, kept by a unique index over its canonical form. SQL cannot fold names, so the
//!   program fills that table after migrating; what two partners share from former times is reported and left.
//! - **A partner's sign-in asks before it replaces another user's session**, on a page that brings the partner's token back, so
//!   that nothing is stored and the token is used up only when the user agrees.
//! - **A changed address can be undone with a table of its own** and not with `one_time_tokens`: a later change must not
//!   revoke an earlier token, and each token carries an address. An undo clears the password, since it may be the thief's.
//! - **Who has no e-mail address has one at `nowhere.invalid`**, since the database has one for everybody. It is not shown,
//!   nobody is mailed there, and nobody can ask for such an address.
//! - **A partner's token is used up in the transaction that signs in**, so that what is refused can be tried again, and of two
//!   at once, on whichever nodes, one wins.
//! - **Whom a partner's token must be for is never taken from the request**: it is the public URL, or the address that is
//!   listened at. Otherwise what was signed for somebody else could be brought here under that one's name.
//! - **A user that comes from another school has left the old one**; who comes from the same keeps whatever else it has been
//!   given since.
//! - **The registry is in memory as a whole**, and read again when its version moves on: requests ask the store only about
//!   users. On PostgreSQL nodes hear of that by NOTIFY, and ask now and then in case a pooler swallowed it.
//! - **Wrong secrets and mails are counted by the name that was typed**, and by the network it came from, under a keyed hash,
//!   so that there need be no such user, and the table names nobody. A name and an address of one user are two, or the
//!   waits would tell that they belong together. The limit of mails that one mailbox gets in all is therefore silent. Nobody is counted before: what is being hashed when the limit is reached
//!   gets through, a few at most, and a sign-in that goes well writes nothing more. A trusted client's address is not
//!   counted, since all its users come from there. Tokens and sessions are not: they are too long to be guessed, and
//!   counting them would have reads write.
//! - **Every verification spends the same work**: as much as the configured cost or the highest stored cost, whichever is
//!   higher. A cheaper stored hash is padded with hashes for nothing, and an unknown account spends all of it so. The
//!   highest stored cost is a row that whoever writes a hash keeps up to date and that the registry in memory has. The
//!   other way, unknown accounts that pretend one of the stored costs, would need their distribution at every sign-in.
//!   A hash of another cost than the configured one is renewed at the next good sign-in, so the highest cost falls again
//!   where the setting was lowered; it is looked up anew at start.
//! - **Cheap checks come before a hash, and a refusal after a hash is counted whatever its code.** A call notes that it
//!   cost a hash; the throttle takes the note when it counts a refusal. Successes are not limited: the queue's fair shares
//!   bound what an account can take with its own right password.
//! - **A network or browser that has signed an account in has a counter of its own for it**, so that guesses elsewhere do
//!   not keep the owner out. A browser is known by a random mark in a cookie, which is a row and no signature: a new
//!   password forgets it. The address of a trusted client is never known. Somebody in the owner's network can see that it
//!   is let in while others wait; so that this proves nothing, a name that nobody has answers like some other user's.
//! - **A reset token is not kept waiting by an account's counter**, with or without a user name beside it: it has 128 bits.
//!   The user name must be the token's user, or the token is refused as unknown.
//! - **XML is checked piece by piece after quick-xml has cut it.** quick-xml accepts much that is not well-formed, and two
//!   readers that disagree about a document are a way around whatever the first one checks.
//! - **A Security header is understood completely or refused.** What it holds beside a UsernameToken and a Timestamp is
//!   passed over only where its sender does not say mustUnderstand; an expired Timestamp is refused always.
//! - **Connections are accepted always and dropped by need.** A connection without a complete request gives its place to a
//!   new one, first within its own network. Its phase and age are one atomic word, so that a request takes no lock, and no
//!   request that is worked on can be dropped.
//! - **Time-outs of connections are kept by one sweep over the table**, ten times a second, and not by a timer each.
//! - **Heads are looked at before hyper sees them**, only for what leaves open where a body ends. hyper already decides that
//!   safely; the look makes the refusal explicit (501 or 400).
//! - **Queues for hashes, searches and writes are shared by source and by account**; the source and account served least recently
//!   are next. Reads are served in the order of arrival, because a source has at most as many waiting as it has connections, and
//!   each takes a fraction of a millisecond.
//! - **A refusal for want of a share is held back**, longer each time, up to a second: asking again and again would otherwise cost
//!   others the processor time that they were to be given. It holds a connection of the caller, and no thread.
//! - **Work that waits is given up when its caller has gone**: nobody would see the answer. Work that was begun is done.
//! - **Searches and probes have connections of their own**, or a search that holds the last one would stop every read.
//! - **createUser leaves the roles out of its SOAP answer**, as its sample does.

pub mod app;
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
pub mod loginbar;
pub mod metrics;
pub mod operations;
pub mod parts;
pub mod registry;
pub mod secrets;
pub mod server;
pub mod soap;
pub mod sso;
pub mod store;
mod threads;
mod upgrade;
