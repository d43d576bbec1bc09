//! What people are told by mail: the facts, not the words.

/// Which mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Carries the token that activates a registered user.
    Activation,
    /// Carries the token that sets a new password.
    PasswordReset,
    /// Says that the password was changed.
    PasswordChanged,
}

/// One mail to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub topic: Topic,
    pub english: bool,
    pub to: String,
    pub name: String,
    pub user_name: String,
    /// The one-time token, for the topics that carry one.
    pub token: String,
}

impl Notice {
    /// One line a field; no field can hold a line break, since every one was checked for that.
    #[must_use]
    pub fn to_lines(&self) -> String {
        let topic = match self.topic {
            Topic::Activation => "activation",
            Topic::PasswordReset => "password-reset",
            Topic::PasswordChanged => "password-changed",
        };
        let language = if self.english { "en" } else { "hu" };
        [
            topic,
            language,
            &self.to,
            &self.name,
            &self.user_name,
            &self.token,
        ]
        .join("\n")
    }

    /// The inverse of [`Notice::to_lines`].
    #[must_use]
    pub fn from_lines(text: &str) -> Option<Notice> {
        let mut lines = text.split('\n');
        let mut next = || lines.next().map(str::to_owned);
        let topic = match next()?.as_str() {
            "activation" => Topic::Activation,
            "password-reset" => Topic::PasswordReset,
            "password-changed" => Topic::PasswordChanged,
            _ => return None,
        };
        let english = next()? == "en";
        let notice = Notice {
            topic,
            english,
            to: next()?,
            name: next()?,
            user_name: next()?,
            token: next()?,
        };
        lines.next().is_none().then_some(notice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_way_through_the_outbox() {
        let notice = Notice {
            topic: Topic::PasswordChanged,
            english: false,
            to: "moka.miklos@dbx.hu".into(),
            name: "Móka Miklós".into(),
            user_name: "mokamiki".into(),
            token: String::new(),
        };
        assert_eq!(Notice::from_lines(&notice.to_lines()), Some(notice));
        assert_eq!(Notice::from_lines("activation\nhu"), None);
    }
}
