//! The links of a list to its other pages.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

use crate::http::parameters::decode_form;
use crate::operations::user::find_users::DEFAULT_LIMIT;

/// Links of a page (JSON:API 1.1, Pagination).
#[derive(Debug, Serialize)]
pub(super) struct Links {
    #[serde(rename = "self")]
    this: String,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    last: String,
}

/// The characters that a query must encode (RFC 3986); encoded characters stay encoded.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b']')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The parameters of a page: the gateway's own names, and the names in the family `page`, which JSON:API reserves.
const PLAIN: [&str; 2] = ["limit", "offset"];
const FAMILY: [&str; 2] = ["page[limit]", "page[offset]"];

impl Links {
    /// The links of the page at `target`, in a list of `hits` entries.
    pub(super) fn of(target: &str, hits: i64) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs: Vec<(String, &str)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| (decode_form(pair.split('=').next().unwrap_or("")), pair))
            .collect();
        let number = |at: usize, default: i64| {
            let asked = pairs.iter().rfind(|(name, _)| {
                PLAIN.get(at) == Some(&name.as_str()) || FAMILY.get(at) == Some(&name.as_str())
            });
            let value = asked.and_then(|(_, pair)| pair.split_once('='));
            value
                .and_then(|(_, value)| decode_form(value).trim().parse().ok())
                .unwrap_or(default)
        };
        let (limit, offset): (i64, i64) = (number(0, DEFAULT_LIMIT), number(1, 0));
        let is_page = |name: &str| PLAIN.contains(&name) || FAMILY.contains(&name);
        // The links use the parameter names of the request.
        let family = pairs
            .iter()
            .any(|(name, _)| FAMILY.contains(&name.as_str()));
        let [limit_name, offset_name] = if family {
            ["page%5Blimit%5D", "page%5Boffset%5D"]
        } else {
            PLAIN
        };
        let kept: Vec<String> = pairs
            .iter()
            // Links must not contain the client key, because users share links.
            .filter(|(name, _)| !is_page(name) && name != "clientHashKey")
            .map(|(_, pair)| utf8_percent_encode(pair, NOT_IN_A_QUERY).to_string())
            .collect();
        let at = |offset: i64| {
            let page = [
                format!("{limit_name}={limit}"),
                format!("{offset_name}={offset}"),
            ];
            let pairs: Vec<&str> = kept.iter().chain(&page).map(String::as_str).collect();
            format!("{path}?{}", pairs.join("&"))
        };
        let last = match limit {
            ..=0 => 0,
            limit => (hits - 1).max(0) / limit * limit,
        };
        Links {
            this: at(offset),
            first: at(0),
            prev: (offset > 0).then(|| at((offset - limit).clamp(0, last))),
            next: (limit > 0 && offset + limit < hits).then(|| at(offset + limit)),
            last: at(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_use_the_parameter_names_of_the_request() {
        let links = Links::of(
            "/u?limit=2&offset=2&name=%C3%A9&clientHashKey=x&sort=-name",
            5,
        );
        let kept = "/u?name=%C3%A9&sort=-name";
        assert_eq!(links.this, format!("{kept}&limit=2&offset=2"));
        assert_eq!(links.first, format!("{kept}&limit=2&offset=0"));
        assert_eq!(links.prev, Some(links.first.clone()));
        assert_eq!(links.next, Some(format!("{kept}&limit=2&offset=4")));
        assert_eq!(links.last, format!("{kept}&limit=2&offset=4"));
        let links = Links::of("/u?limit=%32&offset=%31", 5);
        assert_eq!(links.next.as_deref(), Some("/u?limit=2&offset=3"));
        let links = Links::of("/u?page[limit]=2&filter%5Bname%5D=a&filter[email]=b|c", 5);
        let kept = "/u?filter%5Bname%5D=a&filter%5Bemail%5D=b%7Cc";
        assert_eq!(
            links.this,
            format!("{kept}&page%5Blimit%5D=2&page%5Boffset%5D=0")
        );
        assert_eq!(links.prev, None);
    }

    #[test]
    fn links_from_past_the_end_to_the_last_page() {
        let links = Links::of("/u?limit=2&offset=50", 3);
        assert_eq!(links.prev.as_deref(), Some("/u?limit=2&offset=2"));
        assert_eq!(links.next, None);
        let none = Links::of("/u", 0);
        assert_eq!(
            (none.prev, none.next, none.last),
            (None, None, "/u?limit=20&offset=0".to_owned())
        );
    }
}
