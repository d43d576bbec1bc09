//! Examples: the conversations in `examples/wire/`, which tests compare with the answers word for word.

use minijinja::{Value, context};

use crate::operations::Operation;

/// Every conversation: the name of its operation or its topic, and its text. The build script lists them.
pub const CONVERSATIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/conversations.rs"));

/// The prefix of the REST resources' paths in the conversations.
const PREFIX: &str = "/hammy/json/user/v1";

/// A request and its answer: the first line and the headers, an empty line, and the body.
#[derive(Debug, Default)]
struct Exchange {
    /// A remark about the exchange.
    remark: String,
    request: String,
    answer: String,
}

/// The exchanges of the conversation of this name, laid out for reading.
pub(super) fn conversation(name: &str) -> Vec<Value> {
    exchanges(name).iter().map(laid_out).collect()
}

/// The exchanges of an operation's conversation that call the operation, laid out for reading.
pub(super) fn of(operation: &Operation) -> Vec<Value> {
    let mut exchanges = exchanges(operation.name);
    exchanges.retain(|exchange| calls(operation, &exchange.request));
    exchanges.iter().map(laid_out).collect()
}

/// The exchanges of a conversation. Its mails are left out.
fn exchanges(name: &str) -> Vec<Exchange> {
    let text = CONVERSATIONS.iter().find(|(n, _)| *n == name);
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut remark = String::new();
    // The mark of the current message: `> ` for a request, `< ` for an answer, empty for a mail. A line without a mark
    // continues this message.
    let mut begun = "";
    for line in text.map_or("", |(_, text)| text).lines() {
        let (mark, words) = line.split_at_checked(2).unwrap_or_default();
        match mark {
            "# " => remark.extend([words, " "]),
            "> " | "< " => {
                if mark == "> " && begun != mark {
                    exchanges.push(Exchange {
                        remark: std::mem::take(&mut remark),
                        ..Exchange::default()
                    });
                }
                begun = if words == "MAIL" { "" } else { mark };
            }
            _ => {}
        }
        let Some(exchange) = exchanges.last_mut().filter(|_| mark != "# ") else {
            continue;
        };
        let message = match begun {
            "> " => &mut exchange.request,
            "< " => &mut exchange.answer,
            _ => continue,
        };
        let text = if mark == begun { words } else { line };
        message.extend([text, "\n"]);
    }
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

/// The exchange as template values. A body of one line is broken into several lines.
fn laid_out(exchange: &Exchange) -> Value {
    context! {
        remark => exchange.remark.trim(),
        request => lines_of(&exchange.request),
        answer => lines_of(&exchange.answer),
    }
}

fn lines_of(message: &str) -> String {
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

/// Puts each tag on a separate line, except the end tag of an element that holds only text.
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

/// Puts each member on a separate line, except in an empty object or list.
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
    fn breaks_one_line_into_a_line_for_each_member_or_tag() {
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
