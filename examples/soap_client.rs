//! An example SOAP client of ChaingunUserAPI. It uses reqwest and yaserde, and no code of the gateway.
//!
//! `cargo run --example soap_client -- http://127.0.0.1:8080/hammy/ws/user/v1 mokamiki`
#![expect(clippy::print_stdout, reason = "the example prints the user")]

use std::error::Error;

use yaserde::YaDeserialize;

#[derive(Debug, Default, YaDeserialize)]
#[yaserde(
    rename = "Envelope",
    prefix = "S",
    namespaces = { "S" = "http://schemas.xmlsoap.org/soap/envelope/" }
)]
struct Envelope {
    #[yaserde(rename = "Body", prefix = "S")]
    body: Body,
}

#[derive(Debug, Default, YaDeserialize)]
#[yaserde(
    prefix = "S",
    namespaces = {
        "S" = "http://schemas.xmlsoap.org/soap/envelope/",
        "ns2" = "http://ws.service.user.api.chaingun.dbx.hu/"
    }
)]
struct Body {
    #[yaserde(rename = "showUserResponse", prefix = "ns2")]
    answer: Option<Answer>,
    #[yaserde(rename = "Fault", prefix = "S")]
    fault: Option<Fault>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Answer {
    response: Response,
}

#[derive(Debug, Default, YaDeserialize)]
struct Response {
    status: Status,
    user: Option<User>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Status {
    code: i32,
    messages: Messages,
}

#[derive(Debug, Default, YaDeserialize)]
struct Messages {
    message: Vec<Message>,
}

#[derive(Debug, Default, YaDeserialize)]
struct Message {
    code: String,
    description: String,
}

#[derive(Debug, Default, YaDeserialize)]
struct User {
    #[yaserde(rename = "clientName")]
    client_name: String,
    email: String,
    name: String,
    #[yaserde(rename = "organizationalUnit")]
    organizational_unit: Option<String>,
    roles: Vec<String>,
    status: String,
    #[yaserde(rename = "userName")]
    user_name: String,
}

#[derive(Debug, Default, YaDeserialize)]
struct Fault {
    faultcode: String,
    faultstring: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .unwrap_or_else(|| "http://127.0.0.1:8080/hammy/ws/user/v1".to_owned());
    let user_name = arguments.next().unwrap_or_else(|| "mokamiki".to_owned());
    let key = std::env::var("CLIENT_HASH_KEY").unwrap_or_else(|_| "demo-hash-key".to_owned());

    let envelope = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"><e:Body><ws:showUser><request>\
         <requestMeta><clientHashKey>{}</clientHashKey></requestMeta><userName>{}</userName>\
         </request></ws:showUser></e:Body></e:Envelope>",
        escaped(&key),
        escaped(&user_name)
    );
    let answer = reqwest::blocking::Client::new()
        .post(&url)
        .header("Content-Type", "text/xml; charset=utf-8")
        .header("SOAPAction", "\"\"")
        .header("Accept-Language", "en")
        .body(envelope)
        .send()?
        .text()?;
    let body = yaserde::de::from_str::<Envelope>(&answer)?.body;
    if let Some(fault) = body.fault {
        return Err(format!("{}: {}", fault.faultcode, fault.faultstring).into());
    }
    let response = body
        .answer
        .ok_or("the envelope has neither an answer nor a fault")?
        .response;
    if response.status.code != 0 {
        let messages = response.status.messages.message.iter();
        let texts: Vec<_> = messages
            .map(|m| format!("{}: {}", m.code, m.description))
            .collect();
        return Err(texts.join("; ").into());
    }
    let user = response.user.ok_or("the answer has no user")?;
    println!("{} is {}, {}", user.user_name, user.name, user.status);
    println!("  e-mail {}, client {}", user.email, user.client_name);
    println!(
        "  unit {}",
        user.organizational_unit.as_deref().unwrap_or("-")
    );
    println!("  roles {}", user.roles.join(", "));
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
