//! SOAP requests of real clients that the gateway once answered wrongly.

use serde_json::Value;

use crate::harness::process::Process;
use crate::harness::{Database, Gateway, Reply, Speaker, element, envelope};

const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// Posts an envelope with these headers.
fn post(gateway: &Speaker, headers: &str, body: &str) -> Reply {
    let head = format!(
        "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{headers}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    gateway.raw(head.as_bytes())
}

fn show_user() -> String {
    envelope("showUser", "<userName>mokamiki</userName>")
}

/// The envelope to show a user, with this content of its header.
fn with_header(header: &str) -> String {
    show_user().replacen(
        "<soapenv:Body>",
        &format!("<soapenv:Header>{header}</soapenv:Header><soapenv:Body>"),
        1,
    )
}

#[test]
fn ignores_a_basic_authorization_beside_a_trusted_key() {
    let gateway = Gateway::demo();
    let headers = "Content-Type: text/xml; charset=utf-8\r\nAuthorization: Basic c2FwOnNlY3JldA==";
    let reply = post(&gateway, headers, &show_user());
    assert_eq!(element(&reply.body, "code"), Some("0"), "{reply:?}");
    assert_eq!(element(&reply.body, "name"), Some("Móka Miklós"));
}

#[test]
fn refuses_an_expired_timestamp_in_a_header_with_must_understand() {
    let gateway = Gateway::demo();
    let oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity";
    let token_profile =
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
    let header = format!(
        "<o:Security xmlns:o=\"{oasis}-secext-1.0.xsd\" xmlns:u=\"{oasis}-utility-1.0.xsd\" soapenv:mustUnderstand=\"1\">\
         <u:Timestamp><u:Created>2020-01-01T00:00:00Z</u:Created><u:Expires>2020-01-01T00:05:00Z</u:Expires>\
         </u:Timestamp><o:UsernameToken><o:Username>mokamiki</o:Username>\
         <o:Password Type=\"{token_profile}#PasswordText\">MokaMiki-1234</o:Password></o:UsernameToken></o:Security>"
    );
    let body = with_header(&header).replace("demo-hash-key", "demo-portal-key");
    let reply = gateway.soap(&body);
    assert_eq!(reply.status, 500, "{reply:?}");
    assert_eq!(element(&reply.body, "faultcode"), Some("S:Client"));
    assert_eq!(element(&reply.body, "code"), Some("MESSAGE_EXPIRED"));
    // The same header before it expires signs the user in.
    let current = body.replace("2020-01-01T00:05:00Z", "2030-01-01T00:05:00Z");
    let reply = gateway.soap(&current);
    assert_eq!(
        element(&reply.body, "name"),
        Some("Móka Miklós"),
        "{reply:?}"
    );
}

#[test]
fn names_the_header_entry_that_soap_1_2_does_not_understand() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path(), Database::fresh().url(), &[], &["--demo"]);
    let header =
        "<x:Route xmlns:x=\"urn:example:route\" soapenv:mustUnderstand=\"true\">a</x:Route>";
    let body = with_header(header).replace("http://schemas.xmlsoap.org/soap/envelope/", SOAP12);
    let reply = process
        .speaker
        .post("application/soap+xml; charset=utf-8", body.as_bytes());
    assert_eq!(reply.status, 500, "{reply:?}");
    assert_eq!(element(&reply.body, "S:Value"), Some("S:MustUnderstand"));
    let block =
        "<S:Header><S:NotUnderstood xmlns:ns=\"urn:example:route\" qname=\"ns:Route\"/></S:Header>";
    assert!(reply.body.contains(block), "{reply:?}");
    let id = reply.header("X-Request-Id").unwrap().to_owned();
    let log = process.stop();
    let mut lines = log.lines().flat_map(serde_json::from_str::<Value>);
    let refused = lines.find(|l| l["fields"]["message"] == "refused").unwrap();
    assert_eq!(refused["fields"]["request.id"], *id);
    assert_eq!(refused["fields"]["cause"], "{urn:example:route}Route");
}

#[test]
fn refuses_two_attributes_of_the_same_expanded_name() {
    let gateway = Gateway::demo();
    let twice = "<ws:showUser xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:k=\"1\" b:k=\"2\">";
    let reply = gateway.soap(&show_user().replacen("<ws:showUser>", twice, 1));
    assert_eq!(reply.status, 500, "{reply:?}");
    assert_eq!(element(&reply.body, "code"), Some("MALFORMED"));
    // The same local name in two namespaces is two names.
    let other = twice.replace("xmlns:b=\"urn:x\"", "xmlns:b=\"urn:y\"");
    let reply = gateway.soap(&show_user().replacen("<ws:showUser>", &other, 1));
    assert_eq!(element(&reply.body, "code"), Some("0"), "{reply:?}");
}

#[test]
fn serves_the_wsdl_with_its_schema_as_one_document() {
    let gateway = Gateway::demo();
    let single = gateway.get("/hammy/ws/user/v1?singleWsdl");
    assert_eq!(single.status, 200, "{single:?}");
    assert_eq!(
        single.header("Content-Type"),
        Some("text/xml; charset=utf-8")
    );
    assert!(!single.body.contains("import") && !single.body.contains("schemaLocation"));
    let address = "<soap:address location=\"http://gateway.test/hammy/ws/user/v1\"/>";
    assert!(single.body.contains(address));
    // The schema inside is the schema of `?xsd=1`, indented.
    let unindented = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let xsd = unindented(&gateway.get("/hammy/ws/user/v1?xsd=1").body);
    let inside = unindented(&single.body);
    let start = inside.iter().position(|line| line == &xsd[1]).unwrap();
    assert_eq!(inside[start..start + xsd.len() - 1], xsd[1..]);
}

#[test]
fn serves_the_contract_for_queries_in_any_case_and_with_unknown_parts() {
    let gateway = Gateway::demo();
    let get = |query: &str| gateway.get(&format!("/hammy/ws/user/v1?{query}"));
    let (wsdl, single, xsd) = (get("wsdl").body, get("singleWsdl").body, get("xsd=1").body);
    assert!(wsdl.contains("<wsdl:definitions") && single.len() > wsdl.len());
    for (query, expected) in [
        ("WSDL", &wsdl),
        ("wsdl=", &wsdl),
        ("wsdl&x=1", &wsdl),
        ("x=1&Wsdl", &wsdl),
        ("SINGLEWSDL", &single),
        ("singlewsdl", &single),
        ("singleWsdl&x", &single),
        ("XSD=1", &xsd),
        ("cache=no&xsd=1", &xsd),
    ] {
        assert_eq!(&get(query).body, expected, "{query}");
    }
    for query in ["x=1", "xsd=2", "wsdl2", "&"] {
        assert_eq!(get(query).status, 404, "{query}");
    }
}
