//! Plans a user search on PostgreSQL, whose planner chooses between the pg_trgm indexes and the others.

use super::MANY_HITS;
use super::condition::{Condition, UserNameRow};
use super::filter::{Filter, Pattern};
use crate::store::{AnyConnection, Result};

/// The filter as a WHERE clause.
pub(super) fn condition(filter: &Filter, patterns: &[Pattern]) -> Condition {
    let mut condition = Condition::default();
    for (column, part) in patterns {
        let literal = part
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let mark = condition.bind(format!("%{literal}%"));
        condition.clauses.push(format!("{column} LIKE {mark}"));
    }
    condition.client_and_status("", filter);
    condition
}

/// The page and the number of all hits from one statement; `None` if there are [`MANY_HITS`] or more.
pub(super) fn few_hits(
    conn: &mut AnyConnection,
    filter: &Filter,
    condition: &Condition,
) -> Result<Option<(Vec<String>, i64)>> {
    let hits = condition.sql(
        "SELECT user_name_ci, name_ci, email_ci FROM users",
        &format!(" LIMIT {MANY_HITS}"),
        conn,
    );
    // The first row is the total.
    let sql = format!(
        "WITH hits AS MATERIALIZED ({hits}), page AS (SELECT * FROM hits ORDER BY {order} LIMIT {limit} OFFSET {offset}) \
         SELECT user_name_ci FROM (SELECT CAST(count(*) AS TEXT) AS user_name_ci FROM hits) AS total \
         UNION ALL SELECT user_name_ci FROM (SELECT user_name_ci FROM page ORDER BY {order}) AS page",
        order = filter.order_by(),
        limit = filter.limit,
        offset = filter.offset,
    );
    let mut rows = condition.load::<UserNameRow>(conn, sql)?.into_iter();
    let total = rows.next().and_then(|row| row.user_name_ci.parse().ok());
    let total = total.unwrap_or(MANY_HITS);
    let page = rows.map(|row| row.user_name_ci).collect();
    Ok((total < MANY_HITS).then_some((page, total)))
}
