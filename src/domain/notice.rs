//! The data of a mail to a user; the templates add the text.

use super::words::words;

words! {
    /// The kind of a mail. The outbox, file names and the command line contain the spelling of the value.
    pub enum Topic {
        /// Delivers the token that activates a registered user.
        Activation = "activation",
        /// Delivers the token for setting a new password.
        PasswordReset = "password-reset",
        /// Reports that the password was changed.
        PasswordChanged = "password-changed",
        /// Reports a change of the address to the old address, and carries the token that restores it.
        EmailChanged = "email-changed",
        /// Reports that another system can sign in as the user.
        IdentityLinked = "identity-linked",
        /// Reports that another system can no longer sign in as the user.
        IdentityUnlinked = "identity-unlinked",
    }
}

impl Topic {
    /// Whether the mail carries a token.
    #[must_use]
    pub const fn has_token(self) -> bool {
        match self {
            Topic::Activation | Topic::PasswordReset | Topic::EmailChanged => true,
            Topic::PasswordChanged | Topic::IdentityLinked | Topic::IdentityUnlinked => false,
        }
    }
}

/// The data of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub topic: Topic,
    pub english: bool,
    pub to: String,
    /// The name of the person; empty if it must not appear in a mail.
    pub name: String,
    pub user_name: String,
    /// The one-time token; empty for topics without one.
    pub token: String,
    /// A further fact that depends on the topic: the hours in which a change can be undone, or the names of the
    /// linked or unlinked systems; empty if the mail must not show them.
    pub detail: String,
}

impl Notice {
    /// Encodes each field as one line. Every field was checked earlier and has no line break.
    #[must_use]
    pub fn to_lines(&self) -> String {
        let language = if self.english { "en" } else { "hu" };
        [
            self.topic.as_str(),
            language,
            &self.to,
            &self.name,
            &self.user_name,
            &self.token,
            &self.detail,
        ]
        .join("\n")
    }

    /// The inverse of [`Notice::to_lines`].
    #[must_use]
    pub fn from_lines(text: &str) -> Option<Notice> {
        let mut lines = text.split('\n');
        let mut next = || lines.next().map(str::to_owned);
        let topic = Topic::parse(&next()?)?;
        let english = next()? == "en";
        let notice = Notice {
            topic,
            english,
            to: next()?,
            name: next()?,
            user_name: next()?,
            token: next()?,
            // Rows written by older versions have no `detail` line.
            detail: next().unwrap_or_default(),
        };
        lines.next().is_none().then_some(notice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_encoded_lines_and_lines_of_older_versions() {
        let notice = Notice {
            topic: Topic::PasswordChanged,
            english: false,
            to: "moka.miklos@dbx.hu".into(),
            name: "Móka Miklós".into(),
            user_name: "mokamiki".into(),
            token: String::new(),
            detail: "72".into(),
        };
        let lines = notice.to_lines();
        assert_eq!(Notice::from_lines(&lines), Some(notice.clone()));
        let older = lines.strip_suffix("\n72").unwrap();
        let detail = String::new();
        assert_eq!(Notice::from_lines(older), Some(Notice { detail, ..notice }));
        assert_eq!(Notice::from_lines(&(lines + "\nmore")), None);
        assert_eq!(Notice::from_lines("activation\nhu"), None);
    }
}
