//! Writes JSON into one buffer, without building a tree first.

use serde::Serialize;

/// Writes one JSON value into a buffer. The writer adds the commas.
#[derive(Debug, Default)]
pub struct JsonWriter {
    buffer: Vec<u8>,
    writes_null: bool,
}

impl JsonWriter {
    /// A writer that omits members without a value. Its buffer has the size of an ordinary answer.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buffer: Vec::with_capacity(1024),
            writes_null: false,
        }
    }

    /// A writer that writes members without a value as `null`.
    #[must_use]
    pub fn with_nulls() -> Self {
        Self {
            writes_null: true,
            ..Self::new()
        }
    }

    /// Whether a member without a value is written as `null`.
    #[must_use]
    pub const fn writes_null(&self) -> bool {
        self.writes_null
    }

    /// The bytes written so far.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.buffer
    }

    /// Writes an object; `members` writes its members.
    pub fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.separate();
        self.buffer.push(b'{');
        members(self);
        self.buffer.push(b'}');
    }

    /// Writes a list; `entries` writes its entries.
    pub fn list(&mut self, entries: impl FnOnce(&mut Self)) {
        self.separate();
        self.buffer.push(b'[');
        entries(self);
        self.buffer.push(b']');
    }

    /// Writes the name of a member; its value follows. The contract's names need no escapes.
    pub fn name(&mut self, name: &str) {
        debug_assert!(!name.bytes().any(|b| b < b' ' || matches!(b, b'"' | b'\\')));
        self.separate();
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b"\":");
    }

    /// Writes a text, a number or anything else that Serde can write.
    pub fn scalar<T: Serialize + ?Sized>(&mut self, value: &T) {
        self.separate();
        // Writing a text or a number into a vector cannot fail.
        let _ = serde_json::to_writer(&mut self.buffer, value);
    }

    /// Writes a member whose value Serde can write.
    pub fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.name(name);
        self.scalar(value);
    }

    /// Writes a comma, except at the start of an object or a list and after the name of a member. The buffer ends
    /// with `{`, `[` or `:` only at these positions, because a text ends with a quotation mark.
    fn separate(&mut self) {
        if !matches!(self.buffer.last(), None | Some(b'{' | b'[' | b':')) {
            self.buffer.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::JsonWriter;

    #[test]
    fn separates_members_and_entries_by_commas() {
        let mut out = JsonWriter::new();
        out.object(|out| {
            out.member("a{", "x[:\"\u{1}é");
            out.name("b");
            out.list(|out| {
                out.list(|_| {});
                out.scalar(&-1);
                out.object(|_| {});
                out.scalar(&true);
            });
            out.member("c", &None::<i32>);
        });
        assert_eq!(
            String::from_utf8(out.finish()).unwrap(),
            r#"{"a{":"x[:\"\u0001é","b":[[],-1,{},true],"c":null}"#
        );
    }
}
