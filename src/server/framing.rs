//! Checks the head of a request for framing that leaves the end of its body ambiguous (RFC 9112 §6.1 and §6.3),
//! before hyper reads it. hyper refuses some of these cases without a response, and accepts the others by its own
//! rules.
//!
//! The head is cut before the first ambiguous line. hyper then reads a complete head, and the request is refused.
//! Bytes that a client sends before the response to its previous request are not checked. That is safe: hyper finds
//! the end of a body as the RFC demands, so the check only improves the response.

use super::connections::Unframed;

/// The longest line that is held until it is complete.
const LONGEST_LINE: usize = 256;
const ENCODING: &[u8] = b"transfer-encoding:";
const LENGTH: &[u8] = b"content-length:";

/// The decision about the bytes of a head.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All bytes pass.
    Pass,
    /// The bytes from this index on wait for the rest of their line.
    Hold(usize),
    /// The head is cut at this index.
    Cut(usize, Unframed),
}

/// The checked part of a head.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Whether the position is inside a line that needs no check.
    within: bool,
    /// Whether the request line has started.
    begun: bool,
    ended: bool,
    is_http_1_0: bool,
    has_encoding: bool,
    has_length: bool,
}

impl Head {
    /// Checks the next bytes. After [`Verdict::Hold`], the next call must begin with the held bytes.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Verdict {
        let mut from = 0;
        while let Some(rest) = bytes
            .get(from..)
            .filter(|rest| !rest.is_empty() && !self.ended)
        {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                return self.unfinished(from, rest);
            };
            let line = rest.get(..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(unframed) = self.line(line) {
                return Verdict::Cut(from, unframed);
            }
            from += end + 1;
        }
        Verdict::Pass
    }

    /// Handles the start of a line whose end has not arrived.
    fn unfinished(&mut self, from: usize, rest: &[u8]) -> Verdict {
        let may_matter = !self.within && (rest == b"\r" || self.begun && may_be_framing(rest));
        if may_matter && rest.len() <= LONGEST_LINE {
            return Verdict::Hold(from);
        }
        if may_matter && begins(rest, ENCODING) {
            return Verdict::Cut(from, Unframed::Encoded);
        }
        self.within = true;
        self.begun = true;
        Verdict::Pass
    }

    /// Handles a complete line, or the rest of a line whose start has passed.
    fn line(&mut self, line: &[u8]) -> Option<Unframed> {
        if std::mem::take(&mut self.within) {
            return None;
        }
        if !self.begun {
            // Empty lines before a request are allowed.
            self.begun = !line.is_empty();
            self.is_http_1_0 = line.ends_with(b"HTTP/1.0");
            return None;
        }
        if line.is_empty() {
            self.ended = true;
        } else if begins(line, ENCODING) {
            let coding = line.get(ENCODING.len()..).unwrap_or_default();
            let is_chunked = coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
            if !is_chunked || self.has_encoding || self.is_http_1_0 {
                return Some(Unframed::Encoded);
            }
            self.has_encoding = true;
        } else if begins(line, LENGTH) {
            self.has_length = true;
        }
        (self.has_encoding && self.has_length).then_some(Unframed::Twice)
    }
}

fn begins(line: &[u8], with: &[u8]) -> bool {
    line.get(..with.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// Whether `start` can be the start of a header line that decides the framing.
fn may_be_framing(start: &[u8]) -> bool {
    [ENCODING, LENGTH].into_iter().any(|name| {
        let common = start.len().min(name.len());
        begins(start, name.get(..common).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a head that arrives in these pieces. Returns the bytes that pass and the reason for the cut.
    fn passed(pieces: &[&str]) -> (String, Option<Unframed>) {
        let (mut head, mut held, mut passed) = (Head::default(), String::new(), String::new());
        for piece in pieces {
            let bytes = format!("{held}{piece}");
            held.clear();
            match head.look(bytes.as_bytes()) {
                Verdict::Pass => passed += &bytes,
                Verdict::Hold(from) => {
                    passed += &bytes[..from];
                    held = bytes[from..].to_owned();
                }
                Verdict::Cut(from, why) => return (passed + &bytes[..from], Some(why)),
            }
        }
        assert_eq!(held, "");
        (passed, None)
    }

    #[test]
    fn passes_a_valid_head_in_pieces_of_any_size() {
        let head = "\r\nPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\nX: y\nT: u\r\n\r\n\
                    Transfer-Encoding: gzip\r\nContent-Length: 9\r\n";
        for at in 0..head.len() {
            let (first, rest) = head.split_at(at);
            assert_eq!(passed(&[first, rest]), (head.to_owned(), None), "{at}");
        }
        let bytes: Vec<_> = (0..head.len()).map(|at| &head[at..=at]).collect();
        assert_eq!(passed(&bytes), (head.to_owned(), None));
    }

    #[test]
    fn cuts_a_head_before_a_forbidden_line() {
        for (version, line, before, why) in [
            ("1.1", "Transfer-Encoding: gzip", "", Unframed::Encoded),
            (
                "1.1",
                "TRANSFER-ENCODING:gzip, chunked",
                "",
                Unframed::Encoded,
            ),
            ("1.0", "Transfer-Encoding: chunked", "", Unframed::Encoded),
            (
                "1.1",
                "Transfer-Encoding: chunked",
                "Content-Length: 5\n",
                Unframed::Twice,
            ),
            (
                "1.1",
                "Content-Length: 5",
                "Transfer-Encoding: chunked\r\n",
                Unframed::Twice,
            ),
            (
                "1.1",
                "Transfer-Encoding: chunked",
                "Transfer-Encoding: chunked\r\n",
                Unframed::Encoded,
            ),
        ] {
            let before = format!("POST / HTTP/{version}\r\nHost: a\r\n{before}");
            let head = format!("{before}{line}\r\nX: y\r\n\r\n");
            assert_eq!(passed(&[&head]), (before.clone(), Some(why)), "{line}");
            for at in before.len()..head.len() {
                let (first, rest) = head.split_at(at);
                assert_eq!(
                    passed(&[first, rest]),
                    (before.clone(), Some(why)),
                    "{line} {at}"
                );
            }
        }
    }

    #[test]
    fn holds_a_line_up_to_its_maximum_length() {
        let start = "POST / HTTP/1.1\r\n";
        let long = format!("{start}Transfer-Encoding: {}", " ".repeat(LONGEST_LINE));
        assert_eq!(
            passed(&[&long]),
            (start.to_owned(), Some(Unframed::Encoded))
        );
        let long = format!("{start}Content-Length: {}", "0".repeat(LONGEST_LINE));
        assert_eq!(passed(&[&long]), (long.clone(), None));
    }
}
