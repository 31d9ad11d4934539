//! Dates: a time as people write it.

use crate::{FIRST, LAST};
use core::fmt;
use core::str::FromStr;
use time::{Month, Time, UtcDateTime};

/// A second of the calendar, in UTC. Displayed as ISO 8601: `2026-11-21T09:00:00Z`; `{:#}` is easier to read:
/// `2026-11-21 09:00:00`. Read from both, and without seconds or without a time as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Date {
    /// The year, such as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// This is not a date from 1970 to 2099 that exists, or is not written as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotADate;

impl fmt::Display for NotADate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a date from 1970 to 2099; write it like 2026-11-21 09:00:00")
    }
}

impl core::error::Error for NotADate {}

impl Date {
    /// The date of a time in seconds since 1970; `None` outside the years -9999 to 9999.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        let of = UtcDateTime::from_unix_timestamp(seconds).ok()?;
        let (hour, minute, second) = of.as_hms();
        Some(Self { year: of.year(), month: of.month().into(), day: of.day(), hour, minute, second })
    }

    /// The date of a time in milliseconds since 1970, as [`crate::now()`] tells it; `None` outside the years -9999 to 9999.
    pub fn from_milliseconds(milliseconds: i64) -> Option<Self> {
        Self::from_seconds(milliseconds.div_euclid(1000))
    }

    /// Seconds since 1970; `None` if there is no such date.
    pub fn seconds(&self) -> Option<i64> {
        let time = Time::from_hms(self.hour, self.minute, self.second).ok()?;
        Some(UtcDateTime::new(self.calendar_date()?, time).unix_timestamp())
    }

    /// The day of the week in English, as `Sat`; `None` if there is no such date.
    pub fn weekday(&self) -> Option<&'static str> {
        const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let number = self.calendar_date()?.weekday().number_days_from_monday();
        NAMES.get(usize::from(number)).copied()
    }

    fn calendar_date(&self) -> Option<time::Date> {
        time::Date::from_calendar_date(self.year, Month::try_from(self.month).ok()?, self.day).ok()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        let (between, end) = if f.alternate() { (' ', "") } else { ('T', "Z") };
        write!(f, "{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}{end}")
    }
}

impl FromStr for Date {
    type Err = NotADate;

    /// Errors: it is written otherwise, does not exist, or is not from 1970 to 2099.
    fn from_str(text: &str) -> Result<Self, NotADate> {
        let text = text.strip_suffix('Z').unwrap_or(text);
        let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
        let mut days = date.split('-');
        let (year, month, day) = (number(days.next(), 4)?, number(days.next(), 2)?, number(days.next(), 2)?);
        let mut times = time.split(':');
        let (hour, minute) = (number(times.next(), 2)?, number(times.next(), 2)?);
        let second = times.next().map_or(Ok(0), |text| number(Some(text), 2))?;
        if days.next().is_some() || times.next().is_some() {
            return Err(NotADate);
        }
        // Numbers of two digits fit.
        let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(|value| value as u8);
        let date = Self { year: year.into(), month, day, hour, minute, second };
        match date.seconds() {
            Some(seconds) if (FIRST..=LAST).contains(&seconds) => Ok(date),
            _ => Err(NotADate),
        }
    }
}

/// A number of exactly so many digits.
fn number(text: Option<&str>, digits: usize) -> Result<u16, NotADate> {
    let text = text.filter(|text| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or(NotADate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_have_the_dates_that_others_give_them() {
        // By `date -u -d @SECONDS`.
        for (seconds, text, weekday) in [
            (0, "1970-01-01T00:00:00Z", "Thu"),
            (951_827_696, "2000-02-29T12:34:56Z", "Tue"),
            (1_582_977_600, "2020-02-29T12:00:00Z", "Sat"),
            (1_795_251_600, "2026-11-21T09:00:00Z", "Sat"),
            (LAST, "2099-12-31T23:59:59Z", "Thu"),
            (-1, "1969-12-31T23:59:59Z", "Wed"),
        ] {
            let date = Date::from_seconds(seconds).unwrap();
            assert_eq!((date.to_string().as_str(), date.weekday()), (text, Some(weekday)));
            assert_eq!(date.seconds(), Some(seconds));
        }
        assert_eq!(Date::from_milliseconds(-1), Date::from_seconds(-1));
        assert_eq!(Date::from_seconds(i64::MAX), None);
    }

    #[test]
    fn dates_are_read_in_all_their_forms() {
        for text in ["2026-11-21 09:00:00", "2026-11-21T09:00:00Z", "2026-11-21 09:00", "2026-11-21T09:00Z"] {
            assert_eq!(text.parse::<Date>().unwrap().seconds(), Some(1_795_251_600), "{text}");
        }
        assert_eq!("2026-11-21".parse::<Date>().unwrap().seconds(), Some(1_795_219_200));
        assert_eq!(std::format!("{:#}", Date::from_seconds(0).unwrap()), "1970-01-01 00:00:00");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "x",
            "2026-11-31",
            "2026-13-01",
            "2026-00-01",
            "2025-02-29",
            "2100-01-01",
            "1969-12-31 23:59:59",
            "2026-11-21 24:00",
            "2026-11-21 09:60",
            "2026-11-21 09:00:60",
            "2026-11-21 09",
            "2026-11-21 ",
            "2026-11-21 09:00:00:00",
            "2026-11-21-01",
            "26-11-21",
            "2026-1-21",
            "+026-11-21",
            "2026-11-21T09:00:00+01",
            "2026-11-21  09:00",
        ] {
            assert_eq!(text.parse::<Date>(), Err(NotADate), "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_again(seconds in FIRST..=LAST) {
            let date = Date::from_seconds(seconds).unwrap();
            prop_assert_eq!(date.seconds(), Some(seconds));
            prop_assert_eq!(date.to_string().parse(), Ok(date));
            prop_assert_eq!(std::format!("{date:#}").parse(), Ok(date));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ :-]{0,24}") {
            if let Ok(date) = text.parse::<Date>() {
                prop_assert!((FIRST..=LAST).contains(&date.seconds().unwrap()));
            }
        }
    }
}
