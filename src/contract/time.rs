//! Moments as documents write them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::Millis;

/// A moment in UTC (RFC 3339); empty for one that has no year of four digits.
#[must_use]
pub fn utc(millis: Millis) -> String {
    let nanos = i128::from(millis) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    at.and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_moment_and_its_zone() {
        assert_eq!(utc(1_601_973_889_000), "2020-10-06T08:44:49Z");
        assert_eq!(utc(1_601_973_889_007), "2020-10-06T08:44:49.007Z");
        assert_eq!(utc(i64::MAX), "");
    }
}
