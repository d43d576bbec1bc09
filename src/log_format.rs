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

/// The usual length of a span's object, in bytes.
const USUAL_LENGTH: usize = 160;

/// Appends fields as members to a JSON object that is open.
struct Members<'a>(&'a mut String);

impl Visit for Members<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let object = &mut *self.0;
        if !object.ends_with('{') {
            object.push(',');
        }
        object.push('"');
        object.push_str(field.name());
        object.push_str("\":");
        let needs_escape = |b: u8| b < b' ' || matches!(b, b'"' | b'\\');
        if value.bytes().any(needs_escape) {
            object.push_str(&serde_json::to_string(value).unwrap_or_default());
        } else {
            object.push('"');
            object.push_str(value);
            object.push('"');
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'w>, fields: R) -> fmt::Result {
        // The writer has no buffer of a known size, so it gets the object in one piece.
        let mut object = String::with_capacity(USUAL_LENGTH);
        object.push('{');
        fields.record(&mut Members(&mut object));
        object.push('}');
        out.write_str(&object)
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let object = &mut current.fields;
        if object.pop().is_none() {
            object.push('{');
        }
        fields.record(&mut Members(object));
        object.push('}');
        Ok(())
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
    fn prints_initial_and_later_fields_as_one_object() {
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
