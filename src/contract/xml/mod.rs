//! XML: a pull reader that refuses everything that SPEC §4 forbids, and a writer.
//!
//! quick-xml splits the document into markup and text and matches end tags with start tags. It accepts many documents
//! that are not well-formed, so this module checks every piece against the grammar.

mod chars;
mod namespaces;
mod start_tag;
mod tree;
mod writer;

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::field::Field;
use super::problem::{Problems, Why};
use super::rejection::{Rejection, malformed};
use chars::{has_only_xml_chars, is_blank, is_declaration, normalized, referred};
use namespaces::Namespaces;
pub use namespaces::{Ns, SOAP11, SOAP12};
pub use start_tag::Tag;
use start_tag::{Attribute, TagLimits};
pub use tree::{Attribute as NodeAttribute, Node, parse_tree};
pub use writer::XmlWriter;

/// Limits of one document. Each has a setting of the same name under `xml.`.
#[derive(Debug, Clone, Copy)]
pub struct XmlLimits {
    /// Levels of nesting.
    pub depth: usize,
    /// Elements in the document.
    pub elements: usize,
    /// Attributes of one element, including namespace declarations; also the namespace declarations in scope.
    pub attributes: usize,
    /// Bytes of one text, as it was sent.
    pub text_bytes: usize,
}

/// A checked piece of the document.
#[derive(Debug)]
pub enum Token<'a> {
    Start(Tag<'a>),
    End,
    Text(Cow<'a, str>),
    Eof,
}

/// The result of reading a value. The error is the refusal of an unreadable document.
pub type ReadResult = Result<(), Rejection>;

/// Reads one document in one pass. Structural errors end the reading with a rejection. Errors of single values are
/// noted in [`XmlReader::problems`] and reading continues, so that a client learns all of them at once.
pub struct XmlReader<'a> {
    text: &'a str,
    inner: Reader<&'a [u8]>,
    limits: XmlLimits,
    namespaces: Namespaces<'a>,
    /// The attributes of the current element.
    attributes: Vec<Attribute<'a>>,
    depth: usize,
    elements: usize,
    /// The length of the last piece in bytes, before references were resolved.
    piece_bytes: usize,
    /// Whether the document holds only characters that XML allows. If not, each piece is checked when it is reached,
    /// so that the reader reports the first error of the document.
    has_only_xml_chars: bool,
    nil: bool,
    put_back: Option<Tag<'a>>,
    /// The problems of values that were found so far.
    pub problems: Problems,
}

impl<'a> XmlReader<'a> {
    /// A reader of a decoded document without byte order mark. The document may have an XML declaration.
    #[must_use]
    pub fn new(text: &'a str, limits: XmlLimits, refuse_unknown: bool) -> Self {
        let mut inner = Reader::from_str(text);
        let config = inner.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Self {
            text,
            inner,
            limits,
            namespaces: Namespaces::new(),
            attributes: Vec::new(),
            depth: 0,
            elements: 0,
            piece_bytes: 0,
            has_only_xml_chars: has_only_xml_chars(text),
            nil: false,
            put_back: None,
            problems: Problems::none(refuse_unknown),
        }
    }

    /// The nesting depth of the element that the reader is in.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the current element has `xsi:nil="true"`.
    #[must_use]
    pub fn at_nil(&self) -> bool {
        self.nil
    }

    /// The next piece of the document.
    ///
    /// # Errors
    /// [`Code::Malformed`] for an unreadable document.
    ///
    /// [`Code::Malformed`]: super::problem::Code::Malformed
    pub fn advance(&mut self) -> Result<Token<'a>, Rejection> {
        if let Some(start) = self.put_back.take() {
            return Ok(Token::Start(start));
        }
        loop {
            let before = self.inner.buffer_position();
            // The caller has removed the byte order mark. A second one is content, which quick-xml would skip.
            if before == 0 && self.text.starts_with('\u{FEFF}') {
                return Err(malformed(Why::WrongContent));
            }
            let event = self.inner.read_event().map_err(|e| not_well_formed(&e))?;
            let piece = self.since(before);
            self.piece_bytes = piece.len();
            if matches!(event, Event::Text(_) | Event::CData(_) | Event::Comment(_)) {
                self.check_text(piece.len())?;
            }
            if !self.has_only_xml_chars && !has_only_xml_chars(piece) {
                return Err(malformed(Why::ForbiddenCharacter));
            }
            match event {
                Event::Start(_) => return self.enter(piece).map(Token::Start),
                Event::End(_) => {
                    self.namespaces.leave(self.depth);
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Event::Text(_) if self.depth == 0 && is_blank(piece) => {}
                Event::Text(text) => {
                    if piece.as_bytes().contains(&b'>') && piece.contains("]]>") {
                        return Err(malformed(Why::NotWellFormed));
                    }
                    self.check_inside()?;
                    return Ok(Token::Text(text.xml10_content()));
                }
                Event::CData(text) => {
                    self.check_inside()?;
                    return Ok(Token::Text(text.xml10_content()));
                }
                Event::GeneralRef(reference) => {
                    let c = referred(&reference).map_err(malformed)?;
                    self.check_inside()?;
                    return Ok(Token::Text(Cow::Owned(c.to_string())));
                }
                Event::Comment(_) => {
                    let body = piece.strip_prefix("<!--").unwrap_or(piece);
                    let body = body.strip_suffix("-->").unwrap_or(body);
                    if body.contains("--") || body.ends_with('-') {
                        return Err(malformed(Why::NotWellFormed));
                    }
                }
                Event::Decl(_) => {
                    if before != 0 || !is_declaration(piece) {
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

    /// The part of the document from `before` to the current position.
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

    /// Refuses content outside the root element.
    fn check_inside(&self) -> Result<(), Rejection> {
        match (self.depth, self.elements) {
            (0, 0) => Err(malformed(Why::WrongContent)),
            (0, _) => Err(malformed(Why::TrailingContent)),
            _ => Ok(()),
        }
    }

    /// Checks a start tag: depth, counts and attributes, and whether the element is nil.
    fn enter(&mut self, markup: &'a str) -> Result<Tag<'a>, Rejection> {
        if self.depth == 0 && self.elements > 0 {
            return Err(malformed(Why::TrailingContent));
        }
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth {
            return Err(malformed(Why::TooDeep(self.limits.depth)));
        }
        if self.elements > self.limits.elements {
            return Err(malformed(Why::TooManyElements(self.limits.elements)));
        }
        let limits = TagLimits {
            attributes: self.limits.attributes,
            value_bytes: self.limits.text_bytes,
        };
        let (names, attributes) = (&mut self.namespaces, &mut self.attributes);
        let tag = start_tag::read(markup, self.depth, limits, names, attributes);
        let tag = tag.map_err(malformed)?;
        self.nil = self
            .attribute(Ns::Xsi, "nil")
            .is_some_and(|value| matches!(value.trim(), "true" | "1"));
        Ok(tag)
    }

    /// The value of an attribute of the current element, by namespace and local name; references are resolved.
    #[must_use]
    pub fn attribute(&self, ns: Ns, local: &str) -> Option<Cow<'a, str>> {
        self.attributes
            .iter()
            .find(|a| {
                let is_bound = a.bound.is_some() || a.prefix.is_empty();
                a.local == local && is_bound && self.namespaces.ns(a.bound) == ns
            })
            .map(|a| normalized(a.raw))
    }

    /// The namespace name of an element while the reader is inside it; empty if it has none.
    #[must_use]
    pub fn namespace_name(&self, tag: &Tag<'a>) -> &str {
        self.namespaces.name(tag.bound)
    }

    /// The next start or end tag; blanks before it are skipped.
    ///
    /// # Errors
    /// Text where only elements are allowed.
    pub fn tag(&mut self) -> Result<Token<'a>, Rejection> {
        loop {
            match self.advance()? {
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => return Err(malformed(Why::WrongContent)),
                token => return Ok(token),
            }
        }
    }

    /// Moves to the next child element that is in `fields` and returns its position; `None` at the end of the element.
    /// Unknown elements are skipped; they are noted if the settings refuse them.
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
                    let local = start.local;
                    if matches!(start.ns, Ns::None | Ns::Ours)
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

    /// The text of the current element, of at most `max` characters; `None` if the element is nil, or if its
    /// content is invalid, which is noted.
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

    /// Returns a text of at most `max` characters; notes a longer text as a problem.
    fn within(&mut self, field: &str, max: u32, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        // A text has no more characters than bytes, so most texts need not be counted.
        if text.len() > max as usize && text.trim().chars().count() > max as usize {
            self.problems.note(field, Why::TooLong(max));
            return None;
        }
        Some(text)
    }

    /// All text up to the end of the element; `child` reads the child elements.
    fn collect(
        &mut self,
        mut child: impl FnMut(&mut Self, Tag<'a>) -> Result<(), Rejection>,
    ) -> Result<Cow<'a, str>, Rejection> {
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        let mut bytes = 0;
        loop {
            match self.advance()? {
                Token::Text(piece) => {
                    // Count bytes as sent: a reference is longer than its character.
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

    /// Reads a list of texts. Adds the wrapped entries to `entries`, and returns the text of the element itself.
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

    /// Reads a list of structures: wrapped entries, or one entry in the element itself.
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
                    if start.local == field.item {
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

    /// Skips the rest of the current element.
    ///
    /// # Errors
    /// Unreadable input.
    pub fn skip(&mut self) -> Result<(), Rejection> {
        let outside = self.depth.saturating_sub(1);
        loop {
            match self.advance()? {
                Token::End if self.depth == outside => return Ok(()),
                Token::Eof => return Err(malformed(Why::Truncated)),
                Token::Start(_) | Token::End | Token::Text(_) => {}
            }
        }
    }
}

/// Reads a document to its end to check that it is well-formed and within the limits.
///
/// # Errors
/// The first violation.
pub fn check(text: &str, limits: XmlLimits) -> Result<(), Rejection> {
    let mut reader = XmlReader::new(text, limits, false);
    loop {
        match reader.advance()? {
            Token::Eof if reader.elements == 0 => return Err(malformed(Why::Truncated)),
            Token::Eof => return Ok(()),
            Token::Start(_) | Token::End | Token::Text(_) => {}
        }
    }
}

fn not_well_formed(error: &quick_xml::Error) -> Rejection {
    use quick_xml::errors::SyntaxError;
    let why = match error {
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
