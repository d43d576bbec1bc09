//! Finds users by parts of their names, by client and by status, sorted and page by page.

mod condition;
mod filter;
mod page_anchors;
mod postgres;
mod sqlite;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use condition::Condition;
pub use filter::{Filter, Sort, SortKey};
pub use page_anchors::PageAnchors;

use super::connection::{columns, on_backend};
use super::tables::users;
use super::user_row::UserRow;
use super::{AnyConnection, Result};
use crate::domain::user::User;

/// With this many hits or more, walking users in order is cheaper than sorting the hits.
const MANY_HITS: i64 = 10_000;

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    users: i64,
    /// Grows with every change of `users` and of the columns that lists are sorted by.
    #[diesel(sql_type = BigInt)]
    changes: i64,
}

/// One page of users, and the number of all hits.
pub fn find(
    conn: &mut AnyConnection,
    filter: &Filter,
    anchors: &PageAnchors,
) -> Result<(Vec<User>, i64)> {
    let (page, total) = find_names(conn, filter, anchors)?;
    // Find the names first and then the rows: an offset then walks a narrow index, and one query reads the rows.
    let query = users::table
        .filter(users::user_name_ci.eq_any(&page))
        .select((users::user_name_ci, columns::<UserRow>()));
    let rows: Vec<(String, User)> = on_backend!(conn, c => query.load(c))?;
    let mut by_name: HashMap<String, User> = rows.into_iter().collect();
    let users = page.iter().filter_map(|name| by_name.remove(name));
    Ok((users.collect(), total))
}

/// The canonical user names of one page in order, and the number of all hits.
fn find_names(
    conn: &mut AnyConnection,
    filter: &Filter,
    anchors: &PageAnchors,
) -> Result<(Vec<String>, i64)> {
    let patterns = filter.patterns();
    let counts = counts(conn, filter)?;
    let (total, condition) = match &conn {
        AnyConnection::Sqlite(_) => sqlite::plan(conn, filter, &patterns, counts.users)?,
        AnyConnection::Postgres(_) => {
            let condition = postgres::condition(filter, &patterns);
            if patterns.is_empty() {
                (counts.users, condition)
            } else if let Some(found) = postgres::few_hits(conn, filter, &condition)? {
                return Ok(found);
            } else {
                (condition.count(conn)?, condition)
            }
        }
    };
    if filter.offset >= total || filter.limit == 0 {
        return Ok((Vec::new(), total));
    }
    let page = match page_anchors::order_with_anchors(filter) {
        Some(key) => page_anchors::page(conn, filter, key, counts.changes, anchors)?,
        None => condition.page(conn, filter)?,
    };
    Ok((page, total))
}

/// The number of users with the filter's clients and statuses; conditions on names are ignored. Triggers maintain these
/// counts, so that no search has to count the users.
fn counts(conn: &mut AnyConnection, filter: &Filter) -> Result<Counts> {
    let mut condition = Condition::default();
    condition.client_and_status("", filter);
    let head = "SELECT CAST(coalesce(sum(users), 0) AS BIGINT) AS users, \
                CAST(coalesce(sum(changes), 0) AS BIGINT) AS changes FROM user_counts";
    let sql = condition.sql(head, "", conn);
    let counts = condition.load::<Counts>(conn, sql)?.pop();
    Ok(counts.unwrap_or(Counts {
        users: 0,
        changes: 0,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::Status;
    use crate::store::{Opening, Store, users};

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("search.db");
        let opening = Opening::parse(&path.to_string_lossy(), 1, 1000).unwrap();
        (folder, Store::open(opening).unwrap())
    }

    #[test]
    fn updates_the_counts_after_inserts_updates_and_deletions() {
        let (_folder, store) = store();
        let count = |clients: &[&str], statuses: &[Status]| {
            let filter = Filter {
                client_names: clients.iter().map(|c| (*c).to_owned()).collect(),
                statuses: statuses.to_vec(),
                ..Filter::default()
            };
            store.read(|c| counts(c, &filter)).unwrap().users
        };
        let add = |name: &str| {
            let email = format!("{name}@a.hu");
            let new = users::NewUser {
                uuid: name,
                user_name: name,
                name,
                email: &email,
                status: Status::Active,
                now: 0,
                ..Default::default()
            };
            store.write(|c| users::insert(c, &new)).unwrap()
        };
        assert_eq!(count(&[], &[]), 0);
        let (a, b) = (add("a"), add("b"));
        assert_eq!(
            (count(&[], &[]), count(&["Default"], &[Status::Active])),
            (2, 2)
        );
        store
            .write(|c| {
                let mut user = users::by_id(c, a)?.unwrap();
                user.client_name = "Portal".to_owned();
                users::update(c, &user)?;
                user.status = Status::Inactive;
                users::update(c, &user)?;
                users::update(c, &user)
            })
            .unwrap();
        assert_eq!(
            (count(&["Default"], &[]), count(&["Portal", "Default"], &[])),
            (1, 2)
        );
        assert_eq!(
            (
                count(&[], &[Status::Inactive]),
                count(&["Portal"], &[Status::Active])
            ),
            (1, 0)
        );
        store.write(|c| users::erase(c, b)).unwrap();
        assert_eq!((count(&[], &[]), count(&["Default"], &[])), (1, 0));
    }
}
