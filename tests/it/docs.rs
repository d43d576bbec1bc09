//! The documentation page /docs: complete, safe to serve, and accessible.

use chaingun_gateway::contract::messages::Language;
use chaingun_gateway::contract::problem::Code;
use chaingun_gateway::docs;
use chaingun_gateway::operations::CATALOG;

use crate::harness::Gateway;

fn page() -> String {
    docs::page(
        &["/hammy/ws/user/v1".to_owned()],
        &["/hammy/json/user/v1".to_owned()],
    )
}

#[test]
fn serves_the_page_with_a_policy_that_loads_only_its_stylesheet() {
    let gateway = Gateway::demo();
    let served = gateway.get("/docs");
    assert_eq!(served.status, 200);
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        (
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    ] {
        assert_eq!(served.header(name), Some(value));
    }
    let style = gateway.get("/docs.css");
    assert_eq!(
        (style.status, style.header("Content-Type")),
        (200, Some("text/css; charset=utf-8"))
    );
    assert!(!style.body.contains("url(") && !style.body.contains("@import"));
    for path in ["/docs", "/docs.css"] {
        let post = format!(
            "POST {path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        let refused = gateway.raw(post.as_bytes());
        assert_eq!(
            (refused.status, refused.header("Allow")),
            (405, Some("GET, HEAD"))
        );
    }
}

/// All values of an attribute in the page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let before = format!(" {attribute}=\"");
    let rests = page.split(&before).skip(1);
    rests.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn prints_no_script_no_form_and_no_foreign_link() {
    let page = page();
    for forbidden in [
        "<script",
        " style=",
        "<iframe",
        "<img",
        "<form",
        "javascript:",
        " on",
    ] {
        let tags = page
            .split('<')
            .skip(1)
            .map(|t| t.split('>').next().unwrap());
        let tags: Vec<_> = tags.map(|t| format!("<{t}")).collect();
        assert!(!tags.iter().any(|t| t.contains(forbidden)), "{forbidden}");
    }
    assert!(values(&page, "src").is_empty());
    let ids = values(&page, "id");
    for target in values(&page, "href") {
        let here = target.strip_prefix('#').map(|id| ids.contains(&id));
        let ours = target.starts_with('/') && !target.starts_with("//");
        assert!(here.unwrap_or(ours), "{target}");
    }
    assert_eq!(page.matches("<link ").count(), 1);
    assert!(page.contains("<link rel=\"stylesheet\" href=\"/docs.css\">"));
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "each id is unique");
    for id in values(&page, "aria-labelledby") {
        assert!(ids.contains(&id), "{id}");
    }
}

#[test]
fn prints_every_operation_field_and_code() {
    let page = page();
    for operation in CATALOG.iter().filter(|o| o.is_published()) {
        let start = format!("<article id=\"{}\"", operation.name);
        let (_, part) = page.split_once(&start).unwrap();
        let part = part.split("</article>").next().unwrap();
        assert!(part.contains(operation.access.who()), "{}", operation.name);
        for field in operation
            .request
            .fields
            .iter()
            .chain(operation.response.fields)
        {
            assert!(part.contains(&format!("<code>{}</code>", field.name)));
        }
        for route in operation.routes {
            assert!(part.contains(&format!("<code>{} {}</code>", route.method, route.path)));
        }
        let shown = docs::CONVERSATIONS
            .iter()
            .any(|(name, _)| *name == operation.name);
        assert_eq!(shown, part.contains("<summary>"), "{}", operation.name);
    }
    let heads = page.split("<section id=\"codes\"").nth(1).unwrap();
    let heads = heads.split("</thead>").next().unwrap();
    let heads: Vec<_> = heads.split("<th scope=\"col\">").skip(1).collect();
    for (head, wanted) in heads
        .iter()
        .zip(["Code", "English", "Magyar", "HTTP", "SOAP"])
    {
        assert!(head.starts_with(wanted), "{heads:?}");
    }
    for code in Code::ALL {
        let row = page
            .split_once(&format!("<tr id=\"{}\"", code.as_str()))
            .unwrap()
            .1;
        let row = row.split("</tr>").next().unwrap();
        let status = code.kind().rest().0.to_string();
        let cells = [
            code.title(Language::English),
            code.title(Language::Hungarian),
            &status,
        ];
        let found: Vec<_> = row.split("<td").skip(1).collect();
        for (cell, wanted) in found.iter().zip(cells) {
            assert!(cell.contains(&format!(">{wanted}</td>")), "{row}");
        }
    }
}

#[test]
fn prints_the_table_and_the_notes_of_the_tested_clients() {
    let page = page();
    let (_, section) = page.split_once("<section id=\"clients\"").unwrap();
    let text: String = section
        .split('<')
        .filter_map(|tag| tag.split_once('>').map(|(_, text)| text))
        .map(|text| format!("{}\n", text.replace("&amp;", "&")))
        .collect();
    let mut rest = text.as_str();
    let lines = docs::CLIENTS.lines().skip(1);
    for line in lines.filter(|l| !l.starts_with("|---")) {
        for cell in line.trim_start_matches("- ").split('|').map(str::trim) {
            let (_, after) = rest.split_once(cell).unwrap_or_else(|| panic!("{cell}"));
            rest = after;
        }
    }
    let tables = docs::CLIENTS.matches("\n|---").count();
    assert_eq!(section.matches("class=\"scroll\"").count(), tables);
}

#[test]
fn demands_a_conversation_of_every_published_operation() {
    let text = |name: &str| {
        let found = docs::CONVERSATIONS.iter().find(|(n, _)| *n == name);
        found.map_or("", |(_, text)| text)
    };
    for operation in CATALOG.iter().filter(|o| o.is_published()) {
        let name = operation.name;
        let method = format!("\"method\":\"{name}\"");
        let start = |path: &'static str| path.split('{').next().unwrap();
        let (file, is_there) = if operation.rpc {
            ("consents", text("consents").contains(&method))
        } else if let Some(route) = operation.directory.first() {
            let line = format!("> {} {}", route.method, start(route.path));
            ("directory", text("directory").contains(&line))
        } else {
            (name, !text(name).is_empty())
        };
        assert!(
            is_there,
            "add a call of {name} to examples/wire/{file}.wire"
        );
    }
}

#[test]
fn names_every_example() {
    let page = page();
    let unnamed = page.split("<summary></summary>").skip(1);
    let requests: Vec<&str> = unnamed
        .filter_map(|rest| rest.split("<code>").nth(1)?.lines().next())
        .collect();
    assert_eq!(
        requests, [""; 0],
        "each exchange in examples/wire needs a remark"
    );
}

#[test]
fn prints_headings_without_gaps_and_tables_with_captions() {
    let page = page();
    let mut level = 0;
    for piece in page.split("<h").skip(1) {
        let next = piece.chars().next().and_then(|c| c.to_digit(10));
        // `<head>` and `<header>` are not headings.
        let Some(next) = next else { continue };
        assert!(
            next <= level + 1,
            "h{next} after h{level}: {}",
            &piece[..40]
        );
        level = next;
    }
    assert_eq!(page.matches("<h1").count(), 1);
    assert_eq!(
        page.matches("<table>").count(),
        page.matches("<caption>").count()
    );
    for landmark in [
        "<html lang=\"en\">",
        "<header>",
        "<nav aria-label",
        "<main id=\"content\">",
        "<footer>",
    ] {
        assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
    }
    assert!(page.contains("<a class=\"skip\" href=\"#content\">"));
}
