//! The pages, and the template of each.

/// The pages: the name below the prefix, the page, and the key of its title.
pub(super) const PAGES: &[(&str, Kind, &str)] = &[
    ("login.html", Kind::Login, "sign_in"),
    (
        "organisation.html",
        Kind::Organisation,
        "choose_organisation",
    ),
    ("logout.html", Kind::Logout, "sign_out"),
    ("register.html", Kind::Register, "register"),
    ("resend.html", Kind::Resend, "resend"),
    ("confirm.html", Kind::Confirm, "confirm_title"),
    (
        "forgotten-password.html",
        Kind::Forgotten,
        "forgotten_password",
    ),
    ("new-password.html", Kind::NewPassword, "new_password"),
    ("account.html", Kind::Account, "account"),
    ("password.html", Kind::Password, "change_password"),
    ("delete.html", Kind::Delete, "delete_account"),
    ("undo-email.html", Kind::UndoEmail, "undo_email"),
    ("data.json", Kind::Data, "account"),
];

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Organisation,
    Logout,
    Register,
    Resend,
    Confirm,
    Forgotten,
    NewPassword,
    Account,
    Password,
    Delete,
    UndoEmail,
    Data,
}

impl Kind {
    /// The template of the page; most pages have a template of the same name.
    pub(super) fn template(self) -> &'static str {
        match self {
            Kind::Resend | Kind::Forgotten => "mail-me.html",
            Kind::Data => "account.html",
            _ => PAGES
                .iter()
                .find(|(_, kind, _)| *kind == self)
                .map_or("", |(name, ..)| name),
        }
    }
}
