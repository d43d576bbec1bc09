//! The cookies of the pages: session, browser, known browser and language.

use crate::contract::messages::Language;
use crate::contract::shape::Secret;
use crate::domain::Millis;

/// The lifetime of the language cookie: a year.
const LANGUAGE_SECONDS: i64 = 365 * 24 * 3600;

/// The names and attributes of cookies at one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// The cookies of a site at this URL. Over plain HTTP, which is for development, browsers accept neither the prefix
    /// `__Host-` nor `SameSite=None`.
    #[must_use]
    pub fn of(base: &str) -> Self {
        Self {
            secure: base.starts_with("https://"),
        }
    }

    /// The value of the session cookie.
    #[must_use]
    pub fn session(self, header: Option<&str>) -> Option<Secret> {
        self.find(header?, "session").map(Secret::from)
    }

    /// The ID of the browser, to which its CSRF tokens are bound.
    pub fn browser(self, header: &str) -> Option<&str> {
        self.find(header, "browser")
    }

    /// The value of the cookie that identifies a browser in which a user has signed in.
    #[must_use]
    pub fn known_browser(self, header: Option<&str>) -> Option<Secret> {
        self.find(header?, "known").map(Secret::from)
    }

    /// The language that the user chose before.
    pub fn language(self, header: &str) -> Option<Language> {
        language(self.find(header, "language")?)
    }

    fn find<'a>(self, header: &'a str, name: &str) -> Option<&'a str> {
        let name = self.name(name);
        header.split(';').find_map(|cookie| {
            let (found, value) = cookie.trim().split_once('=')?;
            (found == name && !value.is_empty()).then_some(value)
        })
    }

    fn name(self, name: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}chaingun_{name}")
    }

    /// The session cookie with this lifetime. Browsers also send the cookie when a page of another site requests the
    /// loginbar.
    #[must_use]
    pub fn set_session(self, token: &Secret, life: Millis) -> String {
        let same_site = if self.secure { "None" } else { "Lax" };
        self.set("session", token.reveal(), Some(life / 1000), same_site)
    }

    /// Deletes the session cookie.
    #[must_use]
    pub fn clear_session(self) -> String {
        let same_site = if self.secure { "None" } else { "Lax" };
        self.set("session", "", Some(0), same_site)
    }

    /// The cookie of a known browser, with this lifetime.
    pub fn set_known_browser(self, marks: &Secret, life: Millis) -> String {
        self.set("known", marks.reveal(), Some(life / 1000), "Lax")
    }

    pub fn set_browser(self, id: &str) -> String {
        self.set("browser", id, None, "Lax")
    }

    pub fn set_language(self, language: Language) -> String {
        self.set("language", language.tag(), Some(LANGUAGE_SECONDS), "Lax")
    }

    fn set(self, name: &str, value: &str, seconds: Option<i64>, same_site: &str) -> String {
        let life = seconds.map_or_else(String::new, |s| format!("; Max-Age={s}"));
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/{life}; HttpOnly{secure}; SameSite={same_site}",
            self.name(name)
        )
    }
}

/// Reads the tag of a language.
pub fn language(tag: &str) -> Option<Language> {
    [Language::Hungarian, Language::English]
        .into_iter()
        .find(|l| l.tag() == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_own_cookie_among_others() {
        let cookies = Cookies::of("https://id.example.org");
        let header = "a=1; chaingun_session=plain; __Host-chaingun_session=right; b=2";
        assert_eq!(cookies.session(Some(header)).unwrap().reveal(), "right");
        assert_eq!(cookies.session(Some("x__Host-chaingun_session=a")), None);
        assert_eq!(cookies.session(None), None);
    }

    #[test]
    fn sets_secure_attributes_over_https_only() {
        let token = Secret::from("t");
        assert_eq!(
            Cookies::of("https://id.example.org").set_session(&token, 90_000),
            "__Host-chaingun_session=t; Path=/; Max-Age=90; HttpOnly; Secure; SameSite=None"
        );
        assert_eq!(
            Cookies::of("http://localhost:8080").set_session(&token, 90_000),
            "chaingun_session=t; Path=/; Max-Age=90; HttpOnly; SameSite=Lax"
        );
    }
}
