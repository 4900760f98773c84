//! Reads dates, times and intervals as PostgreSQL and Redshift write them with `DateStyle` ISO, their default. Anything
//! else is not understood, and is compared as text.

/// A value of a type that has infinities.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bounded {
    MinusInfinity,
    Finite(i64),
    Infinity,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Days from 1970 to 2000.
pub(super) const TO_2000: i64 = 10_957;

/// Days since 1970: `2024-02-29`, `0044-03-15 BC`, `infinity`.
pub(super) fn date(text: &[u8]) -> Option<Bounded> {
    if let Some(infinite) = infinity(text) {
        return Some(infinite);
    }
    let (text, bc) = era(text);
    let (days, rest) = days(text, bc)?;
    rest.is_empty().then_some(Bounded::Finite(days))
}

/// Microseconds since 2000, from where 64 bits of them reach the last year of PostgreSQL; in UTC where there is a zone:
/// `2024-02-29 12:00:00.5+09`. A date alone is its midnight: servers write none, but people do.
pub(super) fn timestamp(text: &[u8]) -> Option<Bounded> {
    if let Some(infinite) = infinity(text) {
        return Some(infinite);
    }
    let (text, bc) = era(text);
    let (days, rest) = days(text, bc)?;
    let (time, rest) = if rest.is_empty() { (0, rest) } else { clock(rest.strip_prefix(b" ")?)? };
    let east = if rest.is_empty() { 0 } else { zone(rest)? };
    Some(Bounded::Finite((days - TO_2000).checked_mul(DAY)?.checked_add(time)?.checked_sub(east * SECOND)?))
}

/// Microseconds since midnight.
pub(super) fn time(text: &[u8]) -> Option<i64> {
    let (time, rest) = clock(text)?;
    rest.is_empty().then_some(time)
}

/// Microseconds since midnight in UTC, and seconds its zone is east of there.
pub(super) fn time_tz(text: &[u8]) -> Option<(i64, i64)> {
    let (time, rest) = clock(text)?;
    let east = zone(rest)?;
    Some((time - east * SECOND, east))
}

/// Microseconds, with months of thirty days: `1 year 2 mons -3 days +04:05:06.7`, `4 hours 5 mins`, `@ 1 day ago`.
pub(super) fn interval(text: &[u8]) -> Option<i128> {
    let mut words = text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let mut total = 0_i128;
    let mut any = false;
    while let Some(word) = words.next() {
        match word {
            b"@" if !any => continue,
            b"ago" if any && words.next().is_none() => return Some(-total),
            _ => {}
        }
        any = true;
        let (negative, bare) = sign(word);
        let amount = if bare.contains(&b':') {
            let (time, rest) = long_clock(bare)?;
            if !rest.is_empty() {
                return None;
            }
            time.into()
        } else {
            measured(bare, words.next()?)?
        };
        total += if negative { -amount } else { amount };
    }
    any.then_some(total)
}

/// `3 days`; only seconds have a fraction.
fn measured(number: &[u8], unit: &[u8]) -> Option<i128> {
    let unit = unit.strip_suffix(b"s").unwrap_or(unit);
    let micros = match unit {
        b"century" | b"centurie" => 36_000 * DAY,
        b"year" => 360 * DAY,
        b"mon" | b"month" => 30 * DAY,
        b"day" => DAY,
        b"hour" => 3_600 * SECOND,
        b"min" | b"minute" => 60 * SECOND,
        b"sec" | b"second" => {
            let (whole, rest) = digits(number)?;
            let (fraction, rest) = fraction(rest)?;
            return rest.is_empty().then_some(i128::from(whole) * i128::from(SECOND) + i128::from(fraction));
        }
        _ => return None,
    };
    let (number, rest) = digits(number)?;
    rest.is_empty().then_some(i128::from(number) * i128::from(micros))
}

fn infinity(text: &[u8]) -> Option<Bounded> {
    match text {
        b"infinity" => Some(Bounded::Infinity),
        b"-infinity" => Some(Bounded::MinusInfinity),
        _ => None,
    }
}

fn era(text: &[u8]) -> (&[u8], bool) {
    text.strip_suffix(b" BC").map_or((text, false), |text| (text, true))
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// Days since 1970 of `YYYY-MM-DD` at the front.
fn days(text: &[u8], bc: bool) -> Option<(i64, &[u8])> {
    let (year, rest) = digits(text)?;
    let (month, rest) = two_digits(rest.strip_prefix(b"-")?)?;
    let (day, rest) = two_digits(rest.strip_prefix(b"-")?)?;
    // Far more than either server can send, and far from where a multiplication ends.
    if year > 10_000_000 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // There is no year 0: 1 BC is in front of 1.
    let year = if bc { 1 - year } else { year };
    Some((days_from_civil(year, month, day), rest))
}

/// Days since 1970 in the proleptic Gregorian calendar, counted from March so that a leap day is a year's last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The other way around: year, month and day.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Microseconds of `HH:MM:SS.ffffff` at the front.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hours, rest) = two_digits(text)?;
    if hours > 24 {
        return None;
    }
    minutes_and_seconds(hours, rest)
}

/// The same with hours beyond a day, as intervals have them.
fn long_clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hours, rest) = digits(text)?;
    if hours > 10_000_000_000 / 3_600 * 1_000 {
        return None;
    }
    minutes_and_seconds(hours, rest)
}

fn minutes_and_seconds(hours: i64, rest: &[u8]) -> Option<(i64, &[u8])> {
    let (minutes, rest) = two_digits(rest.strip_prefix(b":")?)?;
    let (seconds, rest) = match rest.strip_prefix(b":") {
        Some(rest) => two_digits(rest)?,
        None => (0, rest),
    };
    if minutes > 59 || seconds > 60 {
        return None;
    }
    let (micros, rest) = fraction(rest)?;
    Some((((hours * 60 + minutes) * 60 + seconds) * SECOND + micros, rest))
}

/// Microseconds of `.ffffff` at the front; none without a point.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=6).contains(&count) {
        return None;
    }
    let value = text[..count].iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some((value * 10_i64.pow(6 - count as u32), &text[count..]))
}

/// Seconds east of UTC: `+09`, `-03:30`, `+00:19:32`.
fn zone(text: &[u8]) -> Option<i64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => return None,
    };
    let (mut seconds, mut rest) = two_digits(rest).map(|(hours, rest)| (hours * 3_600, rest))?;
    for unit in [60, 1] {
        if let Some(more) = rest.strip_prefix(b":") {
            let (value, after) = two_digits(more)?;
            (seconds, rest) = (seconds + value * unit, after);
        }
    }
    rest.is_empty().then_some(if negative { -seconds } else { seconds })
}

fn two_digits(text: &[u8]) -> Option<(i64, &[u8])> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
            Some((i64::from(tens - b'0') * 10 + i64::from(ones - b'0'), rest))
        }
        _ => None,
    }
}

/// One to fifteen digits at the front.
fn digits(text: &[u8]) -> Option<(i64, &[u8])> {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=15).contains(&count) {
        return None;
    }
    Some((text[..count].iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')), &text[count..]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_has_them() {
        let days = |text: &str| match date(text.as_bytes()) {
            Some(Bounded::Finite(days)) => days,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(days("1970-01-01"), 0);
        assert_eq!(days("2000-03-01") - days("2000-02-28"), 2);
        assert_eq!(days("1900-03-01") - days("1900-02-28"), 1);
        assert_eq!(days("0001-01-01") - days("0001-12-31 BC"), 1);
        for text in ["4713-11-24 BC", "1582-10-15", "2024-02-29", "294276-12-31"] {
            let bc = text.ends_with("BC");
            let (year, month, day) = civil_from_days(days(text));
            let year = if bc { 1 - year } else { year };
            assert_eq!(format!("{year:04}-{month:02}-{day:02}{}", if bc { " BC" } else { "" }), text);
        }
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(timestamp(b"2000-01-01 09:00:00+09"), Some(Bounded::Finite(0)));
        assert_eq!(timestamp(b"1999-12-31 23:59:59.25-00:00:01"), Some(Bounded::Finite(250_000)));
        assert_eq!(time_tz(b"12:00:00-03:30"), Some((15 * 3_600 * SECOND + 1_800 * SECOND, -12_600)));
    }

    #[test]
    fn intervals_come_in_every_style() {
        let day = i128::from(DAY);
        assert_eq!(interval(b"1 year 2 mons -3 days +04:05:06.7"), Some(417 * day + 14_706_700_000));
        assert_eq!(interval(b"-1 days -00:00:00.5"), Some(-day - 500_000));
        assert_eq!(interval(b"@ 1 day 2 hours ago"), Some(-day - 7_200_000_000));
        assert_eq!(interval(b"3 days 4 hours 5 mins 6.789 secs"), Some(3 * day + 14_706_789_000));
        assert_eq!(interval(b"100:00"), Some(360_000_000_000));
    }

    #[test]
    fn anything_else_is_not_understood() {
        for text in ["", "2024-13-01", "2024-01-01x", "01/02/2024", "2024-01-01 ", "99999999999-01-01", "-", "BC"] {
            assert_eq!((date(text.as_bytes()), timestamp(text.as_bytes())), (None, None), "{text}");
        }
        for text in
            ["", "1", "1 parsec", "x days", "1 day ago more", "ago", "@", "1 day 12:00:00x", "99999999999999:00"]
        {
            assert_eq!(interval(text.as_bytes()), None, "{text}");
        }
        for text in ["", "1:00:00", "25:00:00", "12:60:00", "12:00:00.1234567", "12:00:00+9"] {
            assert_eq!((time(text.as_bytes()), time_tz(text.as_bytes())), (None, None), "{text}");
        }
    }
}
