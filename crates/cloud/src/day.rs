//! Days, as the people of a home see them: from midnight to midnight in the home's time zone, daylight saving included.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use keepsight_ids::UnixMillis;

/// A stretch of time: from the first millisecond, until just before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: UnixMillis,
    pub(crate) until: UnixMillis,
}

/// The time zone of this IANA name, if there is one. UTC offsets and POSIX strings are no names.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some())
}

/// The day `YYYY-MM-DD` in a zone.
pub(crate) fn day(text: &str, zone: &TimeZone) -> Option<Span> {
    let date: Date = text.parse().ok().filter(|date: &Date| date.to_string() == text)?;
    span(date, zone)
}

/// The day that `now` is in.
pub(crate) fn today(now: UnixMillis, zone: &TimeZone) -> Option<Span> {
    span(Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone()).date(), zone)
}

fn span(date: Date, zone: &TimeZone) -> Option<Span> {
    let midnight =
        |date: Date| Some(UnixMillis(date.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()));
    Some(Span { from: midnight(date)?, until: midnight(date.checked_add(1.day()).ok()?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_23_or_25_hours_when_the_clocks_change() {
        let berlin = zone("Europe/Berlin").unwrap();
        let hours = |text| day(text, &berlin).map(|span| (span.until.0 - span.from.0) / 3_600_000);
        assert_eq!(hours("2026-03-29"), Some(23));
        assert_eq!(hours("2026-10-25"), Some(25));
        assert_eq!(hours("2026-11-23"), Some(24));
    }

    #[test]
    fn what_is_no_day_and_what_is_no_zone_is_refused() {
        let utc = zone("UTC").unwrap();
        for bad in [
            "2026-02-30",
            "26-1-1",
            "2026-1-1",
            "today",
            "",
            "2026-01-01T00:00",
            "+002026-01-01",
            "9999-12-31",
        ] {
            assert_eq!(day(bad, &utc), None, "{bad}");
        }
        for bad in ["", "Mars/Olympus", "+02:00", "../etc/passwd"] {
            assert!(zone(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn today_is_the_homes_own() {
        let auckland = zone("Pacific/Auckland").unwrap();
        // 2026-11-22T12:00Z is already the 23rd there.
        let now = UnixMillis(1_795_348_800_000);
        assert_eq!(today(now, &auckland), day("2026-11-23", &auckland));
    }
}
