//! The roles of people in the directory's organisations (SPEC §11).

/// All roles in their stored spelling. The original documents write some of them without underscores.
pub const KNOWN: [&str; 25] = [
    "ADMIN",
    "ANNOUNCEMENT_SENDER",
    "BOOK_CREATOR",
    "BOOK_REVIEWER",
    "CONTENT_CREATION",
    "CONTENT_CREATOR",
    "CONTENT_CURATION",
    "CONTENT_REVIEW",
    "CONTENT_REVIEWER",
    "COURSE_ADMIN",
    "COURSE_CREATOR",
    "COURSE_MENTOR",
    "FLAG_REVIEWER",
    "MEMBERSHIP_MANAGEMENT",
    "OFFICIAL_TEXTBOOK_BADGE_ISSUER",
    "ORG_ADMIN",
    "ORG_MANAGEMENT",
    "ORG_MODERATOR",
    "PROGRAM_DESIGNER",
    "PROGRAM_MANAGER",
    "PUBLIC",
    "REPORT_ADMIN",
    "REPORT_VIEWER",
    "SYSTEM_ADMINISTRATION",
    "TEACHER_BADGE_ISSUER",
];

/// Finds a role by its name, ignoring case and underscores.
#[must_use]
pub fn known(text: &str) -> Option<&'static str> {
    let letters = |text: &str| -> String {
        let letters = text.trim().chars().filter(|c| *c != '_');
        letters.map(|c| c.to_ascii_uppercase()).collect()
    };
    let meant = letters(text);
    KNOWN.into_iter().find(|role| letters(role) == meant)
}

/// The known roles of these names, in this order and without duplicates; `None` if one name is unknown.
pub fn all_known<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let role = known(name)?;
        if !found.iter().any(|other| other == role) {
            found.push(role.to_owned());
        }
    }
    Some(found)
}

/// Whether a known role administers other people or the system. Partners cannot give such a role.
#[must_use]
pub fn is_administrative(role: &str) -> bool {
    role.contains("ADMIN")
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, all_known, is_administrative, known};

    #[test]
    fn keeps_the_order_of_roles_and_drops_duplicates() {
        let roles = all_known(["public", "Book_Creator", "PUBLIC"]).unwrap();
        assert_eq!(roles, ["PUBLIC", "BOOK_CREATOR"]);
        assert_eq!(all_known(["PUBLIC", "USER_ADMIN"]), None);
    }

    #[test]
    fn recognises_administrative_roles() {
        let found = KNOWN.into_iter().filter(|role| is_administrative(role));
        let expected = [
            "ADMIN",
            "COURSE_ADMIN",
            "ORG_ADMIN",
            "REPORT_ADMIN",
            "SYSTEM_ADMINISTRATION",
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn finds_roles_whatever_their_case_and_underscores() {
        for text in [
            "CONTENT_CREATOR",
            "CONTENTCREATOR",
            "content_creator",
            " ContentCreator ",
        ] {
            assert_eq!(known(text), Some("CONTENT_CREATOR"), "{text}");
        }
        for wrong in [
            "",
            "_",
            "CONTENT",
            "CONTENT CREATOR",
            "USER_ADMIN",
            "CONTENTCREATORS",
        ] {
            assert_eq!(known(wrong), None, "{wrong}");
        }
    }
}
