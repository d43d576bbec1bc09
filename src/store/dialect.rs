//! Substring search, the one query that SQLite (FTS5 trigrams) and PostgreSQL (pg_trgm) do differently.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::users::Filter;
use super::{AnyConnection, StoreError};
use crate::domain::text::canonical;

/// Trigram indexes know nothing shorter.
const SHORTEST_INDEXED: usize = 3;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// The ids of one page by user name, and the number of all hits.
pub(super) fn find(
    connection: &mut AnyConnection,
    filter: &Filter,
) -> Result<(Vec<i64>, i64), StoreError> {
    let mut condition = Condition::default();
    let columns = [
        ("user_name_ci", &filter.user_name),
        ("name_ci", &filter.name),
        ("email_ci", &filter.email),
    ];
    let wanted = columns
        .iter()
        .filter_map(|(column, part)| part.as_deref().map(|p| (*column, canonical(p))));
    match connection {
        AnyConnection::Sqlite(_) => condition.contains_on_sqlite(wanted),
        AnyConnection::Postgres(_) => condition.contains_on_postgres(wanted),
    }
    condition.any_of("client_name", filter.client_names.iter().cloned());
    condition.any_of(
        "status",
        filter.statuses.iter().map(|s| s.as_str().to_owned()),
    );

    let total = condition.count(connection)?;
    if filter.offset >= total || filter.limit == 0 {
        return Ok((Vec::new(), total));
    }
    let page = condition.page(connection, filter.limit, filter.offset)?;
    Ok((page, total))
}

/// A WHERE clause under construction. Its text is made of constants; every value is bound.
#[derive(Default)]
struct Condition {
    clauses: Vec<String>,
    binds: Vec<String>,
}

impl Condition {
    /// Binds a value and returns its place holder, `?` to be numbered later.
    fn bind(&mut self, value: String) -> &'static str {
        self.binds.push(value);
        "?"
    }

    fn any_of(&mut self, column: &str, values: impl Iterator<Item = String>) {
        let marks: Vec<_> = values.map(|v| self.bind(v)).collect();
        if !marks.is_empty() {
            self.clauses
                .push(format!("{column} IN ({})", marks.join(", ")));
        }
    }

    /// One MATCH for all columns: the index intersects them. A quoted phrase of a trigram index is
    /// an exact substring, so nothing in the text is an operator.
    fn contains_on_sqlite(&mut self, wanted: impl Iterator<Item = (&'static str, String)>) {
        let mut phrases = Vec::new();
        for (column, part) in wanted {
            if part.chars().count() >= SHORTEST_INDEXED {
                phrases.push(format!("{column} : \"{}\"", part.replace('"', "\"\"")));
            } else {
                // One or two characters are in about as many rows as there are, so walking an
                // index costs about what the answer is worth.
                let mark = self.bind(part);
                self.clauses.push(format!("instr({column}, {mark}) > 0"));
            }
        }
        if !phrases.is_empty() {
            let mark = self.bind(phrases.join(" AND "));
            self.clauses.push(format!(
                "id IN (SELECT rowid FROM users_search WHERE users_search MATCH {mark})"
            ));
        }
    }

    fn contains_on_postgres(&mut self, wanted: impl Iterator<Item = (&'static str, String)>) {
        for (column, part) in wanted {
            let literal = part
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            let mark = self.bind(format!("%{literal}%"));
            self.clauses.push(format!("{column} LIKE {mark}"));
        }
    }

    fn sql(&self, head: &str, tail: &str, connection: &AnyConnection) -> String {
        let mut sql = String::from(head);
        if !self.clauses.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&self.clauses.join(" AND "));
        }
        sql.push_str(tail);
        if matches!(connection, AnyConnection::Sqlite(_)) {
            return sql;
        }
        let mut numbered = String::with_capacity(sql.len() + 16);
        let mut at = 0;
        for c in sql.chars() {
            if c == '?' {
                at += 1;
                numbered.push('$');
                numbered.push_str(&at.to_string());
            } else {
                numbered.push(c);
            }
        }
        numbered
    }

    fn count(&self, connection: &mut AnyConnection) -> Result<i64, StoreError> {
        let sql = self.sql("SELECT count(*) AS total FROM users", "", connection);
        let total: Vec<Total> = self.load(connection, sql)?;
        Ok(total.first().map_or(0, |t| t.total))
    }

    fn page(
        &self,
        connection: &mut AnyConnection,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let tail = format!(" ORDER BY user_name_ci LIMIT {limit} OFFSET {offset}");
        let sql = self.sql("SELECT id FROM users", &tail, connection);
        let ids: Vec<Id> = self.load(connection, sql)?;
        Ok(ids.into_iter().map(|row| row.id).collect())
    }

    fn load<R>(&self, connection: &mut AnyConnection, sql: String) -> Result<Vec<R>, StoreError>
    where
        R: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        Ok(match connection {
            AnyConnection::Sqlite(c) => {
                let mut query = diesel::sql_query(sql).into_boxed();
                for bind in &self.binds {
                    query = query.bind::<Text, _>(bind);
                }
                query.load(c)?
            }
            AnyConnection::Postgres(c) => {
                let mut query = diesel::sql_query(sql).into_boxed();
                for bind in &self.binds {
                    query = query.bind::<Text, _>(bind);
                }
                query.load(c)?
            }
        })
    }
}
