//! The fuzz targets: each takes any bytes, and panics if an invariant does not hold. The same functions
//! run in `cargo test` and under cargo-fuzz.

use std::sync::OnceLock;

use chaingun_gateway::contract::json::{self, Json};
use chaingun_gateway::contract::messages::Language;
use chaingun_gateway::contract::problem::MAX_PROBLEMS;
use chaingun_gateway::contract::rejection::Rejection;
use chaingun_gateway::contract::xml::{self, XmlLimits};
use chaingun_gateway::domain::web;

use chaingun_gateway::directory::DirectoryFace;
use chaingun_gateway::http::parameters::MAX_PARAMETERS;
use chaingun_gateway::http::{Decoded, Face, HttpRequest, Parameters, Reply, path};
use chaingun_gateway::jsonapi::{JsonLimits, RestFace};
use chaingun_gateway::jsonrpc::{self, Calls, RpcCall};
use chaingun_gateway::operations::DecodedRequest;
use chaingun_gateway::registry::file;
use chaingun_gateway::secrets::assertions::{self, Assertion};
use chaingun_gateway::secrets::rsa_keys;
use chaingun_gateway::secrets::signing_keys::Signing;
use chaingun_gateway::secrets::tokens::{Claims, OrgClaim, Tokens};
use chaingun_gateway::soap::{self, SoapFace, SoapLimits};
use chaingun_gateway::store::applications::Application;
use chaingun_gateway::web::{destination, form::is_form};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, Uri};

/// The time of all targets, in milliseconds.
const NOW: i64 = 1_601_973_889_000;
const DEPTH: usize = 32;
const SOAP: SoapLimits = SoapLimits {
    xml: XmlLimits {
        depth: DEPTH,
        elements: 10_000,
        attributes: 64,
        text_bytes: 65_536,
    },
    body_bytes: 1_048_576,
    refuse_unknown: false,
};

/// A target and the material for its inputs.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Seeds in addition to those of `seeds.rs`.
    pub seeds: &'static [&'static str],
    /// Words of the format.
    pub words: &'static [&'static [u8]],
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "envelope",
        run: envelope,
        seeds: XML_SEEDS,
        words: XML_WORDS,
    },
    Target {
        name: "json",
        run: json,
        seeds: &[
            "null",
            "[1.5e3,-0,\"\\ud83d\\ude00\"]",
            "{\"a\":{\"b\":[{}]}}",
        ],
        words: JSON_WORDS,
    },
    Target {
        name: "jsonrpc",
        run: jsonrpc,
        seeds: &[
            "[]",
            "{\"jsonrpc\":\"2.0\",\"method\":\"get_user_services\"}",
        ],
        words: JSON_WORDS,
    },
    Target {
        name: "query",
        run: query,
        seeds: &[
            "filter[name]=a&page[limit]=3&page[offset]=2&sort=-name,email",
            "userName=a&userName=b&limit=5",
        ],
        words: &[
            b"&",
            b"=",
            b"%",
            b"%00",
            b"%C3%A9",
            b"+",
            b",",
            b"filter[",
            b"page[",
            b"]",
            b"sort=",
            b"-",
            b"limit=",
            b"99999999999999999999",
        ],
    },
    Target {
        name: "form",
        run: form,
        seeds: &[
            "a=b+c%2B%c3%A1&body%5Bparams%5D%5Bfields%5D=x%2Cy&e=&a=z&f",
            "login=a%40b.c&password=%20x%20",
        ],
        words: &[
            b"&", b"=", b"%", b"%00", b"%FF", b"%C3%A9", b"+", b"%25", b"%2", b"a=", b"&&",
        ],
    },
    Target {
        name: "jwt",
        run: jwt,
        seeds: &["a.b.c", "eyJhbGciOiJub25lIn0.e30."],
        words: &[
            b".",
            b"=",
            b"eyJhbGciOiJub25lIn0",
            b"e30",
            b"A",
            b"-",
            b"_",
            b"eyJ",
        ],
    },
    Target {
        name: "registry_file",
        run: registry_file,
        seeds: &[
            "[[applications]]\nclient_id = \"a\"\norigins = [\"https://a.example\"]\nredirect_uris = [\"https://a.example/b\"]\nsecret = \"canary-canary-canary\"\n",
        ],
        words: &[
            b"[[",
            b"]]",
            b"[",
            b"]",
            b"=",
            b"\"",
            b"\"\"\"",
            b"'",
            b"\n",
            b"\\u0000",
            b"#",
            b"{",
            b"}",
            b",",
            b"true",
            b"-1",
            b"1e400",
            b"9223372036854775808",
            b"1979-05-27",
        ],
    },
    Target {
        name: "redirect",
        run: redirect,
        seeds: &[
            "https://a.example.org/authorize",
            "/authorize",
            "/account?x=1",
            "//evil.example/authorize",
            "https://a.example.org@evil.example/authorize",
            "http://[::1]:8080/a%20b?c=d",
        ],
        words: &[
            b"//",
            b"/",
            b"\\",
            b"@",
            b":",
            b"?",
            b"#",
            b"%2f",
            b"..",
            b"https://",
            b"javascript:",
            b"\r\n",
            b"\t",
            b"[",
            b"]",
            b"a.example.org",
        ],
    },
    Target {
        name: "media_type",
        run: media_type,
        seeds: &[
            "application/vnd.api+json; charset=utf-8\n*/*;q=0.5",
            "text/xml; charset=\"utf-16\"\n",
        ],
        words: &[
            b";",
            b"=",
            b"\"",
            b",",
            b"/",
            b"*/*",
            b"q=0",
            b"q=1",
            b"charset=",
            b"profile=",
            b"\n",
            b"application/json",
            b"utf-8",
            b"ext=",
        ],
    },
];

const XML_SEEDS: &[&str] = &[
    "<S:Envelope xmlns:S=\"http://www.w3.org/2003/05/soap-envelope\"><S:Header><x:a xmlns:x=\"urn:x\" S:mustUnderstand=\"true\" S:role=\"http://www.w3.org/2003/05/soap-envelope/role/next\"/></S:Header><S:Body/></S:Envelope>",
    "<?xml version='1.0' encoding='utf-8' standalone='yes'?><!-- c --><a b='1' xml:lang=\"hu\"><p:c xmlns:p='urn:p' p:d='&amp;&#65;'>t<![CDATA[<&]]>&lt;</p:c><e/></a>\n",
    "<a xmlns='urn:a' xmlns:b='urn:b'><b:c b:d='' d=''><c xmlns=''>\u{E9}\u{1F600}</c></b:c></a>",
];

const XML_WORDS: &[&[u8]] = &[
    b"<",
    b">",
    b"/",
    b"/>",
    b"</",
    b"=",
    b"'",
    b"\"",
    b"&",
    b";",
    b"&amp;",
    b"&#0;",
    b"&#x41;",
    b"&#xFFFF;",
    b"&#X41;",
    b"&nbsp;",
    b"<!--",
    b"-->",
    b"--",
    b"<![CDATA[",
    b"]]>",
    b"<?",
    b"?>",
    b"<?xml version='1.0'?>",
    b"<!DOCTYPE a>",
    b" xmlns='urn:x'",
    b" xmlns:a='urn:x'",
    b" xmlns:b='urn:x'",
    b" xmlns:a=''",
    b" a:k='1'",
    b" b:k='1'",
    b" k='1'",
    b"a:",
    b"b:",
    b"xml:",
    b"xmlns:",
    b":",
    b"<a>",
    b"</a>",
    b"<a/>",
    b"\t",
    b"\r\n",
    b" ",
    b"\x00",
    b"\x0B",
    b"\xEF\xBB\xBF",
    b"\xEF\xBF\xBE",
    b"\xC3\xA9",
    b"\xCC\x80",
    b"\xC2\xB7",
    b"\xFF",
    b"encoding='ISO-8859-2'",
    b"encoding='UTF-16'",
    b"version='1.1'",
    b"mustUnderstand='1'",
    b"<Header>",
    b"</Header>",
];

const JSON_WORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"1.5",
    b"9223372036854775808",
    b"\"data\":",
    b"\"id\":",
    b"\"attributes\":",
    b"\"params\":",
    b"\"jsonrpc\":\"2.0\"",
    b"\"method\":",
    b" ",
    b"\n",
    b"\xEF\xBB\xBF",
    b"\xC3\xA9",
    b"\xFF",
    b"[[[[[[[[",
];

/// The headers of a body of this type.
pub fn content_type(text: &str) -> HeaderMap {
    let value = HeaderValue::from_bytes(text.as_bytes()).expect("a header's value");
    HeaderMap::from_iter([(CONTENT_TYPE, value)])
}

/// Decodes a request with a face. Returns the decoded request, or the reply to a request that cannot be run.
fn decode<F: Face>(
    face: &mut F,
    request: &HttpRequest,
) -> Result<Box<DecodedRequest<F::Answer>>, Reply> {
    match face.decode(request) {
        Ok(Decoded::Call(decoded)) => {
            assert!(decoded.problems.found.len() <= MAX_PROBLEMS);
            Ok(decoded)
        }
        Ok(Decoded::Reply(reply)) => Err(reply),
        Err(rejection) => Err(face.refuse(&rejection)),
    }
}

/// The status of the reply to a request that cannot be run, and 200 for any other request.
fn status<F: Face>(mut face: F, request: &HttpRequest) -> u16 {
    decode(&mut face, request).map_or_else(|reply| reply.status, |_| 200)
}

/// Asserts that the reply is JSON if the request cannot be run.
fn assert_runs_or_json<F: Face>(mut face: F, request: &HttpRequest) {
    if let Err(reply) = decode(&mut face, request) {
        assert_json(&reply);
    }
}

const LIMITS: JsonLimits = JsonLimits {
    depth: DEPTH,
    refuse_unknown: false,
};

/// Reads any XML document as an envelope, and on its own.
pub fn envelope(bytes: &[u8]) {
    let request = |body: &[u8]| HttpRequest {
        headers: content_type("text/xml"),
        request_id: "00000000-0000-0000-0000-000000000000".into(),
        body: body.to_vec(),
        ..HttpRequest::default()
    };
    let sent = request(bytes);
    let checked = soap::check(&sent, &SOAP);
    let face = |request: &HttpRequest| SoapFace::new(request, SOAP, NOW);
    let mut first = face(&sent);
    match decode(&mut first, &sent) {
        Ok(incoming) => {
            assert_eq!(checked, Ok(()), "an accepted document is well-formed");
            if !incoming.problems.found.is_empty() {
                assert_small_xml(&first.refuse(&Rejection::of(incoming.problems.found.clone())));
            }
            // The document in UTF-16 must be read as the same request.
            let Ok(text) = std::str::from_utf8(bytes) else {
                return;
            };
            let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
            if text.starts_with("<?xml") {
                return;
            }
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            let wide: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
            let wide = request(&wide);
            match decode(&mut face(&wide), &wide) {
                Ok(again) => {
                    assert_eq!(again.operation().name, incoming.operation().name);
                    assert_eq!(again.problems.found, incoming.problems.found);
                    assert_eq!(
                        format!("{:?}", again.request),
                        format!("{:?}", incoming.request)
                    );
                }
                Err(reply) => panic!("refused in UTF-16: {reply:?}"),
            }
        }
        Err(reply) if reply.content_type.starts_with("text/plain") => assert_eq!(reply.status, 415),
        Err(reply) => {
            assert!([400, 413, 500].contains(&reply.status), "{reply:?}");
            assert_small_xml(&reply);
        }
    }
}

/// Asserts that a reply is well-formed and smaller than 64 KiB.
fn assert_small_xml(reply: &Reply) {
    assert!(reply.body.len() < 65_536, "{} bytes", reply.body.len());
    let body = std::str::from_utf8(&reply.body).expect("UTF-8");
    assert_eq!(xml::check(body, SOAP.xml), Ok(()), "{body}");
}

fn assert_json(reply: &Reply) {
    let read: Result<serde_json::Value, _> = serde_json::from_slice(&reply.body);
    assert!(read.is_ok(), "{:?}", String::from_utf8_lossy(&reply.body));
}

/// Reads any JSON document by itself, and as a body of the REST face and of the directory.
pub fn json(bytes: &[u8]) {
    if let Ok(read) = json::parse(bytes, DEPTH) {
        let bare = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let other: Result<serde_json::Value, _> = serde_json::from_slice(bare);
        assert!(other.is_ok(), "an accepted document is JSON: {other:?}");
        let mut text = String::new();
        write(&read, &mut text);
        let again = json::parse(text.as_bytes(), DEPTH).expect("the written JSON can be read");
        assert!(is_same(&read, &again), "{text}");
    }
    let request = HttpRequest {
        method: Method::POST,
        uri: Uri::from_static("/user/v1/create"),
        headers: content_type("application/json"),
        body: bytes.to_vec(),
        ..HttpRequest::default()
    };
    let routes = [
        ("POST", "/users"),
        ("PUT", "/users"),
        ("POST", "/password/authenticate"),
        ("POST", "/register"),
    ];
    let (method, path) = routes[bytes.len() % routes.len()];
    let as_resource = HttpRequest {
        method: method.parse().expect("a method"),
        body: bytes.to_vec(),
        headers: content_type("application/json"),
        ..HttpRequest::default()
    };
    assert_runs_or_json(
        RestFace::new(&as_resource, path, String::new, LIMITS),
        &as_resource,
    );
    assert_runs_or_json(DirectoryFace::new(&request, DEPTH, NOW), &request);
}

fn write(json: &Json, out: &mut String) {
    let quoted = |text: &str| serde_json::to_string(text).expect("a text");
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(&value.to_string()),
        Json::Integer(number) => out.push_str(&number.to_string()),
        Json::Fraction(number) => out.push_str(&number.to_string()),
        Json::Text(text) => out.push_str(&quoted(text)),
        Json::List(list) => {
            out.push('[');
            for (at, entry) in list.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(entry, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&quoted(name));
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// Whether two values are equal; fractions may differ in their last digit.
fn is_same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Fraction(_), Json::Fraction(_)) => true,
        (Json::List(a), Json::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            let same =
                |((n, a), (m, b)): (&(String, Json), &(String, Json))| n == m && is_same(a, b);
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        (one, other) => one == other,
    }
}

/// Reads any body of the consent API.
pub fn jsonrpc(bytes: &[u8]) {
    let request = HttpRequest {
        headers: content_type("application/json-rpc"),
        body: bytes.to_vec(),
        ..HttpRequest::default()
    };
    match jsonrpc::read(&request, DEPTH) {
        Calls::One(call) => assert_runs_or_replies(call, &request),
        Calls::Batch(calls) => {
            assert!((1..=jsonrpc::MAX_BATCH).contains(&calls.len()));
            for call in calls {
                assert_runs_or_replies(call, &request);
            }
        }
    }
}

/// Asserts that the reply is JSON if the call cannot be run and is not a notification.
fn assert_runs_or_replies(mut call: RpcCall, request: &HttpRequest) {
    match decode(&mut call, request) {
        Err(reply) if reply.body.is_empty() => assert_eq!(reply.status, 200, "a notification"),
        Err(reply) => assert_json(&reply),
        Ok(_) => {}
    }
}

/// Reads any query of a list, and any path of a resource.
pub fn query(bytes: &[u8]) {
    // Escape characters that hyper refuses in a target.
    let escape = |byte: u8| match byte {
        b'!'..=b'~' if !b"\"#<>`\\^{}|?/".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let text: String = bytes.iter().copied().map(escape).collect();
    let target = format!("/hammy/json/user/v1/users?{text}");
    let Ok(uri) = target.parse::<Uri>() else {
        assert!(target.len() > 65_000, "{target}");
        return;
    };
    let request = HttpRequest {
        uri,
        ..HttpRequest::default()
    };
    let mut face = RestFace::new(&request, "/users", String::new, LIMITS);
    if let Err(reply) = decode(&mut face, &request) {
        assert!((400..500).contains(&reply.status), "{reply:?}");
        assert_json(&reply);
    }
    let path = format!("/users/{text}");
    if let Some(captured) = path::captures("/users/{userName}", &path) {
        let [(_, name)] = captured.as_slice() else {
            panic!("{captured:?}");
        };
        assert!(name.len() <= 3 * text.len(), "{name}");
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Reads any form.
pub fn form(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = Parameters::of(&text);
    for pair in text.split('&').take(MAX_PARAMETERS) {
        let name = pair.split('=').next().unwrap_or("");
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric());
        if plain && let Some(value) = read.get(name) {
            assert!(!value.is_empty() && value.len() <= 3 * text.len());
        }
    }
    // An escaped value must be read back. The first parameter of a name counts, even an empty one.
    let mut escaped = String::from("x=");
    for byte in text.bytes() {
        escaped.push('%');
        escaped.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
    }
    escaped.push_str("&x=y");
    assert_eq!(Parameters::of(&escaped).get("x").unwrap_or(""), text);
}

/// The gateway's keys, and a partner's.
struct Keys {
    tokens: Tokens,
    issued: Vec<String>,
    partner: String,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        // The keys stay in memory when the folder is deleted.
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = Tokens::load(folder.path(), Signing::Es256).expect("keys");
        let claims = |name: &str, org: Option<OrgClaim>| Claims {
            sub: name.to_owned(),
            exp: NOW / 1000 + 1800,
            nbf: NOW / 1000,
            iat: NOW / 1000,
            jti: format!("jti-{name}"),
            rls: vec!["USER_ADMIN".to_owned()],
            org,
        };
        let org = OrgClaim {
            uuid: "default".to_owned(),
            name: "Default Org".to_owned(),
        };
        let private = include_str!("../it/harness/apekx.pem");
        let assertion = serde_json::json!({"iss": "apekx", "sub": "1", "jti": "1", "iat": NOW / 1000, "exp": NOW / 1000 + 60});
        let issued = vec![
            tokens.issue(&claims("admin", None)).expect("a token"),
            tokens.issue(&claims("moka", Some(org))).expect("a token"),
            assertions::sign(private, &assertion).expect("a token"),
        ];
        Keys {
            tokens,
            issued,
            partner: rsa_keys::public_half(private).expect("a key"),
        }
    })
}

/// Valid tokens as seeds.
pub fn signed_tokens() -> Vec<String> {
    keys().issued.clone()
}

/// Verifies any text as a token of the gateway and of a partner. Only tokens with a valid signature may be accepted.
pub fn jwt(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let keys = keys();
    let is_signed = |token: &str| {
        let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
        keys.issued
            .iter()
            .any(|issued| signed(issued) == signed(token))
    };
    if keys.tokens.verify(&text, NOW).is_some() {
        assert!(is_signed(&text), "{text}");
    }
    if let Ok(assertion) = Assertion::read(&text)
        && assertion.is_signed_with(&keys.partner)
    {
        assert!(is_signed(&text), "{text}");
    }
}

/// Reads any registry file.
pub fn registry_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Skip registry files with references to files: reading them would read files of this machine.
    if text.contains("_file") {
        return;
    }
    let folder = std::path::Path::new("/nonexistent");
    let mistakes = match file::read(&text, folder) {
        Ok((read, mistakes)) => {
            let again = file::read(&text, folder).map(|(again, _)| format!("{again:?}"));
            assert_eq!(again, Ok(format!("{read:?}")), "both readings agree");
            mistakes
        }
        Err(mistake) => vec![mistake],
    };
    let secret = "canary-canary-canary";
    let is_secret =
        text.matches("canary").count() == 3 && text.contains(&format!("\nsecret = \"{secret}\"\n"));
    for mistake in mistakes {
        assert!(!mistake.0.is_empty());
        assert!(!is_secret || !mistake.0.contains(secret), "{}", mistake.0);
    }
}

/// Checks any redirect address in a browser's request.
pub fn redirect(bytes: &[u8]) {
    static APPLICATION: OnceLock<Application> = OnceLock::new();
    let application = APPLICATION.get_or_init(|| Application {
        client_id: "a".to_owned(),
        origins: vec!["https://a.example.org".to_owned()],
        redirect_uris: vec![
            "https://a.example.org/authorize".to_owned(),
            "https://a.example.org/account?x=1".to_owned(),
        ],
        secret: None,
        plain_calls: true,
    });
    let wanted = String::from_utf8_lossy(bytes);
    if let Some(to) = destination::registered(application, &wanted) {
        assert!(application.redirect_uris.iter().any(|uri| uri == to));
        assert!(
            wanted == to || format!("https://a.example.org{wanted}") == to,
            "{wanted}"
        );
    }
    let to = destination::or_default(application, Some(&wanted)).expect("a default");
    let with_state = destination::with_state(to, Some(&wanted));
    let state = with_state.strip_prefix(to).expect("the address itself");
    assert!(state.bytes().all(|b| b.is_ascii_graphic()), "{state}");
    let read = Parameters::of(state.get(1..).unwrap_or(""));
    assert_eq!(read.get("state").unwrap_or(""), wanted);
    assert!(wanted.starts_with(web::origin(&wanted)));
    if web::is_url(&wanted) {
        assert!(
            wanted.bytes().all(|b| b.is_ascii_graphic() && b != b'\\'),
            "{wanted}"
        );
        assert!(!web::origin(&wanted).contains('@'), "{wanted}");
        assert!(web::is_origin(web::origin(&wanted)), "{wanted}");
    }
}

/// Sends requests with any Content-Type, the first line, and any Accept, the second line.
pub fn media_type(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (sent, accepted) = text.split_once('\n').unwrap_or((&text, "*/*"));
    let values = [sent, accepted].map(|text| HeaderValue::from_bytes(text.as_bytes()));
    if values.iter().any(Result::is_err) {
        return;
    }
    let outcome = |sent: &str, accepted: &str| {
        let mut headers = content_type(sent);
        headers.insert(
            ACCEPT,
            HeaderValue::from_bytes(accepted.as_bytes()).expect("a value"),
        );
        let request = HttpRequest {
            method: Method::POST,
            headers,
            body: b"{\"userNameOrEmail\":\"a\"}".to_vec(),
            ..HttpRequest::default()
        };
        let rest = status(
            RestFace::new(&request, "/password/reset", String::new, LIMITS),
            &request,
        );
        assert!([200, 406, 415].contains(&rest), "{rest}");
        let Calls::One(call) = jsonrpc::read(&request, DEPTH) else {
            panic!("a single call");
        };
        let rpc = status(call, &request);
        assert!([200, 204, 415].contains(&rpc), "{rpc}");
        let soap = status(SoapFace::new(&request, SOAP, NOW), &request);
        assert!([400, 415, 500].contains(&soap), "{soap}");
        (rest, rpc, soap, is_form(&request))
    };
    let unchanged = outcome(sent, accepted);
    let upper = outcome(&sent.to_ascii_uppercase(), &accepted.to_ascii_uppercase());
    assert_eq!(
        unchanged, upper,
        "the case of letters makes no difference: {text}"
    );
    let _ = Language::from_accept_language(&text);
}
