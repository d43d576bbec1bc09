//! Growth of the database by anonymous requests of every kind on every face. `GROWTH=100000` sends a hundred thousand
//! requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use chaingun_gateway::secrets::assertions::sign;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::{Database, Gateway, PARTNER_KEY, envelope};

/// The most bytes that 100,000 anonymous requests may add to the database.
const MOST_BYTES: u64 = 1_000_000;
/// The number of requests to which [`MOST_BYTES`] applies.
const REQUESTS: usize = 100_000;

/// A persistent connection.
struct Connection {
    stream: BufReader<TcpStream>,
    address: std::net::SocketAddr,
}

impl Connection {
    fn open(address: std::net::SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Self {
            stream: BufReader::new(stream),
            address,
        }
    }

    /// Sends a request and returns the status; reconnects if the gateway has closed the connection.
    fn send(&mut self, request: &[u8]) -> u16 {
        self.stream.get_mut().write_all(request).unwrap();
        let (mut line, mut length, mut closes) = (String::new(), 0, false);
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).map_or(0, |s| s.parse().unwrap());
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "connection" => closes = value.trim() == "close",
                _ => {}
            }
        }
        std::io::copy(&mut self.stream.by_ref().take(length), &mut std::io::sink()).unwrap();
        if closes || status == 0 {
            *self = Self::open(self.address);
        }
        status
    }
}

fn request(method: &str, path: &str, source: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: gateway.test\r\nX-Forwarded-For: {source}\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Anonymous requests of every kind, each with a fresh name.
struct Walk<'a> {
    gateway: &'a Gateway,
    browser: Browser,
    /// Whether some requests register new accounts.
    registers: bool,
}

impl<'a> Walk<'a> {
    fn new(gateway: &'a Gateway, registers: bool) -> Self {
        let mut browser = Browser::default();
        browser.get(gateway, "login.html");
        Self {
            gateway,
            browser,
            registers,
        }
    }

    /// The number of kinds of requests.
    const KINDS: usize = 38;

    fn request(&self, n: usize, source: &str) -> Vec<u8> {
        let kind = n % Self::KINDS;
        let name = format!("somebody-{n}");
        let email = format!("{name}@valami.hu");
        let guid = format!("{n:032x}");
        let long = format!("{name}{}", "ű".repeat(100));
        let soap = |operation: &str, fields: &str| {
            let xml = "Content-Type: text/xml; charset=utf-8\r\n";
            let body = envelope(operation, fields);
            let body = body.replace(
                "<requestMeta><clientHashKey>demo-hash-key</clientHashKey></requestMeta>",
                "",
            );
            request("POST", "/hammy/ws/user/v1", source, xml, &body)
        };
        let soap_with = |key: &str, security: &str| {
            let xml = "Content-Type: text/xml; charset=utf-8\r\n";
            let body = envelope("showUser", &format!("<userName>{name}</userName>"))
                .replace("demo-hash-key", key)
                .replace(
                    "<soapenv:Body>",
                    &format!("<soapenv:Header>{security}</soapenv:Header><soapenv:Body>"),
                );
            request("POST", "/hammy/ws/user/v1", source, xml, &body)
        };
        let rest = |method: &str, path: &str, headers: &str, body: &serde_json::Value| {
            let headers = format!("Content-Type: application/json\r\n{headers}");
            let body = match body.is_null() {
                true => String::new(),
                false => body.to_string(),
            };
            let path = format!("/hammy/json/user/v1{path}");
            request(method, &path, source, &headers, &body)
        };
        let rpc = |method: &str, client: &str| {
            let call = json!({"jsonrpc": "2.0", "id": n, "method": method, "params": {
                "client_id": client, "token": guid, "portal_id": 1, "service_id": 1,
                "user_id_in_service": name, "agreements": [1],
            }});
            let headers = "Content-Type: application/json-rpc\r\n";
            (call, headers)
        };
        let page = |page: &str, fields: &[(&str, &str)]| {
            let cookies: Vec<_> = self.browser.cookies.iter().collect();
            let cookies: Vec<_> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let headers = format!(
                "Cookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nUser-Agent: {long}\r\n",
                cookies.join("; ")
            );
            let mut body = format!("csrf_token={}", self.browser.csrf_token);
            for (field, value) in fields {
                body += &format!("&{field}={}", value.replace('@', "%40"));
            }
            request(
                "POST",
                &format!("/checkSSO/{page}"),
                source,
                &headers,
                &body,
            )
        };
        let sso = |token: &str| {
            let path = format!("/v2/user/session/create?token={token}");
            request("GET", &path, source, "Accept: application/json\r\n", "")
        };
        let null = serde_json::Value::Null;
        let key = |key: &str| format!("X-Client-Hash-Key: {key}\r\n");
        let credentials = json!({"userNameOrEmail": name, "password": "Rossz-Jelszo-1"});
        let registration =
            json!({"username": name, "name": long, "email": email, "password": "ValaKi1234"});
        match kind {
            0 => soap("showUser", &format!("<userName>{name}</userName>")),
            1 => soap("findUsers", &format!("<name>{name}</name>")),
            2 => soap(
                "createUser",
                &format!(
                    "<user><userName>{name}</userName><name>{long}</name><email>{email}</email></user>"
                ),
            ),
            3 => soap(
                "modifyUser",
                &format!("<user><userName>{name}</userName></user>"),
            ),
            4 => soap(
                "authenticate",
                &format!("<userNameOrEmail>{name}</userNameOrEmail><password>x</password>"),
            ),
            5 => soap(
                "resetPassword",
                &format!("<userNameOrEmail>{name}</userNameOrEmail>"),
            ),
            6 => soap(
                "changePassword",
                &format!(
                    "<passwordResetGuid>{guid}</passwordResetGuid><password>ValaKi1234</password>"
                ),
            ),
            7 => soap(
                "changePassword",
                &format!(
                    "<userName>{name}</userName><oldPassword>a</oldPassword><password>ValaKi1234</password>"
                ),
            ),
            8 => soap_with(&name, ""),
            9 => soap_with("demo-portal-key", ""),
            10 => soap_with(
                "demo-portal-key",
                &format!(
                    "<wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\">\
                 <wsse:UsernameToken><wsse:Username>{name}</wsse:Username><wsse:Password>x</wsse:Password>\
                 </wsse:UsernameToken></wsse:Security>"
                ),
            ),
            11 => rest("GET", "/users", "", &null),
            12 => rest("GET", &format!("/users/{name}"), &key(&name), &null),
            13 => rest(
                "DELETE",
                &format!("/users/{name}"),
                &key("demo-portal-key"),
                &null,
            ),
            14 => rest(
                "PATCH",
                &format!("/users/{name}"),
                &format!("X-User-Name: {name}\r\n"),
                &json!({"name": long}),
            ),
            15 => rest(
                "POST",
                "/users",
                &format!("Authorization: JWT {guid}\r\n{}", key("demo-portal-key")),
                &json!({"userName": name, "name": long, "email": email}),
            ),
            16 => rest("POST", "/password/authenticate", "", &credentials),
            17 => rest(
                "POST",
                "/password/reset",
                "",
                &json!({"userNameOrEmail": email}),
            ),
            18 => rest(
                "POST",
                "/register/resend",
                "",
                &json!({"usernameOrEmail": name}),
            ),
            19 => rest("POST", "/register/confirm", "", &json!({"token": guid})),
            20 if self.registers => rest("POST", "/register", "", &registration),
            20 => rest(
                "POST",
                "/register",
                "",
                &json!({"username": "mokamiki", "name": long, "email": email, "password": "ValaKi1234"}),
            ),
            21 => rest(
                "POST",
                "/password/refreshAuthToken",
                &format!(
                    "Authorization: JWT a.{guid}.b\r\n{}",
                    key("demo-portal-key")
                ),
                &json!({}),
            ),
            22 => rest(
                "POST",
                "/register/addToOrg",
                &key("demo-portal-key"),
                &json!({"orgName": name}),
            ),
            23 => {
                let (call, headers) = rpc("assign_user_to_service", "konto.onet.pl.front");
                request(
                    "POST",
                    "/user-multi-services",
                    source,
                    headers,
                    &call.to_string(),
                )
            }
            24 => {
                let (call, headers) = rpc("accept_user_agreements", &name);
                request(
                    "POST",
                    "/user-multi-services",
                    source,
                    headers,
                    &call.to_string(),
                )
            }
            25 => {
                let (call, headers) = rpc("get_user_services", &name);
                request(
                    "POST",
                    "/",
                    source,
                    headers,
                    &json!(vec![call; 10]).to_string(),
                )
            }
            26 => page(
                "login.html",
                &[("userNameOrEmail", &name), ("password", "x")],
            ),
            27 if self.registers => page(
                "register.html",
                &[
                    ("name", &name),
                    ("email", &email),
                    ("password", "ValaKi1234"),
                ],
            ),
            27 => page(
                "register.html",
                &[
                    ("name", &name),
                    ("email", "moka.miklos%40dbx.hu"),
                    ("password", "ValaKi1234"),
                ],
            ),
            28 => page("reset.html", &[("userNameOrEmail", &email)]),
            29 => page("confirm.html", &[("token", &guid)]),
            30 => page("account.html", &[("name", &name)]),
            31 => sso(&format!("eyJhbGciOiJub25lIn0.{guid}.")),
            32 => sso(&sign(PARTNER_KEY, &json!({"jti": guid, "iss": name, "sub": name})).unwrap()),
            33 => request(
                "GET",
                &format!("/user/v1/get/externalId/{n}/externalIdProvider/a/externalIdType/b"),
                source,
                &key(&name),
                "",
            ),
            34 => request(
                "POST",
                "/user/v1/create",
                source,
                "Content-Type: application/json\r\n",
                &json!({"request": {"firstName": long}}).to_string(),
            ),
            35 => request(
                "GET",
                &format!("/{name}?{long}=1").replace('ű', "u"),
                source,
                "",
                "",
            ),
            36 => request(
                "POST",
                "/hammy/ws/user/v1",
                source,
                "Content-Type: text/xml\r\n",
                &format!("<{name}"),
            ),
            _ => request(
                "GET",
                "/checkSSO/loginbar.json?client_id=example.front",
                source,
                &format!("Cookie: chaingun_session={guid}{guid}\r\n"),
                "",
            ),
        }
    }

    /// Sends these requests over some connections, and advances the clock by a millisecond for each.
    fn send(&self, numbers: std::ops::Range<usize>, source: &(dyn Fn(usize) -> String + Sync)) {
        let lanes = 4;
        std::thread::scope(|scope| {
            for lane in 0..lanes {
                let numbers = numbers.clone();
                scope.spawn(move || {
                    let mut connection = Connection::open(self.gateway.address);
                    for n in numbers.filter(|n| n % lanes == lane) {
                        let status = connection.send(&self.request(n, &source(n)));
                        let kind = n % Self::KINDS;
                        // SOAP 1.1 sends every fault with status 500.
                        let fine = (200..500).contains(&status) || kind == 36;
                        assert!(fine, "{status} for kind {kind}");
                        self.gateway.app.clock.advance(1);
                    }
                });
            }
        });
        self.gateway.background.housekeeping.write_refusals();
        self.gateway.background.housekeeping.purge();
    }

    /// The size of the database's file, in bytes.
    fn bytes(&self) -> u64 {
        let data = self.gateway.data.path();
        std::fs::metadata(data.join("gateway.db")).unwrap().len()
    }
}

/// Sends requests of every kind from these sources, and measures the growth of the database.
fn grow(registers: bool, few: usize, source: &(dyn Fn(usize) -> String + Sync)) {
    // On PostgreSQL the tests share one database, so its size shows nothing.
    if Database::fresh().url().is_some() {
        return;
    }
    let gateway = Gateway::with(&[("trusted_proxies", "127.0.0.1")]);
    let walk = Walk::new(&gateway, registers);
    let all = std::env::var("GROWTH").map_or(few, |n| n.parse().unwrap());
    gateway.app.store.checkpoint().unwrap();
    let empty = walk.bytes();
    walk.send(0..all / 2, source);
    let half = walk.bytes();
    walk.send(all / 2..all, source);
    let full = walk.bytes();
    let (first, then) = (half - empty, full - half);
    let _ = writeln!(
        std::io::stdout(),
        "{all} requests: {first} bytes, then {then}"
    );
    assert!(full - empty < MOST_BYTES, "{} bytes", full - empty);
    if !registers {
        return;
    }
    // The first half fills the tables of fixed size, so the second half alone has a limit of its own.
    let share = MOST_BYTES * (all / 2) as u64 / REQUESTS as u64;
    assert!(full - half < share, "{} bytes, not {share}", full - half);
}

#[test]
fn grows_by_less_than_a_megabyte_from_anonymous_requests_of_one_source() {
    grow(true, 6_000, &|_| "203.0.113.9".to_owned());
}

/// Each name is new, and each source sends many requests. Registrations are left out, because they succeed.
#[test]
fn grows_by_less_than_a_megabyte_from_anonymous_requests_of_a_thousand_sources() {
    grow(false, 12_000, &|n| {
        format!("198.18.{}.{}", n / 38 % 4, n % 250)
    });
}
