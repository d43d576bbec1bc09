//! Remembers the position of every 5,000th user of the whole list, so that a page far down does not walk the index from
//! its start.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::condition::Condition;
use super::filter::{Filter, SortKey};
use crate::store::{AnyConnection, Result};

/// The number of users between two anchors.
const STEP: i64 = 5_000;

/// A position in an order: the first and the last column of its index.
type Position = (String, String);

#[derive(QueryableByName)]
struct PositionRow {
    #[diesel(sql_type = Text)]
    first: String,
    #[diesel(sql_type = Text)]
    last: String,
}

/// The page anchors of each order. They are valid while the number of changes in `user_counts` stays the same.
#[derive(Default)]
pub struct PageAnchors {
    orders: Mutex<HashMap<SortKey, Anchors>>,
}

#[derive(Default)]
struct Anchors {
    /// The number of changes at which the positions were read.
    changes: i64,
    /// The positions after 5,000 users, 10,000 and so on.
    positions: Vec<Position>,
}

impl PageAnchors {
    /// The nearest known anchor at or before this offset, and the number of users before it.
    fn before(&self, key: SortKey, changes: i64, offset: i64) -> (i64, Option<Position>) {
        let orders = self.lock();
        let Some(anchors) = orders.get(&key).filter(|o| o.changes == changes) else {
            return (0, None);
        };
        let steps = usize::try_from(offset / STEP).unwrap_or(0);
        let known = steps.min(anchors.positions.len());
        let position = known
            .checked_sub(1)
            .and_then(|at| anchors.positions.get(at));
        (known as i64 * STEP, position.cloned())
    }

    /// Remembers the anchor after this many users, if it is the next one.
    fn add(&self, key: SortKey, changes: i64, users_before: i64, position: Position) {
        let mut orders = self.lock();
        let anchors = orders.entry(key).or_default();
        if anchors.changes != changes {
            *anchors = Anchors {
                changes,
                positions: Vec::new(),
            };
        }
        if (anchors.positions.len() as i64 + 1) * STEP == users_before {
            anchors.positions.push(position);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SortKey, Anchors>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The order of a page that starts from an anchor: a page of the whole list, at least two steps down.
pub(super) fn order_with_anchors(filter: &Filter) -> Option<SortKey> {
    let is_whole_list = filter.client_names.is_empty()
        && filter.statuses.is_empty()
        && filter.patterns().is_empty();
    let key = match filter.sort.as_slice() {
        [] => SortKey::UserName,
        [only] if !only.descending => only.key,
        _ => return None,
    };
    (is_whole_list && filter.offset >= 2 * STEP).then_some(key)
}

/// The canonical user names of a page, read from the nearest anchor on. Sets the missing anchors up to the page.
pub(super) fn page(
    conn: &mut AnyConnection,
    filter: &Filter,
    key: SortKey,
    changes: i64,
    anchors: &PageAnchors,
) -> Result<Vec<String>> {
    let (mut passed, mut position) = anchors.before(key, changes, filter.offset);
    while passed + STEP <= filter.offset {
        // Select only columns of the index, so that the database reads no row of a user on the way.
        let (first, last) = key.index();
        let head = format!("SELECT {first} AS first, {last} AS last FROM users");
        let tail = format!(" ORDER BY {} LIMIT 1 OFFSET {STEP}", filter.order_by());
        let condition = from_position(key, position);
        let sql = condition.sql(&head, &tail, conn);
        let Some(row) = condition.load::<PositionRow>(conn, sql)?.pop() else {
            return Ok(Vec::new());
        };
        passed += STEP;
        let next = (row.first, row.last);
        anchors.add(key, changes, passed, next.clone());
        position = Some(next);
    }
    let rest = Filter {
        offset: filter.offset - passed,
        ..filter.clone()
    };
    from_position(key, position).page(conn, &rest)
}

/// Users at and after a position.
fn from_position(key: SortKey, position: Option<Position>) -> Condition {
    let mut condition = Condition::default();
    if let Some((first, last)) = position {
        let (a, b) = key.index();
        let mark = condition.bind(first);
        if a == b {
            condition.clauses.push(format!("{a} >= {mark}"));
        } else {
            let second = condition.bind(last);
            let clause = format!("({a}, {b}) >= ({mark}, {second})");
            condition.clauses.push(clause);
        }
    }
    condition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_anchors_when_the_number_of_changes_differs() {
        let anchors = PageAnchors::default();
        let position = |n: i64| (n.to_string(), n.to_string());
        let before = |changes, offset| anchors.before(SortKey::Name, changes, offset);
        assert_eq!(before(1, 50_000), (0, None));
        anchors.add(SortKey::Name, 1, STEP, position(1));
        anchors.add(SortKey::Name, 1, 3 * STEP, position(3));
        assert_eq!(before(1, 50_000), (STEP, Some(position(1))), "no gaps");
        anchors.add(SortKey::Name, 1, 2 * STEP, position(2));
        assert_eq!(before(1, 50_000), (2 * STEP, Some(position(2))));
        assert_eq!(before(1, 2 * STEP - 1), (STEP, Some(position(1))));
        assert_eq!(before(1, STEP - 1), (0, None));
        assert_eq!(before(2, 50_000), (0, None), "a user was created");
        assert_eq!(anchors.before(SortKey::Email, 1, 50_000), (0, None));
        anchors.add(SortKey::Name, 2, STEP, position(7));
        assert_eq!(before(2, 50_000), (STEP, Some(position(7))));
        assert_eq!(before(1, 50_000), (0, None));
    }
}
