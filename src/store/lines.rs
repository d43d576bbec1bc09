//! Lists in one text column, with one entry on each line.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::Text;

/// The lines of a text column. Row types use this type with `deserialize_as`.
#[derive(FromSqlRow)]
pub struct Lines(Vec<String>);

impl<DB: Backend> FromSql<Text, DB> for Lines
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        String::from_sql(bytes).map(|text| Self(split_lines(&text)))
    }
}

impl From<Lines> for Vec<String> {
    fn from(lines: Lines) -> Self {
        lines.0
    }
}

pub(super) fn join_lines(entries: &[String]) -> String {
    entries.join("\n")
}

pub(super) fn split_lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
