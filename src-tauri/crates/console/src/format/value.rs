//! The text of a value as the number, date or time it stands for, or why it cannot be held as one.
//!
//! Nothing is rounded: what a type cannot hold to the last digit is refused with a reason.

use arrow_buffer::i256;

/// Why a value does not fit.
/// Why a value does not fit. Whoever shows it may have words of their own: [`Self::code`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Reason {
    /// No moment that the format can hold.
    #[error("is no moment this format can hold")]
    NoMoment,
    /// A time with a zone that does not say its distance from UTC.
    #[error("does not say its distance from UTC")]
    NoOffset,
    /// Neither true nor false.
    #[error("is neither true nor false")]
    NotBool,
    /// No date as ISO 8601 writes it.
    #[error("is not a date as ISO 8601 writes it")]
    NotDate,
    /// Infinity, or not a number.
    #[error("is no finite number")]
    NotFinite,
    /// Not written as hexadecimal digits.
    #[error("is not written as hexadecimal digits")]
    NotHex,
    /// No number of its column's type.
    #[error("is not a number of its column's type")]
    NotNumber,
    /// No time of day below 24:00.
    #[error("is not a time of day below 24:00")]
    NotTime,
    /// Bytes that are not UTF-8.
    #[error("is not UTF-8 text")]
    NotUtf8,
    /// Too far from today for the format.
    #[error("is too far from today for this format")]
    TooFar,
    /// Finer than a microsecond.
    #[error("is finer than a microsecond")]
    TooFine,
    /// Longer than what a cell of a spreadsheet can hold.
    #[error(
        "is longer than the 32,767 characters a spreadsheet's cell can hold; leave the column out, or choose another format"
    )]
    TooLong,
    /// More digits than its column has.
    #[error("has more digits than its column")]
    TooManyDigits,
}

impl Reason {
    /// Names it for a translation.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoMoment => "misfit_moment",
            Self::NoOffset => "misfit_offset",
            Self::NotBool => "misfit_bool",
            Self::NotDate => "misfit_date",
            Self::NotFinite => "misfit_finite",
            Self::NotHex => "misfit_hex",
            Self::NotNumber => "misfit_number",
            Self::NotTime => "misfit_time",
            Self::NotUtf8 => "misfit_utf8",
            Self::TooFar => "misfit_far",
            Self::TooFine => "misfit_fine",
            Self::TooLong => "misfit_long",
            Self::TooManyDigits => "misfit_digits",
        }
    }
}

/// Microseconds of a second, and of a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

pub(super) fn text(cell: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(cell).map_err(|_| Reason::NotUtf8)
}

pub(super) fn boolean(cell: &[u8]) -> Result<bool, Reason> {
    match cell {
        b"t" => Ok(true),
        b"f" => Ok(false),
        _ => Err(Reason::NotBool),
    }
}

pub(super) fn integer<T: std::str::FromStr>(cell: &[u8]) -> Result<T, Reason> {
    text(cell)?.parse().map_err(|_| Reason::NotNumber)
}

/// A float4 or float8. NaN and the infinities are values of theirs.
pub(super) fn float<T: std::str::FromStr + Float>(cell: &[u8]) -> Result<T, Reason> {
    let special = matches!(cell, b"NaN" | b"Infinity" | b"-Infinity");
    let value: T = text(cell)?.parse().map_err(|_| Reason::NotNumber)?;
    if special || value.is_finite() { Ok(value) } else { Err(Reason::NotNumber) }
}

pub(super) trait Float {
    fn is_finite(&self) -> bool;
}

impl Float for f32 {
    fn is_finite(&self) -> bool {
        Self::is_finite(*self)
    }
}

impl Float for f64 {
    fn is_finite(&self) -> bool {
        Self::is_finite(*self)
    }
}

/// A numeric as its digits without the point, so many of them behind it.
pub(super) fn decimal128(cell: &[u8], precision: u8, scale: u8) -> Result<i128, Reason> {
    unscaled(cell, precision, scale)?.parse().map_err(|_| Reason::NotNumber)
}

/// The same for more than 38 digits.
pub(super) fn decimal256(cell: &[u8], precision: u8, scale: u8) -> Result<i256, Reason> {
    unscaled(cell, precision, scale)?.parse().map_err(|_| Reason::NotNumber)
}

fn unscaled(cell: &[u8], precision: u8, scale: u8) -> Result<String, Reason> {
    let text = text(cell)?;
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return Err(Reason::NotFinite);
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(Reason::NotNumber);
    }
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    let scale = usize::from(scale);
    if fraction.len() > scale || whole.len() + scale > usize::from(precision) {
        return Err(Reason::TooManyDigits);
    }
    Ok(format!("{sign}0{whole}{fraction:0<scale$}"))
}

/// Days since 1970-01-01.
pub(super) fn date(cell: &[u8]) -> Result<i32, Reason> {
    let (text, before_christ) = era(cell)?;
    i32::try_from(days(text, before_christ)?).map_err(|_| Reason::TooFar)
}

/// Microseconds since midnight.
pub(super) fn time(cell: &[u8]) -> Result<i64, Reason> {
    time_of_day(text(cell)?)
}

/// Microseconds since 1970-01-01 00:00, wherever that is.
pub(super) fn timestamp(cell: &[u8]) -> Result<i64, Reason> {
    let (text, before_christ) = era(cell)?;
    let (date, time) = text.split_once(' ').ok_or(Reason::NotDate)?;
    moment(days(date, before_christ)?, time_of_day(time)?)
}

/// Microseconds since 1970-01-01 00:00 UTC.
pub(super) fn timestamp_utc(cell: &[u8]) -> Result<i64, Reason> {
    let (text, before_christ) = era(cell)?;
    let (date, time) = text.split_once(' ').ok_or(Reason::NotDate)?;
    let sign = time.find(['+', '-']).ok_or(Reason::NoOffset)?;
    let (time, zone) = time.split_at(sign);
    let local = moment(days(date, before_christ)?, time_of_day(time)?)?;
    local.checked_sub(offset(zone)?).ok_or(Reason::TooFar)
}

fn moment(days: i64, time: i64) -> Result<i64, Reason> {
    days.checked_mul(DAY).and_then(|midnight| midnight.checked_add(time)).ok_or(Reason::TooFar)
}

/// `+09`, `-03:30`, `+08:27:52`, in microseconds.
fn offset(text: &str) -> Result<i64, Reason> {
    let (sign, text) = text.split_at(1);
    let mut seconds = 0;
    let mut unit = 3_600;
    for part in text.split(':') {
        seconds += number(part, 2)? * unit;
        unit /= 60;
    }
    Ok(if sign == "-" { -seconds } else { seconds } * SECOND)
}

fn era(cell: &[u8]) -> Result<(&str, bool), Reason> {
    let text = text(cell)?;
    if matches!(text, "infinity" | "-infinity") {
        return Err(Reason::NoMoment);
    }
    Ok(text.strip_suffix(" BC").map_or((text, false), |text| (text, true)))
}

fn days(text: &str, before_christ: bool) -> Result<i64, Reason> {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Reason::NotDate);
    };
    if year.len() < 4 {
        return Err(Reason::NotDate);
    }
    let year = Some(number(year, year.len()).map_err(|_| Reason::NotDate)?)
        .filter(|year| *year < 10_000_000)
        .ok_or(Reason::TooFar)?;
    let (month, day) = (number(month, 2).map_err(|_| Reason::NotDate)?, number(day, 2).map_err(|_| Reason::NotDate)?);
    // There is no year 0: 1 BC is the year before 1.
    let year = if before_christ { 1 - year } else { year };
    if !(1..=12).contains(&month) {
        return Err(Reason::NotDate);
    }
    let first = days_from_civil(year, month, 1);
    let next = if month == 12 { days_from_civil(year + 1, 1, 1) } else { days_from_civil(year, month + 1, 1) };
    if !(1..=next - first).contains(&day) {
        return Err(Reason::NotDate);
    }
    Ok(first + day - 1)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, which is PostgreSQL's too. Counts years from March, so that
/// the day that comes and goes is the last of a year, and eras of 400 years, which are all of one length.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn time_of_day(text: &str) -> Result<i64, Reason> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let mut part = |below: i64| {
        let value = number(parts.next().ok_or(Reason::NotTime)?, 2)?;
        if value < below { Ok(value) } else { Err(Reason::NotTime) }
    };
    let (hours, minutes, seconds) = (part(24)?, part(60)?, part(60)?);
    if parts.next().is_some() {
        return Err(Reason::NotTime);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 6 {
        return Err(Reason::TooFine);
    }
    let micros = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<6}"), 6)? };
    Ok(((hours * 60 + minutes) * 60 + seconds) * SECOND + micros)
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Result<i64, Reason> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::NotTime);
    }
    text.parse().map_err(|_| Reason::TooFar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_before_christ_and_far_ahead() {
        assert_eq!(date(b"1970-01-01"), Ok(0));
        assert_eq!(date(b"2000-02-29"), Ok(11_016));
        assert_eq!(date(b"0001-01-01"), Ok(-719_162));
        // The day before is the last of 1 BC.
        assert_eq!(date(b"0001-12-31 BC"), Ok(-719_163));
        // The first day PostgreSQL knows of, and the last of Redshift.
        assert_eq!(date(b"4714-11-24 BC"), Ok(-2_440_588));
        assert_eq!(date(b"294276-12-31"), Ok(106_762_939));
        for text in ["infinity", "-infinity", "24.12.2024", "2024-13-01", "2024-1-1", "2023-02-29", "", "20240101"] {
            assert!(date(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_exact_to_the_microsecond_in_any_zone() {
        assert_eq!(timestamp(b"1970-01-01 00:00:00.000001"), Ok(1));
        assert_eq!(timestamp(b"1969-12-31 23:59:59.5"), Ok(-500_000));
        assert_eq!(timestamp_utc(b"1970-01-01 09:00:00+09"), Ok(0));
        assert_eq!(timestamp_utc(b"1969-12-31 20:30:00-03:30"), Ok(0));
        assert_eq!(timestamp_utc(b"1900-01-01 08:27:52+08:27:52"), timestamp(b"1900-01-01 00:00:00"));
        assert_eq!(timestamp(b"294276-12-31 23:59:59.999999"), Err(Reason::TooFar));
        assert_eq!(timestamp(b"2024-01-01 00:00:00.1234567"), Err(Reason::TooFine));
        assert_eq!(timestamp(b"infinity"), Err(Reason::NoMoment));
        assert!(timestamp_utc(b"2024-01-01 00:00:00").is_err());
        assert_eq!(time(b"23:59:59.999999"), Ok(DAY - 1));
        assert_eq!(time(b"24:00:00"), Err(Reason::NotTime));
    }

    #[test]
    fn decimals_keep_each_digit_or_are_refused() {
        assert_eq!(decimal128(b"-0.05", 5, 2), Ok(-5));
        assert_eq!(decimal128(b"123.4500", 5, 2), Ok(12_345));
        assert_eq!(decimal128(b"1234", 5, 2), Err(Reason::TooManyDigits));
        assert_eq!(decimal128(b"0.001", 5, 2), Err(Reason::TooManyDigits));
        assert!(
            decimal128(b"NaN", 5, 2).is_err() && decimal128(b"1e3", 5, 2).is_err() && decimal128(b"", 5, 2).is_err()
        );
        let wide = "12345678901234567890123456789012345678";
        assert_eq!(decimal128(wide.as_bytes(), 38, 0).map(|value| value.to_string()), Ok(wide.to_owned()));
        let wider = format!("{wide}{wide}");
        assert_eq!(decimal256(wider.as_bytes(), 76, 0).map(|value| value.to_string()), Ok(wider));
    }

    #[test]
    fn floats_have_their_infinities_and_none_by_accident() {
        assert!(float::<f64>(b"NaN").is_ok_and(f64::is_nan));
        assert_eq!(float::<f64>(b"-Infinity"), Ok(f64::NEG_INFINITY));
        assert!(float::<f64>(b"1e999").is_err());
        assert!(float::<f32>(b"1e40").is_err());
        assert_eq!(float::<f64>(b"0.1"), Ok(0.1));
    }
}
