//! The conditions, the order and the page that a caller of the user search asks for.

use crate::domain::text::canonical;
use crate::domain::user::Status;

/// A sort column; each compares canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortKey {
    UserName,
    Name,
    Email,
}

impl SortKey {
    const fn column(self) -> &'static str {
        match self {
            SortKey::UserName => "user_name_ci",
            SortKey::Name => "name_ci",
            SortKey::Email => "email_ci",
        }
    }

    /// The first and the last column of the index in this order; together they identify a position in it.
    pub(super) const fn index(self) -> (&'static str, &'static str) {
        match self {
            SortKey::UserName => ("user_name_ci", "user_name_ci"),
            SortKey::Name => ("name_ci", "user_name_ci"),
            SortKey::Email => ("email_ci", "email_ci"),
        }
    }
}

/// One term of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    pub key: SortKey,
    pub descending: bool,
}

/// The parameters of a user search. A user must meet all given conditions.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the user name, compared canonically; no character is a wildcard.
    pub user_name: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub client_names: Vec<String>,
    pub statuses: Vec<Status>,
    /// The user name breaks ties.
    pub sort: Vec<Sort>,
    pub limit: i64,
    pub offset: i64,
}

/// A column and the text that it must contain.
pub(super) type Pattern = (&'static str, String);

impl Filter {
    /// The substring conditions. An empty text restricts nothing and is left out.
    pub(super) fn patterns(&self) -> Vec<Pattern> {
        [
            ("user_name_ci", &self.user_name),
            ("name_ci", &self.name),
            ("email_ci", &self.email),
        ]
        .into_iter()
        .filter_map(|(column, part)| Some((column, canonical(part.as_deref()?))))
        .filter(|(_, part)| !part.is_empty())
        .collect()
    }

    /// The `ORDER BY` terms. They end in a unique column, so that pages do not overlap.
    pub(super) fn order_by(&self) -> String {
        let mut columns: Vec<String> = self
            .sort
            .iter()
            .map(|sort| {
                let direction = if sort.descending { " DESC" } else { "" };
                format!("{}{direction}", sort.key.column())
            })
            .collect();
        if self.sort.iter().all(|sort| sort.key != SortKey::UserName) {
            columns.push(SortKey::UserName.column().to_owned());
        }
        columns.join(", ")
    }
}
