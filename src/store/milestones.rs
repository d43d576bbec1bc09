//! Where every so manyth user of the whole list stands, so that a page far down it is not walked to from the top each time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::users::SortKey;

/// Users from one milestone to the next.
pub(super) const STEP: i64 = 5_000;

/// The place of a user in an order: what its index holds of it.
pub(super) type Place = (String, String);

/// The milestones of each order, which hold as long as nobody comes, goes or is called otherwise.
#[derive(Default)]
pub struct Milestones {
    orders: Mutex<HashMap<SortKey, Order>>,
}

#[derive(Default)]
struct Order {
    /// The count of changes that the places go by.
    changes: i64,
    /// Of the users after one step, two, and so on.
    places: Vec<Place>,
}

impl Milestones {
    /// The last known milestone that is not past this offset, and how many users come before it.
    pub(super) fn before(&self, key: SortKey, changes: i64, offset: i64) -> (i64, Option<Place>) {
        let orders = self.lock();
        let Some(order) = orders.get(&key).filter(|o| o.changes == changes) else {
            return (0, None);
        };
        let steps = usize::try_from(offset / STEP).unwrap_or(0);
        let known = steps.min(order.places.len());
        let place = known.checked_sub(1).and_then(|at| order.places.get(at));
        (known as i64 * STEP, place.cloned())
    }

    /// Remembers the milestone that so many users come before, if it is the next one.
    pub(super) fn add(&self, key: SortKey, changes: i64, users_before: i64, place: Place) {
        let mut orders = self.lock();
        let order = orders.entry(key).or_default();
        if order.changes != changes {
            *order = Order {
                changes,
                places: Vec::new(),
            };
        }
        if (order.places.len() as i64 + 1) * STEP == users_before {
            order.places.push(place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SortKey, Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milestones_hold_until_something_changes() {
        let milestones = Milestones::default();
        let place = |n: i64| (n.to_string(), n.to_string());
        let before = |changes, offset| milestones.before(SortKey::Name, changes, offset);
        assert_eq!(before(1, 50_000), (0, None));
        milestones.add(SortKey::Name, 1, STEP, place(1));
        milestones.add(SortKey::Name, 1, 3 * STEP, place(3));
        assert_eq!(before(1, 50_000), (STEP, Some(place(1))), "no gaps");
        milestones.add(SortKey::Name, 1, 2 * STEP, place(2));
        assert_eq!(before(1, 50_000), (2 * STEP, Some(place(2))));
        assert_eq!(before(1, 2 * STEP - 1), (STEP, Some(place(1))));
        assert_eq!(before(1, STEP - 1), (0, None));
        assert_eq!(before(2, 50_000), (0, None), "somebody came");
        assert_eq!(milestones.before(SortKey::Email, 1, 50_000), (0, None));
        milestones.add(SortKey::Name, 2, STEP, place(7));
        assert_eq!(before(2, 50_000), (STEP, Some(place(7))));
        assert_eq!(before(1, 50_000), (0, None));
    }
}
