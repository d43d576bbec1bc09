//! An example partner: it signs a token for one of its users and prints the address that signs the user in at the
//! gateway.
//!
//! `cargo run --example partner_login -- --key data/demo/apekx.pem`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the example reads the system clock and prints the address"
)]

use std::error::Error;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Signs a token for a user with a partner's private key, and prints an address that signs the user's browser in
/// once.
#[derive(Parser)]
struct Arguments {
    /// Private RSA key of the partner, in PEM; the demo's key is in its data folder.
    #[arg(long, value_name = "FILE", default_value = "data/demo/apekx.pem")]
    key: PathBuf,
    /// URL of the gateway: its public_url, or the address that it listens at.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    gateway: String,
    /// Name of the partner in the gateway's registry.
    #[arg(long, default_value = "apekx")]
    iss: String,
    /// ID of the user at the partner.
    #[arg(long, default_value = "user_external_id")]
    sub: String,
    /// Name of the user.
    #[arg(long, default_value = "Some User")]
    name: String,
    /// ID of the user's school at the partner.
    #[arg(long, default_value = "pre_created_school_external_id")]
    school_id: String,
    /// Address that the browser continues to; the default is the account page.
    #[arg(long, value_name = "URL")]
    redirect_uri: Option<String>,
    /// Use the older layout, which has an e-mail address in the place of a school.
    #[arg(long, value_name = "EMAIL")]
    old_layout: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let pem = std::fs::read(&arguments.key)
        .map_err(|error| format!("{}: {error}", arguments.key.display()))?;
    let key = EncodingKey::from_rsa_pem(&pem)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let claims = claims(&arguments, now.as_secs(), now.as_nanos());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key)?;
    let version = if arguments.old_layout.is_some() {
        "v1"
    } else {
        "v2"
    };
    println!(
        "{}/{version}/user/session/create?token={token}",
        arguments.gateway
    );
    Ok(())
}

/// The claims of the token. Each `jti` is accepted once, so every token has its own.
fn claims(arguments: &Arguments, seconds: u64, jti: u128) -> Value {
    let mut claims = json!({
        "jti": format!("{}-{jti}", std::process::id()),
        "iss": arguments.iss,
        "sub": arguments.sub,
        "aud": arguments.gateway,
        "iat": seconds,
        "exp": seconds + 600,
        "name": arguments.name,
    });
    let more = match &arguments.old_layout {
        Some(email) => json!({
            "email": email,
            "email_verified": true,
            "redirect_url": arguments.redirect_uri,
        }),
        None => json!({
            "state_id": arguments.iss,
            "school_id": arguments.school_id,
            "redirect_uri": arguments.redirect_uri,
            "version": "v1",
        }),
    };
    if let (Value::Object(claims), Value::Object(more)) = (&mut claims, more) {
        claims.extend(more);
    }
    claims
}
