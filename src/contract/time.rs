//! Dates and times in the formats of the protocols.

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::domain::Millis;

/// A time in UTC (RFC 3339); empty if the year does not have four digits.
#[must_use]
pub fn utc(millis: Millis) -> String {
    let nanos = i128::from(millis) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    at.and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// A time in UTC in the directory's format: `2020-11-23 06:59:16:472+0000`.
#[must_use]
pub fn directory_time(millis: Millis) -> String {
    let seconds = utc(millis.div_euclid(1000) * 1000);
    let seconds = seconds.trim_end_matches('Z').replace('T', " ");
    format!("{seconds}:{:03}+0000", millis.rem_euclid(1000))
}

/// Parses an `xs:dateTime` with a time zone; `None` for any other text.
#[must_use]
pub fn moment(text: &str) -> Option<Millis> {
    let (date, rest) = text.split_once('T')?;
    let at_zone = rest.find(['Z', '+', '-'])?;
    let (time, zone) = rest.split_at(at_zone);
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, Some(fraction)),
        None => (time, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let milli = match fraction {
        None => 0,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            let first: String = digits.chars().chain("00".chars()).take(3).collect();
            first.parse().ok()?
        }
        Some(_) => return None,
    };
    let small = |number: i32| u8::try_from(number).ok();
    let date = Date::from_calendar_date(year, Month::try_from(small(month)?).ok()?, small(day)?);
    let time = Time::from_hms_milli(small(hour)?, small(minute)?, small(second)?, milli);
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => UtcOffset::UTC,
        (sign, ahead) => {
            let [hours, minutes] = numbers(ahead, ':', [2, 2])?;
            let sign = if sign == "-" { -1 } else { 1 };
            let (hours, minutes) = (i8::try_from(sign * hours), i8::try_from(sign * minutes));
            UtcOffset::from_hms(hours.ok()?, minutes.ok()?, 0).ok()?
        }
    };
    let at = PrimitiveDateTime::new(date.ok()?, time.ok()?).assume_offset(offset);
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Parses numbers between separators. Each number must have as many digits as `digits` states.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i32; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (number, length) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != length || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_directory_times_with_milliseconds() {
        assert_eq!(
            directory_time(1_606_114_756_472),
            "2020-11-23 06:59:16:472+0000"
        );
        assert_eq!(directory_time(0), "1970-01-01 00:00:00:000+0000");
    }

    #[test]
    fn writes_times_in_utc() {
        assert_eq!(utc(1_601_973_889_000), "2020-10-06T08:44:49Z");
        assert_eq!(utc(1_601_973_889_007), "2020-10-06T08:44:49.007Z");
        assert_eq!(utc(i64::MAX), "");
    }

    #[test]
    fn accepts_times_with_a_zone_only() {
        let noon = Some(1_601_985_600_000);
        assert_eq!(moment("2020-10-06T12:00:00Z"), noon);
        assert_eq!(moment("2020-10-06T12:00:00.000000Z"), noon);
        assert_eq!(moment("2020-10-06T14:00:00+02:00"), noon);
        assert_eq!(moment("2020-10-06T06:30:00-05:30"), noon);
        assert_eq!(moment("2020-10-06T12:00:00.1Z"), Some(1_601_985_600_100));
        assert_eq!(moment("2020-10-06T12:00:00.0019Z"), Some(1_601_985_600_001));
        for bad in [
            "",
            "2020-10-06",
            "2020-10-06T12:00:00",
            "2020-10-06 12:00:00Z",
            "2020-10-06T12:00Z",
            "2020-13-06T12:00:00Z",
            "2020-02-30T12:00:00Z",
            "2020-10-06T24:00:01Z",
            "2020-10-06T12:00:60Z",
            "2020-10-06T12:00:00.Z",
            "2020-10-06T12:00:00.1a2Z",
            "2020-10-06T12:00:00Zz",
            "2020-10-06T12:00:00+2",
            "2020-10-06T12:00:00+99:00",
            "+020-10-06T12:00:00Z",
            "-2020-10-06T12:00:00Z",
            "12020-10-06T12:00:00Z",
            "2020-10-06T12:00:00é",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }
}
