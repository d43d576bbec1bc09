//! Path templates such as `/users/{userName}`.

use super::parameters::decode;

/// The fields of a path and their decoded texts, if the path matches the template. A field is one segment, which may be
/// empty.
#[must_use]
pub fn captures(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    if !may_match(template, path) {
        return None;
    }
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    let mut captured = Vec::new();
    loop {
        match (template.next(), path.next()) {
            (None, None) => return Some(captured),
            (Some(expected), Some(segment)) => {
                let field = expected.strip_prefix('{').and_then(|e| e.strip_suffix('}'));
                match field {
                    Some(field) => captured.push((field, decode(segment))),
                    None if expected == segment => {}
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

/// Whether the path is equal to the template up to the template's first field or its end. The function compares bytes,
/// because most requests are compared with many templates before one matches.
fn may_match(template: &str, path: &str) -> bool {
    let mut path = path.bytes();
    for expected in template.bytes() {
        if expected == b'{' {
            return true;
        }
        if path.next() != Some(expected) {
            return false;
        }
    }
    path.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_segment_by_segment_and_decodes_fields() {
        let template = "/a/{x}/b/{y}";
        assert_eq!(
            captures(template, "/a/1%2F2%20%C3%A9%2B%25/b/+"),
            Some(vec![("x", "1/2 é+%".to_owned()), ("y", "+".to_owned())])
        );
        let broken = captures(template, "/a/%FF/b/2").unwrap();
        assert_eq!(broken.first(), Some(&("x", "\u{FFFD}".to_owned())));
        for other in ["/a/1/b", "/a/1/b/2/3", "/a/1/c/2", "a/1/b/2"] {
            assert_eq!(captures(template, other), None, "{other}");
        }
    }
}
