//! Builds and runs the SELECT statements of a user search.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::filter::Filter;
use crate::store::connection::on_backend;
use crate::store::{AnyConnection, Result};

#[derive(QueryableByName)]
pub(super) struct UserNameRow {
    #[diesel(sql_type = Text)]
    pub(super) user_name_ci: String,
}

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// A WHERE clause under construction. Its text consists of constants; every value is bound.
#[derive(Default, Clone)]
pub(super) struct Condition {
    pub(super) clauses: Vec<String>,
    pub(super) binds: Vec<String>,
}

impl Condition {
    /// Binds a value and returns its placeholder. [`Self::sql`] numbers the placeholders for PostgreSQL.
    pub(super) fn bind(&mut self, value: String) -> &'static str {
        self.binds.push(value);
        "?"
    }

    /// Restricts the result to the clients and statuses of the filter. `prefix` stands before each column.
    pub(super) fn client_and_status(&mut self, prefix: &str, filter: &Filter) {
        self.any_of(prefix, "client_name", filter.client_names.iter().cloned());
        let statuses = filter.statuses.iter().map(|s| s.as_str().to_owned());
        self.any_of(prefix, "status", statuses);
    }

    fn any_of(&mut self, prefix: &str, column: &str, values: impl Iterator<Item = String>) {
        let marks: Vec<_> = values.map(|v| self.bind(v)).collect();
        if !marks.is_empty() {
            self.clauses
                .push(format!("{prefix}{column} IN ({})", marks.join(", ")));
        }
    }

    pub(super) fn sql(&self, head: &str, tail: &str, conn: &AnyConnection) -> String {
        let mut sql = String::from(head);
        if !self.clauses.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&self.clauses.join(" AND "));
        }
        sql.push_str(tail);
        if matches!(conn, AnyConnection::Sqlite(_)) {
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

    pub(super) fn count_sql(&self, conn: &AnyConnection) -> String {
        self.sql("SELECT count(*) AS total FROM users", "", conn)
    }

    /// The number of matching users.
    pub(super) fn count(&self, conn: &mut AnyConnection) -> Result<i64> {
        let sql = self.count_sql(conn);
        let total: Vec<TotalRow> = self.load(conn, sql)?;
        Ok(total.first().map_or(0, |t| t.total))
    }

    pub(super) fn page_sql(&self, conn: &AnyConnection, filter: &Filter) -> String {
        let (order, limit, offset) = (filter.order_by(), filter.limit, filter.offset);
        let tail = format!(" ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        self.sql("SELECT user_name_ci FROM users", &tail, conn)
    }

    /// The canonical user names of the filter's page, in order.
    pub(super) fn page(&self, conn: &mut AnyConnection, filter: &Filter) -> Result<Vec<String>> {
        let keys: Vec<UserNameRow> = self.load(conn, self.page_sql(conn, filter))?;
        Ok(keys.into_iter().map(|row| row.user_name_ci).collect())
    }

    /// Runs a statement that [`Self::sql`] made.
    pub(super) fn load<R>(&self, conn: &mut AnyConnection, sql: String) -> Result<Vec<R>>
    where
        R: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        Ok(on_backend!(conn, c => {
            let mut query = diesel::sql_query(sql).into_boxed();
            for bind in &self.binds {
                query = query.bind::<Text, _>(bind);
            }
            query.load(c)?
        }))
    }
}
