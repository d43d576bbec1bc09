//! The header of an envelope. An entry for this gateway with `mustUnderstand` is processed completely or refused (SPEC
//! §3 and §4).

use crate::contract::problem::{Code, MAX_PROBLEMS, Problem, Why};
use crate::contract::rejection::{Rejection, malformed};
use crate::contract::shape::Secret;
use crate::contract::time::moment;
use crate::contract::xml::{Ns, Tag, Token, XmlReader};
use crate::domain::Millis;

use super::version::Version;

/// The allowed difference between the clocks of the sender and the gateway.
const TIMESTAMP_LEEWAY_MS: Millis = 60_000;
/// The longest name and password in a UsernameToken, and the longest time, in characters.
const MAX_USERNAME: u32 = 256;
const MAX_PASSWORD: u32 = 1024;
const MAX_TIME: u32 = 64;
/// The longest name of a header entry that a fault repeats, in bytes.
const MAX_ENTRY_NAME: usize = 512;

/// The types of a password (UsernameToken Profile 1.1 §3.1).
const PASSWORD_TEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";
const PASSWORD_DIGEST: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest";

/// Reads the header up to its end, and returns the UsernameToken that it holds for this gateway.
///
/// # Errors
/// All entries that must be understood and are not; if there are none, the first other offence.
pub(super) fn read(
    reader: &mut XmlReader<'_>,
    version: Version,
    now: Millis,
) -> Result<Option<(String, Secret)>, Rejection> {
    let mut header = Header {
        now,
        token: None,
        has_security: false,
        not_understood: Vec::new(),
        offence: None,
    };
    while let Some(tag) = header.child(reader)? {
        header.entry(reader, version, &tag)?;
    }
    if !header.not_understood.is_empty() {
        let names = header.not_understood.iter();
        let names: Vec<_> = names.filter_map(|p| p.field.as_deref()).collect();
        let cause = names.join(", ");
        return Err(Rejection::of(header.not_understood).because(cause));
    }
    match header.offence {
        Some(offence) => Err(offence),
        None => Ok(header.token),
    }
}

/// The state of a header that is being read.
struct Header {
    now: Millis,
    token: Option<(String, Secret)>,
    /// Whether there was a Security entry for the gateway.
    has_security: bool,
    not_understood: Vec<Problem>,
    /// The first offence other than mustUnderstand, which is reported only if every entry with mustUnderstand is
    /// understood (SPEC §4).
    offence: Option<Rejection>,
}

impl Header {
    fn refuse(&mut self, offence: Rejection) {
        self.offence.get_or_insert(offence);
    }

    fn refuse_field(&mut self, field: &str, why: Why) {
        self.refuse(Rejection::field(Code::Malformed, field, Some(why)));
    }

    /// The next child of an element. Text beside the children is an offence.
    fn child<'a>(&mut self, reader: &mut XmlReader<'a>) -> Result<Option<Tag<'a>>, Rejection> {
        loop {
            match reader.advance()? {
                Token::Start(tag) => return Ok(Some(tag)),
                Token::End => return Ok(None),
                Token::Text(text) if text.trim_ascii().is_empty() => {}
                Token::Text(_) => self.refuse(malformed(Why::WrongContent)),
                Token::Eof => return Err(malformed(Why::Truncated)),
            }
        }
    }

    /// Reads the children of an element. `read` reads each child in `known` and returns whether the child is
    /// understood. A repeated child is an offence; an unknown child is skipped and not understood. Returns whether all
    /// children are understood.
    fn children(
        &mut self,
        reader: &mut XmlReader<'_>,
        known: &[(Ns, &'static str)],
        mut read: impl FnMut(&mut Self, &mut XmlReader<'_>, &'static str) -> Result<bool, Rejection>,
    ) -> Result<bool, Rejection> {
        let (mut is_understood, mut seen) = (true, 0_u32);
        while let Some(tag) = self.child(reader)? {
            let found = known.iter().position(|known| *known == (tag.ns, tag.local));
            let Some((at, (_, name))) = found.and_then(|at| Some((at, known.get(at)?))) else {
                is_understood = false;
                reader.skip()?;
                continue;
            };
            if seen & (1 << at) != 0 {
                self.refuse_field(name, Why::Repeated);
            }
            seen |= 1 << at;
            is_understood &= read(self, reader, name)?;
        }
        Ok(is_understood)
    }

    /// Reads one header entry.
    fn entry<'a>(
        &mut self,
        reader: &mut XmlReader<'a>,
        version: Version,
        tag: &Tag<'a>,
    ) -> Result<(), Rejection> {
        let must = reader.attribute(version.ns(), "mustUnderstand");
        let must = match must.as_deref().map(str::trim_ascii) {
            None | Some("0" | "false") => false,
            Some("1" | "true") => true,
            Some(_) => {
                self.refuse_field("mustUnderstand", Why::NotABoolean);
                false
            }
        };
        if !is_for_gateway(reader, version) {
            return reader.skip();
        }
        let name = must.then(|| expanded(reader, tag));
        let is_understood = if (tag.ns, tag.local) == (Ns::Wsse, "Security") {
            if std::mem::replace(&mut self.has_security, true) {
                self.refuse_field("Security", Why::Repeated);
            }
            self.security(reader)?
        } else {
            reader.skip()?;
            false
        };
        if let Some(name) = name.filter(|_| !is_understood)
            && self.not_understood.len() < MAX_PROBLEMS
        {
            let problem = Problem::new(Code::MustUnderstand, Some(&name), None);
            self.not_understood.push(problem);
        }
        Ok(())
    }

    /// Reads a Security entry; `false` if the entry holds anything that the gateway does not process: signatures,
    /// encryption, or tokens of other kinds.
    fn security(&mut self, reader: &mut XmlReader<'_>) -> Result<bool, Rejection> {
        let known = [(Ns::Wsse, "UsernameToken"), (Ns::Wsu, "Timestamp")];
        self.children(reader, &known, |header, reader, name| match name {
            "UsernameToken" => header.username_token(reader),
            _ => header.timestamp(reader),
        })
    }

    /// Reads a Timestamp (WS-Security 1.1 §10). An expired Timestamp is refused even without `mustUnderstand`, because
    /// its sender says that the message is no longer valid.
    fn timestamp(&mut self, reader: &mut XmlReader<'_>) -> Result<bool, Rejection> {
        let known = [(Ns::Wsu, "Created"), (Ns::Wsu, "Expires")];
        self.children(reader, &known, |header, reader, name| {
            if name == "Created" {
                return header.created(reader);
            }
            let expires = header.time(reader, name)?;
            if expires.is_some_and(|at| at <= header.now - TIMESTAMP_LEEWAY_MS) {
                header.refuse(Rejection::new(Code::MessageExpired));
            }
            Ok(true)
        })
    }

    fn created(&mut self, reader: &mut XmlReader<'_>) -> Result<bool, Rejection> {
        let created = self.time(reader, "Created")?;
        if created.is_some_and(|at| at > self.now + TIMESTAMP_LEEWAY_MS) {
            self.refuse(Rejection::new(Code::MessageExpired));
        }
        Ok(true)
    }

    fn time(
        &mut self,
        reader: &mut XmlReader<'_>,
        field: &'static str,
    ) -> Result<Option<Millis>, Rejection> {
        let text = reader.text(field, MAX_TIME)?;
        let time = text.and_then(|t| moment(t.trim_ascii()));
        if time.is_none() {
            self.refuse_field(field, Why::NotATime);
        }
        Ok(time)
    }

    /// Reads a UsernameToken with its password as text. A Nonce is skipped: it prevents the replay of a digest, but a
    /// thief of a plain-text password needs no replay.
    fn username_token(&mut self, reader: &mut XmlReader<'_>) -> Result<bool, Rejection> {
        let (mut user_name, mut password) = (None, None);
        let known = [
            (Ns::Wsse, "Username"),
            (Ns::Wsse, "Password"),
            (Ns::Wsse, "Nonce"),
            (Ns::Wsu, "Created"),
        ];
        let is_understood = self.children(reader, &known, |header, reader, name| match name {
            "Username" => {
                let text = reader.text(name, MAX_USERNAME)?;
                user_name = text.map(|t| t.trim().to_owned());
                Ok(true)
            }
            "Password" => {
                let is_text = header.is_password_text(reader);
                let text = reader.text(name, MAX_PASSWORD)?;
                password = text.map(|t| Secret::from(t.as_ref()));
                Ok(is_text)
            }
            "Nonce" => reader.skip().map(|()| true),
            _ => header.created(reader),
        })?;
        self.token = user_name.zip(password);
        Ok(is_understood && self.token.is_some())
    }

    /// Whether the type of a password is understood. A digest is understood and refused.
    fn is_password_text(&mut self, reader: &XmlReader<'_>) -> bool {
        let kind = reader.attribute(Ns::None, "Type");
        match kind.as_deref().map(str::trim_ascii) {
            None | Some(PASSWORD_TEXT) => {}
            Some(PASSWORD_DIGEST) => self.refuse(malformed(Why::PasswordDigest)),
            Some(_) => {
                self.refuse(malformed(Why::PasswordType));
                return false;
            }
        }
        true
    }
}

/// Whether the current entry is for this gateway, which acts in the roles `next` and `ultimateReceiver` (SOAP 1.1
/// §4.2.2, SOAP 1.2 part 1 §2.2).
fn is_for_gateway(reader: &XmlReader<'_>, version: Version) -> bool {
    let attribute = match version {
        Version::Soap11 => "actor",
        Version::Soap12 => "role",
    };
    let role = reader.attribute(version.ns(), attribute);
    role.is_none_or(|role| match (version, role.trim_ascii()) {
        (_, "") => true,
        (Version::Soap11, role) => role == "http://schemas.xmlsoap.org/soap/actor/next",
        (Version::Soap12, role) => {
            role == "http://www.w3.org/2003/05/soap-envelope/role/next"
                || role == "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"
        }
    })
}

/// The expanded name of an entry, `{namespace}local`. A name longer than [`MAX_ENTRY_NAME`] is cut after 128
/// characters.
fn expanded<'a>(reader: &XmlReader<'a>, tag: &Tag<'a>) -> String {
    let name = match reader.namespace_name(tag) {
        "" => tag.local.to_owned(),
        namespace => format!("{{{namespace}}}{}", tag.local),
    };
    if name.len() <= MAX_ENTRY_NAME {
        return name;
    }
    let short: String = name.chars().take(MAX_ENTRY_NAME / 4).collect();
    format!("{short}…")
}

/// The namespace and the local part of an expanded name; `None` if the name was cut, or if an attribute cannot contain
/// it.
pub(super) fn expanded_parts(name: &str) -> Option<(&str, &str)> {
    if name.ends_with('…') || name.contains(['\t', '\n', '\r']) {
        return None;
    }
    match name.strip_prefix('{') {
        Some(rest) => rest.rsplit_once('}'),
        None => Some(("", name)),
    }
}
