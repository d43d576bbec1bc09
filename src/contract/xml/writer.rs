//! Writes XML into one buffer.

use std::io::Write as _;

use super::chars::is_xml_char;

/// Writes elements into one buffer.
#[derive(Debug, Default)]
pub struct XmlWriter {
    buffer: Vec<u8>,
    omitted: &'static [&'static str],
}

/// Whether every character that begins with this byte can be copied: XML allows the character, and it needs no escape.
/// The byte 0xEF is excluded, because U+FFFE and U+FFFF begin with it.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x20..=0xEE | 0xF0..)
        && !matches!(byte, b'&' | b'<' | b'>' | b'"')
}

impl XmlWriter {
    /// A writer whose buffer has the size of an ordinary answer.
    #[must_use]
    pub fn new() -> Self {
        Self::omitting(&[])
    }

    /// A writer that omits the fields of these names in every shape.
    #[must_use]
    pub fn omitting(fields: &'static [&'static str]) -> Self {
        Self {
            buffer: Vec::with_capacity(1024),
            omitted: fields,
        }
    }

    /// Whether a field of this name is omitted.
    #[must_use]
    pub fn omits(&self, field: &str) -> bool {
        self.omitted.contains(&field)
    }

    /// The bytes written so far.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.buffer
    }

    /// Writes markup unescaped; for constants only.
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

    /// Writes text with special characters escaped, and U+FFFD for characters that XML does not allow.
    pub fn escaped(&mut self, text: &str) {
        // Most texts have nothing to escape.
        if text.bytes().all(is_plain) {
            return self.raw(text);
        }
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
    fn escapes_special_and_forbidden_characters() {
        let mut out = XmlWriter::new();
        out.text("name", "a<b>&\"c\"\r\u{1}é");
        assert_eq!(
            String::from_utf8(out.finish()).unwrap(),
            "<name>a&lt;b&gt;&amp;&quot;c&quot;&#13;\u{FFFD}é</name>"
        );
    }

    #[test]
    fn copies_or_escapes_each_character_whatever_its_bytes() {
        let below = (0..=u32::from(u16::MAX)).chain([0x1_0000, 0x1_F600, 0x10_FFFF]);
        for c in below.filter_map(char::from_u32) {
            let mut out = XmlWriter::new();
            out.escaped(&c.to_string());
            let written = String::from_utf8(out.finish()).unwrap();
            let expected = match c {
                '&' => "&amp;".to_owned(),
                '<' => "&lt;".to_owned(),
                '>' => "&gt;".to_owned(),
                '"' => "&quot;".to_owned(),
                '\r' => "&#13;".to_owned(),
                c if is_xml_char(c) => c.to_string(),
                _ => "\u{FFFD}".to_owned(),
            };
            assert_eq!(written, expected, "{c:?}");
        }
    }
}
