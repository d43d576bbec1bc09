//! The fields of spans in JSON log lines.
//!
//! [`JsonFields`](tracing_subscriber::fmt::format::JsonFields) parses and prints the object of a span again whenever a
//! field is recorded, which costs a tenth of the throughput. [`SpanFields`] appends to the object.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};

/// Formats the fields of a span as a JSON object. A field must be recorded at most once.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanFields;

/// Writes fields as members of a JSON object that is open.
struct Members<'a, 'w> {
    out: &'a mut Writer<'w>,
    is_first: bool,
    result: fmt::Result,
}

impl Members<'_, '_> {
    fn member(&mut self, name: &str, text: &str) {
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        let written = self.write(&[comma, "\"", name, "\":"]);
        self.result = self.result.and(written).and_then(|()| {
            let is_plain = |b: u8| b >= b' ' && !matches!(b, b'"' | b'\\');
            match text.bytes().all(is_plain) {
                true => self.write(&["\"", text, "\""]),
                false => self.write(&[&serde_json::to_string(text).unwrap_or_default()]),
            }
        });
    }

    fn write(&mut self, parts: &[&str]) -> fmt::Result {
        parts.iter().try_for_each(|part| self.out.write_str(part))
    }
}

impl Visit for Members<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), &format!("{value:?}"));
    }
}

fn write_members(out: &mut Writer<'_>, is_first: bool, fields: impl RecordFields) -> fmt::Result {
    let mut members = Members {
        out,
        is_first,
        result: Ok(()),
    };
    fields.record(&mut members);
    members.result?;
    out.write_char('}')
}

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'w>, fields: R) -> fmt::Result {
        out.write_char('{')?;
        write_members(&mut out, true, fields)
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        if current.fields.pop().is_none() {
            current.fields.push('{');
        }
        let is_first = current.fields == "{";
        write_members(&mut current.as_writer(), is_first, fields)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::field::Empty;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn prints_fields_of_both_times_as_one_object() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .fmt_fields(SpanFields)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let outer = tracing::info_span!("request", id = "a\"b", face = Empty, count = Empty);
            outer.record("face", "soap");
            outer.record("count", 3);
            let _outer = outer.enter();
            let inner = tracing::info_span!("call", outcome = Empty);
            inner.record("outcome", "ok");
            let _inner = inner.enter();
            tracing::info!("told");
        });
        let text = lines.0.lock().unwrap().clone();
        let line: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let spans = serde_json::json!([
            { "name": "request", "id": "a\"b", "face": "soap", "count": "3" },
            { "name": "call", "outcome": "ok" },
        ]);
        assert_eq!(line["spans"], spans);
        assert_eq!(line["span"], spans[1]);
    }
}
