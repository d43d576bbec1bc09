//! XML in and out: a pull reader that refuses what SPEC §4 forbids while it decodes, and a writer into one buffer.

use std::borrow::Cow;
use std::io::Write as _;

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use super::NAMESPACE;
use super::messages::Why;
use super::rejection::{Problems, Rejection, malformed};
use super::shape::Field;

/// What one document may hold. Each limit has a setting of the same name under `xml.`.
#[derive(Debug, Clone, Copy)]
pub struct XmlLimits {
    /// Levels of nesting.
    pub depth: usize,
    /// Elements in the document.
    pub elements: usize,
    /// Attributes of one element, namespace declarations included; and namespaces declared at a time.
    pub attributes: usize,
    /// Bytes of one text, as it was sent.
    pub text_bytes: usize,
}

/// SOAP 1.1's envelope namespace.
pub const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// SOAP 1.2's envelope namespace.
pub const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// Where `xsi:nil` lives.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A piece of the document, after the gate.
#[derive(Debug)]
pub enum Token<'a> {
    Start(BytesStart<'a>),
    End,
    Text(Cow<'a, str>),
    Eof,
}

/// The namespaces that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ns {
    None,
    /// [`NAMESPACE`].
    Ours,
    Soap11,
    Soap12,
    Other,
}

/// Reads one document in one pass. Structural offences end the reading with a rejection; offences
/// of single values are noted in [`XmlReader::problems`] and the reading goes on, so that a client
/// is told all of them at once.
pub struct XmlReader<'a> {
    text: &'a str,
    inner: NsReader<&'a [u8]>,
    limits: XmlLimits,
    depth: usize,
    elements: usize,
    /// The last piece's length as it was sent.
    piece_bytes: usize,
    nil: bool,
    put_back: Option<BytesStart<'a>>,
    /// What is wrong with values, so far.
    pub problems: Problems,
}

impl<'a> XmlReader<'a> {
    /// A reader over a decoded document; byte order mark and XML declaration may be there.
    #[must_use]
    pub fn new(text: &'a str, limits: XmlLimits, refuse_unknown: bool) -> Self {
        let mut inner = NsReader::from_str(text);
        let config = inner.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        config.check_end_names = true;
        inner
            .resolver_mut()
            .set_max_namespace_bindings(limits.attributes);
        Self {
            text,
            inner,
            limits,
            depth: 0,
            elements: 0,
            piece_bytes: 0,
            nil: false,
            put_back: None,
            problems: Problems::none(refuse_unknown),
        }
    }

    /// How deep the reader stands.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the element just started says `xsi:nil="true"`.
    #[must_use]
    pub fn at_nil(&self) -> bool {
        self.nil
    }

    /// The next piece of the document.
    ///
    /// # Errors
    /// What makes the document unreadable, as [`Code::Malformed`].
    pub fn advance(&mut self) -> Result<Token<'a>, Rejection> {
        if let Some(start) = self.put_back.take() {
            return Ok(Token::Start(start));
        }
        loop {
            let before = self.inner.buffer_position();
            let event = self.inner.read_event().map_err(|e| not_well_formed(&e))?;
            // As it goes, so that a document refused at its beginning costs no more than that.
            let piece = self.since(before);
            self.piece_bytes = piece.len();
            if matches!(event, Event::Text(_) | Event::CData(_) | Event::Comment(_)) {
                self.check_text(piece.len())?;
            }
            if !has_only_xml_chars(piece) {
                return Err(malformed(Why::ForbiddenCharacter));
            }
            match event {
                Event::Start(start) => {
                    self.enter(&start)?;
                    return Ok(Token::Start(start));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Event::Text(text) => {
                    let content = text.xml10_content();
                    if text.contains("]]>") {
                        return Err(malformed(Why::NotWellFormed));
                    }
                    return Ok(Token::Text(content));
                }
                Event::CData(text) => {
                    let content = text.xml10_content();
                    if self.depth == 0 {
                        return Err(malformed(Why::TrailingContent));
                    }
                    return Ok(Token::Text(content));
                }
                Event::GeneralRef(reference) => {
                    let c = match reference.resolve_char_ref() {
                        Ok(Some(c)) if is_xml_char(c) => c,
                        Ok(Some(_)) => return Err(malformed(Why::ForbiddenCharacter)),
                        Ok(None) => {
                            predefined(&reference).ok_or_else(|| malformed(Why::UnknownEntity))?
                        }
                        Err(e) => return Err(malformed(Why::ForbiddenCharacter).because(e)),
                    };
                    if self.depth == 0 {
                        return Err(malformed(Why::TrailingContent));
                    }
                    return Ok(Token::Text(Cow::Owned(c.to_string())));
                }
                Event::Comment(_) => {}
                Event::Decl(_) => {
                    if before != 0 {
                        return Err(malformed(Why::NotWellFormed));
                    }
                }
                Event::PI(_) => return Err(malformed(Why::ProcessingInstruction)),
                Event::DocType(_) => return Err(malformed(Why::Doctype)),
                Event::Empty(_) => return Err(malformed(Why::NotWellFormed)),
                Event::Eof => {
                    return if self.depth == 0 {
                        Ok(Token::Eof)
                    } else {
                        Err(malformed(Why::Truncated))
                    };
                }
            }
        }
    }

    /// The document from a position up to where the reader stands.
    fn since(&self, before: u64) -> &'a str {
        let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
        let range = at(before)..at(self.inner.buffer_position());
        // Pieces begin and end at markup, never inside a character.
        self.text.get(range).unwrap_or(self.text)
    }

    fn check_text(&self, bytes: usize) -> Result<(), Rejection> {
        if bytes > self.limits.text_bytes {
            return Err(malformed(Why::TooMuchText(self.limits.text_bytes)));
        }
        Ok(())
    }

    /// The gate at a start tag: depth, counts, attributes, and whether the element is nil.
    fn enter(&mut self, start: &BytesStart<'a>) -> Result<(), Rejection> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth {
            return Err(malformed(Why::TooDeep(self.limits.depth)));
        }
        if self.elements > self.limits.elements {
            return Err(malformed(Why::TooManyElements(self.limits.elements)));
        }
        if !is_name(start.name().into_inner()) {
            return Err(malformed(Why::NotWellFormed));
        }
        self.nil = false;
        if start.attributes_raw().is_empty() {
            return Ok(());
        }
        for (at, attribute) in start.attributes().enumerate() {
            if at >= self.limits.attributes {
                return Err(malformed(Why::TooManyAttributes(self.limits.attributes)));
            }
            let attribute = attribute.map_err(|e| malformed(Why::NotWellFormed).because(e))?;
            let value: &str = attribute.value.as_ref();
            if value.contains('<') || !is_name(attribute.key.into_inner()) {
                return Err(malformed(Why::NotWellFormed));
            }
            if value.len() > self.limits.text_bytes {
                return Err(malformed(Why::TooMuchText(self.limits.text_bytes)));
            }
            if value.contains('&') {
                unescape(value).map_err(|e| malformed(Why::UnknownEntity).because(e))?;
            }
            if attribute.key.local_name().into_inner() == "nil" {
                let (ns, _) = self.inner.resolver().resolve_attribute(attribute.key);
                let ours = matches!(ns, ResolveResult::Bound(n) if n.into_inner() == XSI);
                self.nil |= ours && matches!(value.trim(), "true" | "1");
            }
        }
        Ok(())
    }

    /// The namespace of the element just started.
    ///
    /// # Errors
    /// An undeclared prefix.
    pub fn namespace(&self, start: &BytesStart<'_>) -> Result<Ns, Rejection> {
        match self.inner.resolver().resolve_element(start.name()).0 {
            ResolveResult::Unbound => Ok(Ns::None),
            ResolveResult::Bound(namespace) => Ok(match namespace.into_inner() {
                NAMESPACE => Ns::Ours,
                SOAP11 => Ns::Soap11,
                SOAP12 => Ns::Soap12,
                _ => Ns::Other,
            }),
            ResolveResult::Unknown(prefix) => {
                Err(malformed(Why::NotWellFormed).because(format!("undeclared prefix {prefix:?}")))
            }
        }
    }

    /// The value of an attribute of the element just started, by namespace and local name.
    #[must_use]
    pub fn attribute(&self, start: &BytesStart<'_>, namespace: &str, name: &str) -> Option<String> {
        start.attributes().flatten().find_map(|attribute| {
            let (ns, local) = self.inner.resolver().resolve_attribute(attribute.key);
            let bound = match ns {
                ResolveResult::Bound(n) => n.into_inner() == namespace,
                ResolveResult::Unbound => namespace.is_empty(),
                ResolveResult::Unknown(_) => false,
            };
            (bound && local.into_inner() == name).then(|| attribute.value.trim().to_owned())
        })
    }

    /// The namespace name of the element just started, for headers of other vocabularies.
    #[must_use]
    pub fn namespace_name(&self, start: &BytesStart<'_>) -> Option<String> {
        match self.inner.resolver().resolve_element(start.name()).0 {
            ResolveResult::Bound(namespace) => Some(namespace.into_inner().to_owned()),
            _ => None,
        }
    }

    /// The next start or end tag, past blanks.
    ///
    /// # Errors
    /// Text where only elements may stand.
    pub fn tag(&mut self) -> Result<Token<'a>, Rejection> {
        loop {
            match self.advance()? {
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => return Err(malformed(Why::WrongContent)),
                token => return Ok(token),
            }
        }
    }

    /// Goes to the next child that `fields` knows and tells which it is; `None` at the end of the
    /// element. What is not known is skipped, or noted if the settings say so.
    ///
    /// # Errors
    /// Unreadable input.
    pub fn child(
        &mut self,
        fields: &'static [Field],
    ) -> Result<Option<(usize, &'static Field)>, Rejection> {
        loop {
            match self.advance()? {
                Token::Start(start) => {
                    let namespace = self.namespace(&start)?;
                    let local = start.local_name();
                    let local = local.into_inner();
                    if matches!(namespace, Ns::None | Ns::Ours)
                        && let Some((at, field)) = fields
                            .iter()
                            .enumerate()
                            .find(|(_, f)| f.name == local || f.alias == Some(local))
                    {
                        return Ok(Some((at, field)));
                    }
                    self.problems.note_unknown(local);
                    self.skip()?;
                }
                Token::End => return Ok(None),
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => self.problems.note_content(),
                Token::Eof => return Err(malformed(Why::Truncated)),
            }
        }
    }

    /// The text of the element just started, of at most `max` characters; `None` if it is nil or breaks a
    /// rule, which is noted.
    ///
    /// # Errors
    /// Unreadable input, or a text over the document's limit.
    pub fn text(
        &mut self,
        field: &'static str,
        max: u32,
    ) -> Result<Option<Cow<'a, str>>, Rejection> {
        if self.nil {
            self.skip()?;
            return Ok(None);
        }
        let mut nested = false;
        let text = self.collect(|reader, _| {
            nested = true;
            reader.skip()
        })?;
        if nested {
            self.problems.note(field, Why::WrongContent);
            return Ok(None);
        }
        Ok(self.within(field, max, text))
    }

    /// Passes on a text of at most `max` characters; notes a longer one.
    fn within(&mut self, field: &str, max: u32, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        // Bytes bound characters from above, so most texts are never counted.
        if text.len() > max as usize && text.trim().chars().count() > max as usize {
            self.problems.note(field, Why::TooLong(max));
            return None;
        }
        Some(text)
    }

    /// All text up to the end of the element; children go to `child`.
    fn collect(
        &mut self,
        mut child: impl FnMut(&mut Self, BytesStart<'a>) -> Result<(), Rejection>,
    ) -> Result<Cow<'a, str>, Rejection> {
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        let mut bytes = 0;
        loop {
            match self.advance()? {
                Token::Text(piece) => {
                    // As they were sent: a reference is longer than what it stands for.
                    bytes += self.piece_bytes;
                    self.check_text(bytes)?;
                    if text.is_empty() {
                        text = piece;
                    } else {
                        text.to_mut().push_str(&piece);
                    }
                }
                Token::Start(start) => child(self, start)?,
                Token::End => return Ok(text),
                Token::Eof => return Err(malformed(Why::Truncated)),
            }
        }
    }

    /// The content of a list of texts: its wrapped entries into `entries`, or else its text.
    ///
    /// # Errors
    /// Unreadable input.
    pub fn text_or_entries(
        &mut self,
        field: &'static Field,
        entries: &mut Vec<String>,
    ) -> Result<String, Rejection> {
        let text = self.collect(|reader, _| {
            if let Some(text) = reader.text(field.name, field.max)? {
                entries.push(text.into_owned());
            }
            Ok(())
        })?;
        Ok(self
            .within(field.name, field.max, text)
            .map_or_else(String::new, Cow::into_owned))
    }

    /// Reads a list of structures: wrapped entries, or one entry standing in the element itself.
    ///
    /// # Errors
    /// Unreadable input.
    pub fn entries(
        &mut self,
        field: &'static Field,
        mut entry: impl FnMut(&mut Self) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        loop {
            match self.advance()? {
                Token::Start(start) => {
                    if start.local_name().into_inner() == field.item {
                        entry(self)?;
                    } else {
                        self.put_back = Some(start);
                        return entry(self);
                    }
                }
                Token::End => return Ok(()),
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => self.problems.note(field.name, Why::WrongContent),
                Token::Eof => return Err(malformed(Why::Truncated)),
            }
        }
    }

    /// Passes over the rest of the element just started.
    ///
    /// # Errors
    /// Unreadable input.
    pub fn skip(&mut self) -> Result<(), Rejection> {
        let outside = self.depth.saturating_sub(1);
        loop {
            match self.advance()? {
                Token::End if self.depth == outside => return Ok(()),
                Token::Eof => return Err(malformed(Why::Truncated)),
                Token::Start(start) => {
                    self.namespace(&start)?;
                }
                Token::End | Token::Text(_) => {}
            }
        }
    }
}

fn not_well_formed(error: &quick_xml::Error) -> Rejection {
    use quick_xml::errors::SyntaxError;
    use quick_xml::name::NamespaceError;
    let why = match error {
        quick_xml::Error::Namespace(NamespaceError::TooManyBindings(most)) => {
            Why::TooManyNamespaces(*most)
        }
        quick_xml::Error::Syntax(
            SyntaxError::UnclosedTag
            | SyntaxError::UnclosedSingleQuotedAttributeValue
            | SyntaxError::UnclosedDoubleQuotedAttributeValue
            | SyntaxError::UnclosedComment
            | SyntaxError::UnclosedCData,
        ) => Why::Truncated,
        quick_xml::Error::Syntax(SyntaxError::UnclosedDoctype) => Why::Doctype,
        quick_xml::Error::Syntax(SyntaxError::UnclosedPI) => Why::ProcessingInstruction,
        _ => Why::NotWellFormed,
    };
    malformed(why).because(error)
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Whether a tag or attribute name starts as names do; quick-xml takes anything.
fn is_name(name: &str) -> bool {
    let part = |p: &str| {
        p.chars()
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_' || !c.is_ascii())
    };
    match name.split_once(':') {
        Some((prefix, local)) => part(prefix) && part(local) && !local.contains(':'),
        None => part(name),
    }
}

/// Whether XML 1.0 allows the character.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether a piece of a document holds only characters XML 1.0 allows.
fn has_only_xml_chars(text: &str) -> bool {
    let mut rare = false;
    for &byte in text.as_bytes() {
        if byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') {
            return false;
        }
        rare |= byte == 0xEF;
    }
    // U+FFFE and U+FFFF, whose first byte is that, are the only others a Rust string can hold.
    !rare || !text.contains(['\u{FFFE}', '\u{FFFF}'])
}

/// Writes elements into one buffer.
#[derive(Debug, Default)]
pub struct XmlWriter {
    buffer: Vec<u8>,
}

impl XmlWriter {
    /// A writer with room for an ordinary answer.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buffer: Vec::with_capacity(1024),
        }
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.buffer
    }

    /// Markup as it stands; for constants only.
    pub fn raw(&mut self, markup: &str) {
        self.buffer.extend_from_slice(markup.as_bytes());
    }

    /// `<name>`
    pub fn open(&mut self, name: &str) {
        self.buffer.push(b'<');
        self.raw(name);
        self.buffer.push(b'>');
    }

    /// `</name>`
    pub fn close(&mut self, name: &str) {
        self.raw("</");
        self.raw(name);
        self.buffer.push(b'>');
    }

    /// `<name/>`
    pub fn empty(&mut self, name: &str) {
        self.buffer.push(b'<');
        self.raw(name);
        self.raw("/>");
    }

    /// `<name>text</name>`, escaped.
    pub fn text(&mut self, name: &str, text: &str) {
        self.open(name);
        self.escaped(text);
        self.close(name);
    }

    /// `<name>number</name>`
    pub fn number(&mut self, name: &str, number: i64) {
        self.open(name);
        // Writing into a vector cannot fail.
        let _ = write!(self.buffer, "{number}");
        self.close(name);
    }

    /// Text with what is special in content and attributes escaped, and with U+FFFD for what XML
    /// cannot carry.
    pub fn escaped(&mut self, text: &str) {
        let mut from = 0;
        for (at, c) in text.char_indices() {
            let replacement = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\r' => "&#13;",
                '\t' | '\n' | '\u{20}'..='\u{D7FF}' => continue,
                c if is_xml_char(c) => continue,
                _ => "\u{FFFD}",
            };
            self.raw(&text[from..at]);
            self.raw(replacement);
            from = at + c.len_utf8();
        }
        self.raw(&text[from..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_xml_cannot_carry() {
        let mut out = XmlWriter::new();
        out.text("name", "a<b>&\"c\"\r\u{1}é");
        assert_eq!(
            String::from_utf8(out.finish()).unwrap(),
            "<name>a&lt;b&gt;&amp;&quot;c&quot;&#13;\u{FFFD}é</name>"
        );
    }
}
