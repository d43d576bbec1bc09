//! The choice of an organisation at sign-in.

use super::words::words;

words! {
    /// Whether users may join an organisation by themselves.
    pub enum JoinPolicy {
        Open = "open",
        Closed = "closed",
    }
}

/// A user's membership of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub uuid: String,
    pub name: String,
    /// The roles of the user in the organisation, in the order they were given.
    pub roles: Vec<String>,
}

/// The result of [`choose`] (SPEC §6 authenticate).
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The user has no membership: the token names no organisation.
    None,
    /// The token names this organisation.
    One(&'a Membership),
    /// The caller has to choose: the user has several memberships, or wanted an organisation that is not among them.
    Several,
}

/// Chooses the organisation of a sign-in. If the wanted organisation is not among the memberships, the caller has to
/// choose, even from a single membership.
#[must_use]
pub fn choose<'a>(memberships: &'a [Membership], wanted: Option<&str>) -> Choice<'a> {
    if let Some(wanted) = wanted
        && let Some(found) = memberships.iter().find(|m| m.uuid == wanted)
    {
        return Choice::One(found);
    }
    match memberships {
        [] => Choice::None,
        [only] if wanted.is_none() => Choice::One(only),
        _ => Choice::Several,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(uuid: &str) -> Membership {
        Membership {
            uuid: uuid.into(),
            name: uuid.to_uppercase(),
            roles: vec![],
        }
    }

    #[test]
    fn chooses_the_only_or_the_named_membership_and_otherwise_asks() {
        let (a, b) = (org("a"), org("b"));
        assert_eq!(choose(&[], None), Choice::None);
        assert_eq!(choose(std::slice::from_ref(&a), None), Choice::One(&a));
        let both = [a.clone(), b.clone()];
        assert_eq!(choose(&both, None), Choice::Several);
        assert_eq!(choose(&both, Some("b")), Choice::One(&b));
        assert_eq!(choose(&both, Some("c")), Choice::Several);
        assert_eq!(choose(&[a], Some("c")), Choice::Several);
    }
}
