//! Examples: the conversations in `examples/wire/`, which the tests hold word for word.

use crate::operations::Operation;

/// Every conversation: the operation it is about, or its topic, and its text. The build script lists them.
pub const CONVERSATIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/conversations.rs"));

/// What the paths of the REST resources start with in the conversations.
const PREFIX: &str = "/hammy/json/user/v1";

/// A request and its answer.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// What it shows, in a sentence.
    pub(super) remark: String,
    /// The request line and the headers, then an empty line and the body.
    pub(super) request: String,
    /// The same of the answer, beginning with its status.
    pub(super) answer: String,
}

/// The conversation of this name, without what is not HTTP.
pub(super) fn conversation(name: &str) -> Vec<Exchange> {
    let text = CONVERSATIONS.iter().find(|(n, _)| *n == name);
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut remark = String::new();
    // Where lines without a mark belong: what was begun last.
    let mut in_answer = false;
    let mut is_mail = false;
    for line in text.map_or("", |(_, text)| text).lines() {
        if let Some(words) = line.strip_prefix("# ") {
            remark.push_str(words);
            remark.push(' ');
        } else if let Some(head) = line.strip_prefix("> ") {
            if in_answer || exchanges.is_empty() {
                let remark = std::mem::take(&mut remark);
                exchanges.push(Exchange {
                    remark,
                    ..Exchange::default()
                });
            }
            (in_answer, is_mail) = (false, false);
            append(&mut exchanges, in_answer, head);
        } else if let Some(head) = line.strip_prefix("< ") {
            in_answer = true;
            is_mail = head == "MAIL";
            if !is_mail {
                append(&mut exchanges, in_answer, head);
            }
        } else if !is_mail {
            append(&mut exchanges, in_answer, line);
        }
    }
    exchanges
}

fn append(exchanges: &mut [Exchange], to_answer: bool, line: &str) {
    if let Some(exchange) = exchanges.last_mut() {
        let text = match to_answer {
            true => &mut exchange.answer,
            false => &mut exchange.request,
        };
        text.push_str(line);
        text.push('\n');
    }
}

/// The exchanges of an operation's conversation that call the operation.
pub(super) fn of(operation: &Operation) -> Vec<Exchange> {
    let mut exchanges = conversation(operation.name);
    exchanges.retain(|exchange| calls(operation, &exchange.request));
    exchanges
}

/// Whether a request calls the operation, by its envelope or by its route.
fn calls(operation: &Operation, request: &str) -> bool {
    let line = request.lines().next().unwrap_or("");
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let target = target.split('?').next().unwrap_or("");
    match target.strip_prefix(PREFIX) {
        Some(path) => operation.routes.iter().any(|route| {
            let same = |(wanted, found): (&str, &str)| wanted.starts_with('{') || wanted == found;
            let segments = route.path.split('/').zip(path.split('/'));
            route.method == method
                && route.path.split('/').count() == path.split('/').count()
                && segments.into_iter().all(same)
        }),
        None => request.contains(&format!(":{}>", operation.name)),
    }
}

/// A message with its body broken into lines for reading, where it came on one.
pub(super) fn laid_out(message: &str) -> String {
    let message = message.trim_end();
    let Some((head, body)) = message.split_once("\n\n") else {
        return message.to_owned();
    };
    let body = match body.chars().next() {
        Some('{') if !body.contains('\n') => json_lines(body),
        Some('<') if body.lines().count() <= 2 => xml_lines(body),
        _ => body.to_owned(),
    };
    format!("{head}\n\n{}", body.trim())
}

/// A line a tag, but for an element that holds only text.
fn xml_lines(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut opened = false;
    for piece in text.split('<').skip(1) {
        let piece = piece.trim_end();
        let closes = piece.starts_with('/');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if !(closes && opened) {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
        out.push('<');
        out.push_str(piece);
        opened = !closes && !piece.ends_with("/>") && !piece.starts_with('?');
        depth += usize::from(opened);
    }
    out
}

/// A line a member, but for what is empty.
fn json_lines(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let (mut in_text, mut escaped) = (false, false);
    let mut before = ' ';
    for c in text.chars() {
        let starts_line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        };
        if in_text {
            in_text = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            out.push(c);
        } else {
            let closes = matches!(c, '}' | ']');
            let was_opened = matches!(before, '{' | '[');
            if closes {
                depth = depth.saturating_sub(1);
            }
            if was_opened != closes || before == ',' {
                starts_line(&mut out, depth);
            }
            depth += usize::from(matches!(c, '{' | '['));
            in_text = c == '"';
            out.push(c);
            if c == ':' {
                out.push(' ');
            }
        }
        before = if in_text { '"' } else { c };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_broken_into_many() {
        assert_eq!(
            json_lines(r#"{"a":[],"b":{"c":"{,\"}","d":[1,{}]}}"#).trim(),
            "{\n  \"a\": [],\n  \"b\": {\n    \"c\": \"{,\\\"}\",\n    \"d\": [\n      1,\n      {}\n    ]\n  }\n}"
        );
        assert_eq!(
            xml_lines("<?xml?>\n<a><b>c</b><d/></a>").trim(),
            "<?xml?>\n<a>\n  <b>c</b>\n  <d/>\n</a>"
        );
    }
}
