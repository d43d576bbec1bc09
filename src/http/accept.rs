//! The `Accept` header: the media types that a client accepts, and their weights (RFC 9110 §12.5.1).

use super::MediaType;

/// The media ranges of a header, each with its weight.
fn ranges(accept: &str) -> impl Iterator<Item = (MediaType<'_>, f32)> {
    accept.split(',').map(|range| {
        let range = MediaType::new(range);
        let weight = match range.parameter("q") {
            None => 1.0,
            Some(weight) => weight.parse().unwrap_or(0.0),
        };
        (range, weight)
    })
}

/// Whether a client accepts a media range for which `is_known` is true. An empty header accepts every media type.
pub fn accepts(accept: &str, is_known: impl Fn(&MediaType<'_>) -> bool) -> bool {
    accept.trim().is_empty()
        || ranges(accept).any(|(range, weight)| weight > 0.0 && is_known(&range))
}

/// The offered media type with the highest weight; the first in the header if several have that weight. `None` if the
/// header names none of them.
#[must_use]
pub fn preferred<'a>(accept: &str, offered: &[&'a str]) -> Option<&'a str> {
    let mut best = (None, 0.0);
    for (range, weight) in ranges(accept) {
        let offer = offered.iter().find(|offer| range.is_one_of(&[offer]));
        if let Some(offer) = offer
            && weight > best.1
        {
            best = (Some(*offer), weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_a_named_media_type_unless_its_weight_is_zero() {
        let json = |range: &MediaType<'_>| range.is_one_of(&["*/*", "application/json"]);
        for (accept, taken) in [
            ("", true),
            (" ", true),
            ("*/*;q=0.1", true),
            ("text/html, application/json", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("application/json;q=x", false),
        ] {
            assert_eq!(accepts(accept, json), taken, "{accept}");
        }
    }

    #[test]
    fn prefers_the_highest_weight_and_then_the_first() {
        let offered = ["application/json", "text/html"];
        for (accept, best) in [
            ("", None),
            ("*/*", None),
            ("application/json", Some("application/json")),
            ("Application/JSON, text/plain", Some("application/json")),
            ("text/html;q=0.9, application/json;q=0.8", Some("text/html")),
            ("application/json, text/html", Some("application/json")),
            ("application/json;q=0", None),
        ] {
            assert_eq!(preferred(accept, &offered), best, "{accept}");
        }
    }
}
