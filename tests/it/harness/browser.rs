//! A minimal browser: it keeps cookies and the CSRF token of the last page, and follows no redirects.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Reply, Speaker};

#[derive(Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
    /// The CSRF token of the last page with a form.
    pub csrf_token: String,
    /// Header lines of every request.
    pub headers: String,
}

impl Browser {
    pub fn get(&mut self, gateway: &Speaker, page: &str) -> Reply {
        self.ask(gateway, "GET", page, "", "")
    }

    /// Sends a form with the CSRF token of the last page.
    pub fn post(&mut self, gateway: &Speaker, page: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf_token = self.csrf_token.clone();
        let fields = [&[("csrf_token", csrf_token.as_str())], fields].concat();
        self.send(gateway, page, &fields)
    }

    /// Opens a page and sends its form.
    pub fn fill(&mut self, gateway: &Speaker, page: &str, fields: &[(&str, &str)]) -> Reply {
        self.get(gateway, page);
        self.post(gateway, page, fields)
    }

    /// Sends a form with only these fields.
    pub fn send(&mut self, gateway: &Speaker, page: &str, fields: &[(&str, &str)]) -> Reply {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.ask(gateway, "POST", page, form, &pairs.join("&"))
    }

    pub fn ask(
        &mut self,
        gateway: &Speaker,
        method: &str,
        page: &str,
        headers: &str,
        body: &str,
    ) -> Reply {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let head = format!(
            "{method} /checkSSO/{page} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nAccept-Language: en\r\n\
             User-Agent: Test/1.0\r\nCookie: {}\r\n{headers}{}Content-Length: {}\r\n\r\n{body}",
            cookies.join("; "),
            self.headers,
            body.len()
        );
        let reply = gateway.raw(head.as_bytes());
        self.keep(&reply);
        reply
    }

    /// Keeps the cookies and the CSRF token of a reply.
    pub fn keep(&mut self, reply: &Reply) {
        for line in reply.head.lines() {
            if let Some(cookie) = line.strip_prefix("Set-Cookie: ") {
                let (pair, marks) = cookie.split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                if marks.contains("Max-Age=0") {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        if let Some((_, rest)) = reply.body.split_once("name=\"csrf_token\" value=\"") {
            self.csrf_token = rest.split('"').next().unwrap().to_owned();
        }
    }

    /// Signs in; panics on a refusal.
    pub fn sign_in(&mut self, gateway: &Speaker, login: &str, password: &str) {
        let reply = self.try_to_sign_in(gateway, login, password);
        assert_eq!(reply.status, 303, "{reply:?}");
        assert!(self.session().is_some(), "{reply:?}");
    }

    pub fn try_to_sign_in(&mut self, gateway: &Speaker, login: &str, password: &str) -> Reply {
        let fields = [("userNameOrEmail", login), ("password", password)];
        self.fill(gateway, "login.html", &fields)
    }

    /// The value of the session cookie.
    pub fn session(&self) -> Option<&str> {
        self.cookies.get("chaingun_session").map(String::as_str)
    }

    /// Whether the gateway accepts the session of this browser.
    pub fn is_signed_in(&mut self, gateway: &Speaker) -> bool {
        let reply = self.get(gateway, "loginbar.json");
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body.contains("\"data\"")
    }
}

/// A signed-in browser.
pub fn signed_in(gateway: &Speaker, login: &str, password: &str) -> Browser {
    let mut browser = Browser::default();
    browser.sign_in(gateway, login, password);
    browser
}

/// The token in the link of a mail.
pub fn token_in(mail: &str) -> String {
    // Quoted-printable writes `=` as `=3D` and breaks long lines.
    let text = mail.replace("=\r\n", "").replace("=3D", "=");
    let at = text.find("token=").unwrap() + "token=".len();
    text[at..at + 32].to_owned()
}
