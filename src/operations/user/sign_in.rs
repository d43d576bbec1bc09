//! The sign-in by password that all faces share.

use crate::operations::prelude::*;
use crate::secrets::hashing::Verdict;
use crate::store::users;

/// A user whose password was right.
pub(in crate::operations) struct Checked {
    pub user: User,
    /// A new hash, if the stored one is out of date.
    renewed: Option<String>,
}

impl Checked {
    /// Checks a password. An unknown user costs the same work and gives the same answer as a wrong password.
    ///
    /// # Errors
    /// [`Code::BadCredentials`], [`Code::UserNotActive`] (only if the password was right), or an error of the store.
    pub fn of(cx: &RequestContext<'_>, login: &str, password: &Secret) -> Result<Self> {
        let user = cx.read(|c| users::by_login(c, login))?;
        let (user, verdict) = cx.verify_user(user, password)?;
        let renewed = match verdict {
            Verdict::RightButStale => Some(cx.hash(password.reveal())?),
            Verdict::Right | Verdict::Wrong => None,
        };
        Ok(Self { user, renewed })
    }

    /// Writes a sign-in in one transaction; `None` if the user has changed since the password was checked.
    pub fn write<T>(
        &self,
        cx: &RequestContext<'_>,
        step: impl Fn(&mut Transaction<'_>, &User) -> Result<T>,
    ) -> Result<Option<T>> {
        let user = &self.user;
        cx.write(|tx| {
            let current = users::lock_for_update(tx.conn, user.id)?
                .filter(|now| now.status == user.status && now.password_hash == user.password_hash);
            let Some(current) = current else {
                return Ok(None);
            };
            if let (Some(old), Some(new)) = (&user.password_hash, &self.renewed) {
                users::rehash(tx.conn, user.id, old, new)?;
            }
            step(tx, &current).map(Some)
        })
    }

    /// Checks a password and writes the sign-in. Tries again if another sign-in with the same password renewed the
    /// stored hash meanwhile.
    pub fn check_and_write<T>(
        cx: &RequestContext<'_>,
        login: &str,
        password: &Secret,
        step: impl Fn(&mut Transaction<'_>, &User) -> Result<T>,
    ) -> Result<T> {
        for _ in 0..2 {
            if let Some(done) = Self::of(cx, login, password)?.write(cx, &step)? {
                return Ok(done);
            }
        }
        Err(refuse(Code::BadCredentials))
    }
}
