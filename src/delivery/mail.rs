//! Mails: the words in both languages, and the way out.

use std::error::Error as _;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};

use crate::domain::Millis;
use crate::domain::notice::{Notice, Topic};

/// How mails leave.
#[derive(Debug, Clone)]
pub enum Transport {
    /// As `.eml` files in this folder.
    Folder(PathBuf),
    /// To this server.
    Smtp(Smtp),
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<Login>,
}

/// What a mail server is signed in to with.
#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// By STARTTLS, without which nothing is sent.
    StartTls,
    /// By TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

/// How long a mail server may take for each answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What mails are written with.
#[derive(Debug, Clone)]
pub struct MailSettings {
    pub transport: Transport,
    /// The sender, as `Name <address>` or an address.
    pub from: String,
    /// The URL that links in mails start with. Never taken from a request.
    pub link_base: String,
}

/// Whether mails can be sent from this.
#[must_use]
pub fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// Writes one mail and sends it off. The same row always gives the same file name, so that a
/// repetition after a crash replaces and does not double.
pub(super) fn send(
    settings: &MailSettings,
    notice: &Notice,
    id: i64,
    created_at: Millis,
) -> Result<(), String> {
    let message = compose(settings, notice, id, created_at)?;
    match &settings.transport {
        Transport::Folder(folder) => {
            let topic = match notice.topic {
                Topic::Activation => "activation",
                Topic::PasswordReset => "password-reset",
                Topic::PasswordChanged => "password-changed",
            };
            write(
                folder,
                &format!("{id:010}-{topic}.eml"),
                &message.formatted(),
            )
            .map_err(|e| e.to_string())
        }
        Transport::Smtp(server) => submit(server, &message),
    }
}

/// Hands a mail to a server, over a connection of its own.
fn submit(server: &Smtp, message: &Message) -> Result<(), String> {
    let tls = || TlsParameters::new(server.host.clone()).map_err(|e| e.to_string());
    let mut builder = SmtpTransport::builder_dangerous(server.host.as_str())
        .port(server.port)
        .timeout(Some(PATIENCE))
        .tls(match server.security {
            Security::StartTls => Tls::Required(tls()?),
            Security::Tls => Tls::Wrapper(tls()?),
            Security::None => Tls::None,
        });
    if let Some(login) = &server.login {
        let (user, password) = (login.user.clone(), login.password.clone());
        builder = builder.credentials(Credentials::new(user, password));
    }
    match builder.build().send(message) {
        Ok(_) => Ok(()),
        // What the server says may name the recipient; its code does not.
        Err(error) => Err(match (error.status(), error.source()) {
            (Some(code), _) => format!("the mail server answered {code}"),
            (None, _) if error.is_timeout() => "the mail server did not answer in time".to_owned(),
            (None, Some(cause)) => format!("the mail server is not there: {cause}"),
            (None, None) => "the mail server did not do as expected".to_owned(),
        }),
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    crate::secrets::keys::create_private_dir(folder)?;
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = fs::File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, folder.join(name))
}

fn compose(
    settings: &MailSettings,
    notice: &Notice,
    id: i64,
    created_at: Millis,
) -> Result<Message, String> {
    let from: Mailbox = settings.from.parse().map_err(|e| format!("sender: {e}"))?;
    let address = notice.to.parse().map_err(|e| format!("recipient: {e}"))?;
    let to = Mailbox::new(Some(notice.name.clone()), address);
    let words = words(settings, notice);
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(created_at).unwrap_or(0));
    let domain = from.email.domain().to_owned();
    Message::builder()
        .from(from)
        .to(to)
        .date(at)
        .message_id(Some(format!("<{id}.{created_at}@{domain}>")))
        .subject(words.subject)
        .multipart(
            MultiPart::alternative()
                .singlepart(
                    SinglePart::builder()
                        .header(ContentType::TEXT_PLAIN)
                        .body(words.text),
                )
                .singlepart(
                    SinglePart::builder()
                        .header(ContentType::TEXT_HTML)
                        .body(words.html),
                ),
        )
        .map_err(|e| e.to_string())
}

struct Words {
    subject: &'static str,
    text: String,
    html: String,
}

fn words(settings: &MailSettings, notice: &Notice) -> Words {
    let english = notice.english;
    let page = match notice.topic {
        Topic::Activation => "confirm.html",
        Topic::PasswordReset => "new-password.html",
        Topic::PasswordChanged => "forgotten-password.html",
    };
    let link = match notice.topic {
        Topic::PasswordChanged => format!("{}/checkSSO/{page}", settings.link_base),
        Topic::Activation | Topic::PasswordReset => {
            format!(
                "{}/checkSSO/{page}?token={}",
                settings.link_base, notice.token
            )
        }
    };
    let (subject, body) = match (notice.topic, english) {
        (Topic::Activation, false) => (
            "Regisztráció megerősítése",
            "Erősítsd meg a regisztrációdat ezen a címen:",
        ),
        (Topic::Activation, true) => (
            "Confirm your registration",
            "Confirm your registration at this address:",
        ),
        (Topic::PasswordReset, false) => (
            "Új jelszó beállítása",
            "Új jelszót ezen a címen állíthatsz be. Ha nem te kérted, nincs teendőd:",
        ),
        (Topic::PasswordReset, true) => (
            "Set a new password",
            "Set a new password at this address. If you did not ask for it, there is nothing to do:",
        ),
        (Topic::PasswordChanged, false) => (
            "Megváltozott a jelszavad",
            "A jelszavad megváltozott. Ha nem te voltál, kérj azonnal újat itt:",
        ),
        (Topic::PasswordChanged, true) => (
            "Your password was changed",
            "Your password was changed. If it was not you, ask for a new one at once here:",
        ),
    };
    let (greeting, account, code) = if english {
        ("Dear", "User name", "Token")
    } else {
        ("Kedves", "Felhasználónév", "Token")
    };
    let mut text = format!(
        "{greeting} {}!\n\n{body}\n\n{link}\n\n{account}: {}\n",
        notice.name, notice.user_name
    );
    let mut html = format!(
        "<!DOCTYPE html><html lang=\"{}\"><meta charset=\"utf-8\"><title>{subject}</title>\
         <p>{greeting} {}!<p>{body}<p><a href=\"{}\">{}</a><p>{account}: {}",
        if english { "en" } else { "hu" },
        escape(&notice.name),
        escape(&link),
        escape(&link),
        escape(&notice.user_name)
    );
    if !notice.token.is_empty() {
        text.push_str(&format!("{code}: {}\n", notice.token));
        html.push_str(&format!(
            "<p>{code}: <code>{}</code>",
            escape(&notice.token)
        ));
    }
    html.push_str("</html>\n");
    Words {
        subject,
        text,
        html,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(name: &str) -> Notice {
        Notice {
            topic: Topic::Activation,
            english: false,
            to: "valaki@valami.hu".into(),
            name: name.into(),
            user_name: "valaki".into(),
            token: "fc375d646f284b17bf98e4ee7fdb6975".into(),
        }
    }

    #[test]
    fn a_repeated_delivery_replaces_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let settings = MailSettings {
            transport: Transport::Folder(folder.path().to_path_buf()),
            from: "Chaingun <noreply@localhost>".into(),
            link_base: "https://id.example".into(),
        };
        for _ in 0..2 {
            send(&settings, &notice("Valaki"), 7, 1_601_973_889_000).unwrap();
        }
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(files.len(), 1);
        let mail = fs::read_to_string(files[0].path()).unwrap();
        assert!(mail.contains("To: Valaki <valaki@valami.hu>"), "{mail}");
        assert!(mail.contains("fc375d646f284b17bf98e4ee7fdb6975"));
    }

    #[test]
    fn user_text_is_text_in_html() {
        let settings = MailSettings {
            transport: Transport::Folder(PathBuf::new()),
            from: "noreply@localhost".into(),
            link_base: String::new(),
        };
        let words = words(&settings, &notice("<script>alert(1)</script>"));
        assert!(!words.html.contains("<script>"));
    }
}
