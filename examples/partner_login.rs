//! What a partner does to sign one of its users in: it signs a token and sends the browser with it to the gateway.
//!
//! `cargo run --example partner_login -- --key data/demo/apekx.pem`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a partner has a clock of its own, and printing the address is its purpose"
)]

use std::error::Error;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Signs a token for a user with a partner's private key, and prints the address that signs its browser in, once.
#[derive(Parser)]
struct Arguments {
    /// The partner's private RSA key, in PEM; the demo's is below its data folder.
    #[arg(long, value_name = "FILE", default_value = "data/demo/apekx.pem")]
    key: PathBuf,
    /// The URL that the gateway is known by: its public_url, or the address it listens at.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    gateway: String,
    /// The partner's name, as the gateway's registry has it.
    #[arg(long, default_value = "apekx")]
    iss: String,
    /// What the user is called at the partner.
    #[arg(long, default_value = "user_external_id")]
    sub: String,
    /// What people call the user.
    #[arg(long, default_value = "Some User")]
    name: String,
    /// What its school is called at the partner.
    #[arg(long, default_value = "pre_created_school_external_id")]
    school_id: String,
    /// Where the browser goes on to; to the page of its account if nothing is said.
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

/// What the token says. Its `jti` is used up by signing in, so every token has one of its own.
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
