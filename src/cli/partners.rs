//! `partner`: partners that sign their users in with tokens.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use chaingun_gateway::config::Config;
use chaingun_gateway::contract::problem::Code;
use chaingun_gateway::contract::rejection::Rejection;
use chaingun_gateway::contract::shape::Secret;
use chaingun_gateway::contract::time::utc;
use chaingun_gateway::domain::audit_event::AuditEvent;
use chaingun_gateway::domain::external_identity::is_login_id;
use chaingun_gateway::domain::user::same_name;
use chaingun_gateway::domain::web::is_origin;
use chaingun_gateway::operations::RequestContext;
use chaingun_gateway::operations::partner::examine;
use chaingun_gateway::registry::kinds::ORIGIN;
use chaingun_gateway::registry::kinds::partner::{
    LIFE_S, LOGIN_ID_IS_TAKEN, MAX_KEYS, MAX_LIFE_S, PAGE, PUBLIC_KEY, is_page, warning_of_life,
};
use chaingun_gateway::secrets::assertions::{MAX_TOKEN_BYTES, sign};
use chaingun_gateway::secrets::{rsa_keys, sha256_hex};
use chaingun_gateway::store::clients;
use chaingun_gateway::store::partners::{self, Partner};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Column, Output, check_name, cx, explain, fail, open, visible, write};

/// The longest name and state_id of a partner, in characters, as in the registry file.
const MAX_NAME: usize = 128;

/// Commands about partners.
#[derive(Subcommand)]
pub enum PartnerCommand {
    /// Add a partner. Users sign in with tokens that one of its keys has signed.
    Add(AddArgs),
    /// List the partners and the fingerprints of their keys.
    List,
    /// Add a key to a partner. The existing keys stay valid unless --only is given.
    RotateKey {
        /// The partner's name in its tokens (iss).
        iss: String,
        /// The new public RSA key, in PEM.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Remove all other keys at once, so that their tokens are refused from now on.
        #[arg(long)]
        only: bool,
    },
    /// Check a token from standard input like a sign-in, without using it up, or sign a token for a test.
    TestToken(TestTokenArgs),
}

/// The arguments of `partner test-token`.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    chaingun-gateway partner test-token < token.txt\n  \
    chaingun-gateway partner test-token --sign-with data/demo/apekx.pem --iss apekx --sub 42 --school-id S-1\n\n\
    The command checks the token with the settings and the registry of this gateway. The token's audience must be the \
    gateway's URL for partners: --url, or else public_url, or else the listening address.")]
pub struct TestTokenArgs {
    /// The gateway's URL for partners, if it differs from the setting.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Sign a token with this private key (PKCS #8, PEM), and print it and the URL to open.
    #[arg(long, value_name = "FILE", requires_all = ["iss", "sub", "school_id"])]
    sign_with: Option<PathBuf>,
    /// The partner that signs (iss).
    #[arg(long, requires = "sign_with")]
    iss: Option<String>,
    /// The user's id at the partner (sub).
    #[arg(long, requires = "sign_with")]
    sub: Option<String>,
    /// The school's id at the partner (school_id).
    #[arg(long, requires = "sign_with")]
    school_id: Option<String>,
    /// The system that the user comes from (state_id); the partner's name by default.
    #[arg(long, requires = "sign_with")]
    state_id: Option<String>,
    /// The user's display name.
    #[arg(long, requires = "sign_with", default_value = "Some User")]
    name: String,
    /// The URL after the sign-in (redirect_uri); the account page by default.
    #[arg(long, requires = "sign_with", value_name = "URL")]
    redirect_uri: Option<String>,
    /// The lifetime of the token, in seconds.
    #[arg(long, requires = "sign_with", value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(i64).range(1..=MAX_LIFE_S))]
    life: i64,
}

/// The arguments of `partner add`.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    chaingun-gateway partner add apekx --key apekx.pub.pem --state-id apekx --redirect-origin https://school.example.org\n\n\
    Each school of its users is an organisation whose channel is that state_id: \
    chaingun-gateway org add some-school 'Some School' --channel apekx --external-id S-1")]
pub struct AddArgs {
    /// The partner's name in its tokens (iss).
    iss: String,
    /// The public RSA key of 2048 to 8192 bits, in PEM; several during a key rotation.
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// The accepted state_id of its users; the partner's name by default.
    #[arg(long, value_name = "ID")]
    state_id: Vec<String>,
    /// An origin that its users may be redirected to besides this gateway, for example https://school.example.org.
    #[arg(long, value_name = "ORIGIN")]
    redirect_origin: Vec<String>,
    /// The longest accepted lifetime of its tokens, in seconds; more than a day (86400) gets a warning.
    #[arg(long, value_name = "SECONDS", default_value_t = LIFE_S, value_parser = clap::value_parser!(i64).range(1..=MAX_LIFE_S))]
    max_life: i64,
    /// Let the claim `roles` of its tokens replace the user's roles in the school. Administrative roles stay refused.
    #[arg(long)]
    assigns_roles: bool,
    /// The partner's page for browsers that the gateway refuses; it gets the parameters error_message and error.
    #[arg(long, value_name = "URL")]
    error_redirect: Option<String>,
}

const COLUMNS: [Column<Partner>; 7] = [
    ("iss", |p| json!(p.iss)),
    ("state_ids", |p| json!(p.state_ids)),
    ("redirect_origins", |p| json!(p.redirect_origins)),
    ("max_life_s", |p| json!(p.max_life_s)),
    ("assigns_roles", |p| json!(p.assigns_roles)),
    ("error_redirect", |p| json!(p.error_redirect)),
    ("keys", |p| json!(fingerprints(p))),
];

/// Runs a command.
pub fn run(config: &Config, output: Output, command: PartnerCommand) -> io::Result<()> {
    let app = open(config)?;
    let cx = cx(&app);
    match command {
        PartnerCommand::Add(args) => {
            let partner = partner(args)?;
            change(
                &cx,
                &partner.iss,
                AuditEvent::PartnerAdded,
                |stored| match stored {
                    Some(_) => Err(format!("there is a partner {:?} already", partner.iss)),
                    None => Ok(partner.clone()),
                },
            )?;
            if let Some(warning) = warning_of_life(&partner.iss, partner.max_life_s) {
                writeln!(
                    io::stderr(),
                    "chaingun-gateway: warning: {}",
                    visible(&warning)
                )?;
            }
            output.row(&COLUMNS, &partner)
        }
        PartnerCommand::List => {
            let all = app.store.read(partners::all)?;
            output.table(&COLUMNS, &all)
        }
        PartnerCommand::RotateKey { iss, key, only } => {
            let new = public_key(&key)?;
            let partner = change(&cx, &iss, AuditEvent::PartnerKeyRotated, |stored| {
                let mut partner = stored
                    .cloned()
                    .ok_or_else(|| format!("there is no partner {iss:?}; see `partner list`"))?;
                let mut keys = rsa_keys::split(&partner.public_keys);
                keys.retain(|old| !only && *old != new);
                // The newest key comes first, because most tokens are signed with it.
                keys.insert(0, new.clone());
                if keys.len() > MAX_KEYS {
                    return Err(format!(
                        "{iss:?} has {MAX_KEYS} keys, and no partner has more; drop the old ones with --only"
                    ));
                }
                partner.public_keys = keys.concat();
                Ok(partner)
            })?;
            output.row(&COLUMNS, &partner)
        }
        PartnerCommand::TestToken(args) => test_token(config, &cx, output, &args),
    }
}

fn test_token(
    config: &Config,
    cx: &RequestContext<'_>,
    output: Output,
    args: &TestTokenArgs,
) -> io::Result<()> {
    let server = &config.server;
    let own_url = args
        .url
        .clone()
        .or_else(|| server.public_url.clone())
        .unwrap_or_else(|| format!("http://{}", server.listen));
    if let Some(file) = &args.sign_with {
        return signed(cx, output, args, (file, &own_url));
    }
    let mut text = String::new();
    io::stdin()
        .take(u64::try_from(2 * MAX_TOKEN_BYTES).unwrap_or(u64::MAX))
        .read_to_string(&mut text)?;
    let token = Secret::from(text.trim());
    let (assertion, known) = examine(cx, &token, &own_url).map_err(|refusal| {
        let rejection = refusal.into_rejection();
        let code = rejection.code().as_str();
        io::Error::other(format!("{code}: {}", explain(rejection.into())))
    })?;
    output.record(&[
        ("iss", json!(assertion.iss)),
        ("external_id", json!(assertion.identity.id)),
        ("provider", json!(assertion.identity.provider)),
        ("id_type", json!(assertion.identity.id_type)),
        ("name", json!(assertion.name)),
        ("school_id", json!(assertion.school.map(|s| s.external_id))),
        ("roles", json!(assertion.roles)),
        ("redirect", json!(assertion.redirect)),
        ("expires_at", json!(utc(assertion.expires_at))),
        ("user", json!(known.map(|user| user.user_name))),
    ])
}

fn signed(
    cx: &RequestContext<'_>,
    output: Output,
    args: &TestTokenArgs,
    (file, own_url): (&Path, &str),
) -> io::Result<()> {
    let path = file.display();
    let key = std::fs::read_to_string(file)
        .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    let now = cx.now / 1000;
    let state_id = args.state_id.as_ref().or(args.iss.as_ref());
    let claims = json!({
        "jti": cx.app.entropy.uuid(),
        "iss": args.iss,
        "sub": args.sub,
        "aud": own_url,
        "iat": now,
        "exp": now + args.life,
        "name": args.name,
        "state_id": state_id,
        "school_id": args.school_id,
        "redirect_uri": args.redirect_uri,
    });
    let token = sign(&key, &claims)
        .map_err(|error| io::Error::other(format!("{path}: not a private RSA key: {error}")))?;
    output.record(&[
        ("token", json!(token)),
        (
            "url",
            json!(format!("{own_url}/v2/user/session/create?token={token}")),
        ),
    ])
}

/// Changes a stored partner and notifies every node.
fn change(
    cx: &RequestContext<'_>,
    iss: &str,
    event: AuditEvent,
    updated: impl Fn(Option<&Partner>) -> Result<Partner, String>,
) -> io::Result<Partner> {
    write(cx, |tx| {
        clients::lock_registry(tx.conn)?;
        let all = partners::all(tx.conn)?;
        let stored = all.iter().find(|p| p.iss == iss);
        // If two names differed only in case, users of one partner could be mistaken for users of the other.
        if let Some(other) = all.iter().find(|p| p.iss != iss && same_name(&p.iss, iss)) {
            let cause = format!("there is a partner {:?}", other.iss);
            return Err(Rejection::new(Code::InvalidField).because(cause).into());
        }
        let partner =
            updated(stored).map_err(|cause| Rejection::new(Code::InvalidField).because(cause))?;
        // A state_id that two partners have shared since an older release stays until a registry file assigns it to
        // one of them.
        let is_new = stored.is_none_or(|stored| stored.state_ids != partner.state_ids);
        let mut others = all.iter().filter(|other| is_new && other.iss != iss);
        let shared = others.find_map(|other| Some((partner.shares_with(other)?, &other.iss)));
        let cause = match (shared, partner.repeats().filter(|_| is_new)) {
            (Some((id, other)), _) => Some(format!("state_id {id:?} belongs to partner {other:?}")),
            (None, Some(id)) => Some(format!("state_id {id:?} is given twice")),
            (None, None) => None,
        };
        if let Some(cause) = cause {
            return Err(Rejection::new(Code::InvalidField).because(cause).into());
        }
        partners::put(tx.conn, &partner)?;
        clients::touch(tx.conn)?;
        tx.audit_ok(event, iss)?;
        Ok(partner)
    })
}

fn partner(args: AddArgs) -> io::Result<Partner> {
    check_name("a partner's name", &args.iss, MAX_NAME)?;
    let mut state_ids = args.state_id;
    if state_ids.is_empty() {
        state_ids.push(args.iss.clone());
    }
    for id in &state_ids {
        check_name("a state_id", id, MAX_NAME)?;
        if is_login_id(id) {
            return fail(format!("{id:?} {LOGIN_ID_IS_TAKEN}"));
        }
    }
    if let Some(wrong) = args.redirect_origin.iter().find(|o| !is_origin(o)) {
        return fail(format!("{wrong:?} must be {ORIGIN}"));
    }
    if let Some(wrong) = args.error_redirect.as_ref().filter(|url| !is_page(url)) {
        return fail(format!("{wrong:?} must be {PAGE}"));
    }
    if args.key.len() > MAX_KEYS {
        return fail(format!("a partner has {MAX_KEYS} keys at most"));
    }
    let keys: io::Result<String> = args.key.iter().map(|file| public_key(file)).collect();
    Ok(Partner {
        iss: args.iss,
        public_keys: keys?,
        state_ids,
        redirect_origins: args.redirect_origin,
        max_life_s: args.max_life,
        assigns_roles: args.assigns_roles,
        error_redirect: args.error_redirect,
    })
}

/// Reads a public key. The error message does not quote the file, because the file may hold the private key by mistake.
fn public_key(file: &Path) -> io::Result<String> {
    let path = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    rsa_keys::public_key(&text)
        .ok_or_else(|| io::Error::other(format!("{path}: must be {PUBLIC_KEY}")))
}

/// The fingerprint for comparing keys: the first 16 hexadecimal digits of the SHA-256 of the stored PEM text.
fn fingerprints(partner: &Partner) -> Vec<String> {
    rsa_keys::split(&partner.public_keys)
        .iter()
        .map(|key| sha256_hex(key).chars().take(16).collect())
        .collect()
}
