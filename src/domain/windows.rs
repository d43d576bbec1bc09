//! Limits on calls per minute, by user and by service, counted in memory.

use std::collections::HashMap;

use super::Millis;

/// The length of one window: a minute.
const WINDOW_MS: Millis = 60_000;
/// The maximum number of users with a counter in one window. The calls of further users are counted by service
/// only.
const MAX_USERS: usize = 100_000;

/// The maximum number of calls in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerMinute {
    pub per_user: u32,
    pub per_service: u32,
}

/// The counters of the current window. Only registered services have a counter, so their number is bounded.
#[derive(Debug, Default)]
pub struct Windows {
    began_at: Millis,
    users: HashMap<i64, u32>,
    services: HashMap<i64, u32>,
}

impl Windows {
    /// Counts a call of a user to a service. A call over the user's limit does not count for the service, so that one
    /// user cannot use up the calls of other users.
    ///
    /// # Errors
    /// The call is over a limit. The value is the rest of the window, in milliseconds.
    pub fn count(
        &mut self,
        most: PerMinute,
        user: i64,
        service: Option<i64>,
        now: Millis,
    ) -> Result<(), Millis> {
        // A clock that was set back also starts a new window.
        if !(self.began_at..self.began_at + WINDOW_MS).contains(&now) {
            self.began_at = now - now.rem_euclid(WINDOW_MS);
            self.users.clear();
            self.services.clear();
        }
        let wait = self.began_at + WINDOW_MS - now;
        let is_counted = self.users.len() < MAX_USERS || self.users.contains_key(&user);
        if is_counted && !one_more(self.users.entry(user).or_default(), most.per_user) {
            return Err(wait);
        }
        match service {
            Some(id) if !one_more(self.services.entry(id).or_default(), most.per_service) => {
                Err(wait)
            }
            _ => Ok(()),
        }
    }
}

/// Adds one to the counter and returns true, or returns false if the counter has reached `most`.
fn one_more(count: &mut u32, most: u32) -> bool {
    let fits = *count < most;
    *count += u32::from(fits);
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: PerMinute = PerMinute {
        per_user: 2,
        per_service: 3,
    };

    #[test]
    fn refuses_the_call_above_a_users_or_a_services_limit_until_the_window_ends() {
        let mut windows = Windows::default();
        let mut count = |user, now| windows.count(MOST, user, Some(7), now);
        assert_eq!([count(1, 60_000), count(1, 60_001)], [Ok(()), Ok(())]);
        // The refused calls of user 1 leave the last call of the service to user 2.
        assert_eq!(
            [count(1, 60_002), count(1, 60_003)],
            [Err(59_998), Err(59_997)]
        );
        assert_eq!([count(2, 90_000), count(2, 119_999)], [Ok(()), Err(1)]);
        assert_eq!(count(1, 120_000), Ok(()));
    }

    #[test]
    fn counts_a_limited_number_of_users() {
        let mut windows = Windows::default();
        let most = PerMinute {
            per_user: 1,
            per_service: u32::MAX,
        };
        for user in 0..MAX_USERS as i64 + 10 {
            assert_eq!(windows.count(most, user, None, 0), Ok(()));
        }
        assert_eq!(windows.users.len(), MAX_USERS);
        assert_eq!(windows.count(most, 0, None, 0), Err(60_000));
        assert_eq!(windows.count(most, -1, None, 0), Ok(()));
    }
}
