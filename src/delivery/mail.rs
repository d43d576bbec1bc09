//! Composes mails and sends them, to files or to a mail server.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::mail_templates::{self, MailTemplates};
use super::smtp::{Smtp, SmtpSession};
use crate::domain::Millis;
use crate::domain::mailbox::with_ascii_domain;
use crate::domain::notice::{Notice, Topic};
use crate::domain::text::has_control;

/// The receiver of mails.
#[derive(Debug, Clone)]
pub enum Transport {
    /// `.eml` files in this folder.
    Folder(PathBuf),
    /// This mail server.
    Smtp(Smtp),
}

/// The settings of mails.
#[derive(Debug, Clone)]
pub struct MailSettings {
    pub transport: Transport,
    /// The sender: `Name <address>` or an address.
    pub from: String,
    pub templates: MailTemplates,
    /// The base URL of links. It never comes from a request.
    pub link_base: String,
}

/// Whether this is a valid sender.
#[must_use]
pub fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// The mails of one turn. They share one connection to the mail server.
pub(super) struct Mailing<'a> {
    settings: &'a MailSettings,
    session: Option<SmtpSession<'a>>,
}

impl<'a> Mailing<'a> {
    pub(super) fn new(settings: &'a MailSettings) -> Self {
        let session = match &settings.transport {
            Transport::Folder(_) => None,
            Transport::Smtp(server) => Some(SmtpSession::to(server)),
        };
        Self { settings, session }
    }

    /// Composes and sends one mail. A row always has the same file name, so that a repetition after a crash replaces
    /// the file.
    pub(super) fn send(
        &mut self,
        notice: &Notice,
        id: i64,
        created_at: Millis,
    ) -> Result<(), String> {
        let message = compose(self.settings, notice, id, created_at)?;
        match (&self.settings.transport, &mut self.session) {
            (Transport::Folder(folder), _) => {
                let name = format!("{id:010}-{}.eml", notice.topic.as_str());
                write(folder, &name, &message.formatted(), created_at).map_err(|e| e.to_string())
            }
            (Transport::Smtp(server), None) => SmtpSession::to(server).send(&message),
            (Transport::Smtp(_), Some(session)) => session.send(&message),
        }
    }
}

/// The bytes of a mail, as they would be sent. The mail is not sent.
///
/// # Errors
/// A message for the operator if the mail cannot be composed.
pub fn preview(settings: &MailSettings, notice: &Notice, now: Millis) -> Result<Vec<u8>, String> {
    Ok(compose(settings, notice, 0, now)?.formatted())
}

/// Sends a mail at once, without the outbox.
///
/// # Errors
/// A message for the operator if the mail cannot be sent.
pub fn send_now(settings: &MailSettings, notice: &Notice, now: Millis) -> Result<(), String> {
    Mailing::new(settings).send(notice, 0, now)
}

fn write(folder: &Path, name: &str, bytes: &[u8], at: Millis) -> std::io::Result<()> {
    crate::secrets::keys::create_private_dir(folder)?;
    // Mails contain tokens, and a folder of an older release may be readable by everybody.
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = crate::secrets::keys::create_private_file(&aside)?;
    file.write_all(bytes)?;
    // Housekeeping compares the modification time with the gateway's clock.
    file.set_modified(UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap_or(0)))?;
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
    if has_control(&notice.to) {
        return Err("recipient: the address contains control characters".to_owned());
    }
    let address = with_ascii_domain(&notice.to);
    let address = address.parse().map_err(|e| format!("recipient: {e}"))?;
    let name = Some(mail_templates::one_line(&notice.name)).filter(|name| !name.is_empty());
    let to = Mailbox::new(name, address);
    let texts = settings.templates.write(notice, &link(settings, notice))?;
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(created_at).unwrap_or(0));
    let domain = from.email.domain().to_owned();
    Message::builder()
        .from(from)
        .to(to)
        .date(at)
        .message_id(Some(format!("<{id}.{created_at}@{domain}>")))
        .subject(texts.subject)
        .multipart(
            MultiPart::alternative()
                .singlepart(
                    SinglePart::builder()
                        .header(ContentType::TEXT_PLAIN)
                        .body(texts.text),
                )
                .singlepart(
                    SinglePart::builder()
                        .header(ContentType::TEXT_HTML)
                        .body(texts.html),
                ),
        )
        .map_err(|e| e.to_string())
}

/// The target of the link in the mail.
fn link(settings: &MailSettings, notice: &Notice) -> String {
    let page = match notice.topic {
        Topic::Activation => "confirm.html",
        Topic::PasswordReset => "new-password.html",
        Topic::PasswordChanged => "forgotten-password.html",
        Topic::EmailChanged => "undo-email.html",
        Topic::IdentityLinked | Topic::IdentityUnlinked => "account.html",
    };
    let base = &settings.link_base;
    match notice.topic.has_token() {
        false => format!("{base}/checkSSO/{page}"),
        true => format!("{base}/checkSSO/{page}?token={}", notice.token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path) -> MailSettings {
        MailSettings {
            transport: Transport::Folder(folder.to_path_buf()),
            from: "Chaingun <noreply@localhost>".into(),
            templates: MailTemplates::load(None).unwrap(),
            link_base: "https://id.example".into(),
        }
    }

    fn notice(name: &str, to: &str) -> Notice {
        Notice {
            topic: Topic::Activation,
            english: false,
            to: to.into(),
            name: name.into(),
            user_name: "valaki".into(),
            token: "fc375d646f284b17bf98e4ee7fdb6975".into(),
            detail: String::new(),
        }
    }

    /// The header lines of a mail, with folded lines joined.
    fn head(name: &str, to: &str) -> Result<String, String> {
        let message = compose(&settings(Path::new("")), &notice(name, to), 7, 0)?;
        let mail = String::from_utf8(message.formatted()).unwrap();
        Ok(mail.split("\r\n\r\n").next().unwrap().to_owned())
    }

    #[test]
    fn replaces_the_file_when_a_mail_is_delivered_again() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            Mailing::new(&settings(folder.path()))
                .send(&notice("Valaki", "valaki@valami.hu"), 7, 1_601_973_889_000)
                .unwrap();
        }
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(files.len(), 1);
        let mail = fs::read_to_string(files[0].path()).unwrap();
        assert!(mail.contains("To: Valaki <valaki@valami.hu>"), "{mail}");
        assert!(mail.contains("fc375d646f284b17bf98e4ee7fdb6975"));
    }

    #[test]
    fn encodes_hungarian_names_and_subjects() {
        let head = head("Árvíztűrő Őrs", "valaki@valami.hu").unwrap();
        assert!(head.is_ascii(), "{head}");
        // RFC 2047: base64 of the UTF-8.
        for line in [
            "To: =?utf-8?b?w4FydsOtenTFsXLFkSDFkHJz?= <valaki@valami.hu>",
            "Subject: =?utf-8?b?UmVnaXN6dHLDoWNpw7MgbWVnZXLFkXPDrXTDqXNl?=",
        ] {
            assert!(head.contains(line), "{line}\n{head}");
        }
    }

    #[test]
    fn writes_no_header_for_names_and_addresses_with_line_breaks() {
        let count = |head: &str| head.lines().filter(|l| !l.starts_with(' ')).count();
        let usual = count(&head("Valaki", "valaki@valami.hu").unwrap());
        for breaks in [
            "\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}", "\0", "\u{1b}",
        ] {
            for name in [
                format!("Ági{breaks}Bcc: x@y.hu"),
                format!("Agi{breaks}Bcc: x@y.hu"),
                format!("{breaks}{breaks}<script>"),
                format!("a\" <x@y.hu>,{breaks}\"b"),
            ] {
                let head = head(&name, "valaki@valami.hu").unwrap();
                assert_eq!(count(&head), usual, "{name:?}: {head}");
                assert!(!head.contains("\nBcc"), "{head}");
                let to = head.lines().find(|l| l.starts_with("To: ")).unwrap();
                assert!(to.chars().all(|c| (' '..='~').contains(&c)), "{to:?}");
            }
            for to in [
                format!("valaki@valami.hu{breaks}Bcc: x@y.hu"),
                format!("valaki{breaks}@valami.hu"),
                format!("{breaks}valaki@valami.hu"),
                format!("valaki@valami.hu{breaks}"),
            ] {
                assert!(head("Valaki", &to).is_err(), "{to:?}");
            }
        }
    }
}
