//! The header of an envelope: an entry for this gateway is understood completely or refused (SPEC §3 and §4).

use crate::contract::problem::Why;
use crate::contract::problem::{Code, MAX_PROBLEMS, Problem};
use crate::contract::rejection::{Rejection, malformed};
use crate::contract::shape::Secret;
use crate::contract::time::moment;
use crate::contract::xml::{Ns, Tag, Token, XmlReader};
use crate::domain::Millis;

use super::Version;

/// How far the clock of a message's sender may be off.
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
/// The entries that must be understood and are not, all of them; otherwise the first offence.
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

/// What was found in a header so far.
struct Header {
    now: Millis,
    token: Option<(String, Secret)>,
    /// There was a Security entry for us.
    has_security: bool,
    not_understood: Vec<Problem>,
    /// The first offence that is no matter of mustUnderstand; told only if every such entry is understood (SPEC §4).
    offence: Option<Rejection>,
}

impl Header {
    fn refuse(&mut self, offence: Rejection) {
        self.offence.get_or_insert(offence);
    }

    fn refuse_field(&mut self, field: &str, why: Why) {
        self.refuse(Rejection::field(Code::Malformed, field, Some(why)));
    }

    /// Notes whether an element that may be there once was there before.
    fn once(&mut self, seen: &mut bool, field: &str) {
        if std::mem::replace(seen, true) {
            self.refuse_field(field, Why::Repeated);
        }
    }

    /// The next child of an element; other content is noted.
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
        if !is_for_us(reader, version) {
            return reader.skip();
        }
        let name = must.then(|| expanded(reader, tag));
        let is_understood = if (tag.ns, tag.local) == (Ns::Wsse, "Security") {
            let mut seen = self.has_security;
            self.once(&mut seen, "Security");
            self.has_security = true;
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

    /// Reads a Security entry; `false` where it holds anything that is not processed here: signatures, encryption, and
    /// tokens of other kinds.
    fn security(&mut self, reader: &mut XmlReader<'_>) -> Result<bool, Rejection> {
        let (mut is_understood, mut has_token, mut has_time) = (true, false, false);
        while let Some(tag) = self.child(reader)? {
            match (tag.ns, tag.local) {
                (Ns::Wsse, "UsernameToken") => {
                    self.once(&mut has_token, "UsernameToken");
                    is_understood &= self.username_token(reader)?;
                }
                (Ns::Wsu, "Timestamp") => {
                    self.once(&mut has_time, "Timestamp");
                    is_understood &= self.timestamp(reader)?;
                }
                _ => {
                    is_understood = false;
                    reader.skip()?;
                }
            }
        }
        Ok(is_understood)
    }

    /// Reads a Timestamp (WS-Security 1.1 §10). An expired one is refused also where nothing must be understood, since
    /// its sender says that the message is worth nothing any more.
    fn timestamp(&mut self, reader: &mut XmlReader<'_>) -> Result<bool, Rejection> {
        let (mut is_understood, mut has_created, mut has_expires) = (true, false, false);
        while let Some(tag) = self.child(reader)? {
            match (tag.ns, tag.local) {
                (Ns::Wsu, "Created") => {
                    self.once(&mut has_created, "Created");
                    self.created(reader)?;
                }
                (Ns::Wsu, "Expires") => {
                    self.once(&mut has_expires, "Expires");
                    let expires = self.time(reader, "Expires")?;
                    if expires.is_some_and(|at| at <= self.now - TIMESTAMP_LEEWAY_MS) {
                        self.refuse(Rejection::new(Code::MessageExpired));
                    }
                }
                _ => {
                    is_understood = false;
                    reader.skip()?;
                }
            }
        }
        Ok(is_understood)
    }

    fn created(&mut self, reader: &mut XmlReader<'_>) -> Result<(), Rejection> {
        let created = self.time(reader, "Created")?;
        if created.is_some_and(|at| at > self.now + TIMESTAMP_LEEWAY_MS) {
            self.refuse(Rejection::new(Code::MessageExpired));
        }
        Ok(())
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

    /// Reads a UsernameToken with its password as text. A Nonce is passed over: it protects a digest, and a password that
    /// is sent as text needs no replay to be stolen.
    fn username_token(&mut self, reader: &mut XmlReader<'_>) -> Result<bool, Rejection> {
        let (mut name, mut password, mut is_understood) = (None, None, true);
        let (mut has_name, mut has_password) = (false, false);
        let (mut has_nonce, mut has_created) = (false, false);
        while let Some(tag) = self.child(reader)? {
            match (tag.ns, tag.local) {
                (Ns::Wsse, "Username") => {
                    self.once(&mut has_name, "Username");
                    let text = reader.text("Username", MAX_USERNAME)?;
                    name = text.map(|t| t.trim().to_owned());
                }
                (Ns::Wsse, "Password") => {
                    self.once(&mut has_password, "Password");
                    let kind = reader.attribute(Ns::None, "Type");
                    match kind.as_deref().map(str::trim_ascii) {
                        None | Some(PASSWORD_TEXT) => {}
                        Some(PASSWORD_DIGEST) => self.refuse(malformed(Why::PasswordDigest)),
                        Some(_) => {
                            is_understood = false;
                            self.refuse(malformed(Why::PasswordType));
                        }
                    }
                    let text = reader.text("Password", MAX_PASSWORD)?;
                    password = text.map(|t| Secret::from(t.as_ref()));
                }
                (Ns::Wsse, "Nonce") => {
                    self.once(&mut has_nonce, "Nonce");
                    reader.skip()?;
                }
                (Ns::Wsu, "Created") => {
                    self.once(&mut has_created, "Created");
                    self.created(reader)?;
                }
                _ => {
                    is_understood = false;
                    reader.skip()?;
                }
            }
        }
        self.token = name.zip(password);
        Ok(is_understood && self.token.is_some())
    }
}

/// Whether the entry just started is for this gateway, which is an ultimate receiver and next to its client (SOAP 1.1
/// §4.2.2, SOAP 1.2 part 1 §2.2).
fn is_for_us(reader: &XmlReader<'_>, version: Version) -> bool {
    let (attribute, ours): (_, &[&str]) = match version {
        Version::Soap11 => ("actor", &["", "http://schemas.xmlsoap.org/soap/actor/next"]),
        Version::Soap12 => (
            "role",
            &[
                "",
                "http://www.w3.org/2003/05/soap-envelope/role/next",
                "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
            ],
        ),
    };
    reader
        .attribute(version.ns(), attribute)
        .is_none_or(|role| ours.contains(&role.trim_ascii()))
}

/// The expanded name of an entry, `{namespace}local`, cut where it is longer than anybody reads.
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

/// The namespace and the local part of an expanded name; none of one that was cut, or that an attribute cannot carry.
pub(super) fn expanded_parts(name: &str) -> Option<(&str, &str)> {
    if name.ends_with('…') || name.contains(['\t', '\n', '\r']) {
        return None;
    }
    match name.strip_prefix('{') {
        Some(rest) => rest.rsplit_once('}'),
        None => Some(("", name)),
    }
}
