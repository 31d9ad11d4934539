//! What the registers of the clock say, and what to write into them for a time.
//!
//! Pure: relies on values that others have read. Never trusts them: what is no date is `None`.

use calendar::Date;

/// Status A: an update is in progress, or begins within 244 µs (the manual, "Register A").
pub const A: u8 = 0x0a;
/// In status A: so it is.
pub const UPDATING: u8 = 0x80;
/// In status A: which frequency the clock has, and the value that every PC has, 32,768 Hz (the manual, table 3).
pub const DIVIDER: u8 = 0x70;
/// See [`DIVIDER`].
pub const USUAL_DIVIDER: u8 = 0x20;
/// In status A: with both of these the divider is held in reset, and nothing is counted.
pub const STOPPED: u8 = 0x60;
/// Status B: the modes (the manual, "Register B").
pub const B: u8 = 0x0b;
/// In status B: no updates, the registers may be written.
pub const SET: u8 = 0x80;
/// In status B: numbers are binary, else decimal digits of 4 bits.
pub const BINARY: u8 = 0x04;
/// In status B: hours are 0 to 23, else 1 to 12, with a bit for the afternoon.
pub const HOURS_24: u8 = 0x02;
/// Status D (the manual, "Register D").
pub const D: u8 = 0x0d;
/// In status D: there was power all the time.
pub const VALID: u8 = 0x80;
/// In the hours: add 12.
const AFTERNOON: u8 = 0x80;
/// The first two digits of the year, where most PCs keep them. It is no register of the clock itself, but of its memory.
pub const CENTURY: u8 = 0x32;
/// Sunday is 1.
pub const WEEKDAY: u8 = 0x06;

/// Seconds, minutes, hours, day, month, year.
pub const TIME: [u8; 6] = [0x00, 0x02, 0x04, 0x07, 0x08, 0x09];

/// What the registers of the time hold, as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raw {
    /// In the order of [`TIME`].
    pub time: [u8; 6],
    /// The first two digits of the year.
    pub century: u8,
}

/// Seconds since 1970 of what the registers hold, with the modes in status B; `None` if that is no date from 1970 to 2099.
///
/// A century that cannot be is ignored: 70 to 99 are then in the 20th.
pub fn decode(raw: &Raw, modes: u8) -> Option<i64> {
    let number = |value| if modes & BINARY != 0 { Some(value) } else { decimal(value) };
    let [second, minute, hour, day, month, year] = raw.time;
    let hour = if modes & HOURS_24 != 0 {
        number(hour)?
    } else {
        let of_half = number(hour & !AFTERNOON).filter(|hour| (1..=12).contains(hour))?;
        of_half % 12 + if hour & AFTERNOON != 0 { 12 } else { 0 }
    };
    let year = number(year).filter(|year| *year < 100)?;
    let guess = if year >= 70 { 19 } else { 20 };
    let century = match number(raw.century) {
        Some(20) => 20,
        _ => guess,
    };
    let year = century * 100 + i32::from(year);
    let (second, minute, day, month) = (number(second)?, number(minute)?, number(day)?, number(month)?);
    Date { year, month, day, hour, minute, second }.seconds()
}

/// What the registers have to hold for a time, and the weekday; `None` if it is not from 1970 to 2099.
pub fn encode(seconds: i64, modes: u8) -> Option<(Raw, u8)> {
    if !(calendar::FIRST..=calendar::LAST).contains(&seconds) {
        return None;
    }
    let date = Date::from_seconds(seconds)?;
    let number = |value: u8| if modes & BINARY != 0 { value } else { ((value / 10) << 4) | (value % 10) };
    let hour = if modes & HOURS_24 != 0 {
        number(date.hour)
    } else {
        let of_half = if date.hour.is_multiple_of(12) { 12 } else { date.hour % 12 };
        number(of_half) | if date.hour >= 12 { AFTERNOON } else { 0 }
    };
    // Both are below 100.
    let (century, year) = ((date.year / 100) as u8, (date.year % 100) as u8);
    let time = [date.second, date.minute].map(number);
    let [day, month, year] = [date.day, date.month, year].map(number);
    // 1970-01-01 was a Thursday.
    let weekday = ((seconds / 86_400 + 4) % 7 + 1) as u8;
    Some((Raw { time: [time[0], time[1], hour, day, month, year], century: number(century) }, weekday))
}

/// The number of two decimal digits.
fn decimal(value: u8) -> Option<u8> {
    let (tens, ones) = (value >> 4, value & 15);
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL_MODES: [u8; 4] = [0, BINARY, HOURS_24, BINARY | HOURS_24];

    #[test]
    fn known_registers_are_known_times() {
        // 2020-02-29 12:34:56, a Saturday.
        let seconds = 1_582_979_696;
        let raw = |time, century| Raw { time, century };
        for (modes, expected) in [
            (HOURS_24, raw([0x56, 0x34, 0x12, 0x29, 0x02, 0x20], 0x20)),
            (0, raw([0x56, 0x34, 0x92, 0x29, 0x02, 0x20], 0x20)),
            (BINARY | HOURS_24, raw([56, 34, 12, 29, 2, 20], 20)),
            (BINARY, raw([56, 34, 0x80 | 12, 29, 2, 20], 20)),
        ] {
            assert_eq!(encode(seconds, modes), Some((expected, 7)));
            assert_eq!(decode(&expected, modes), Some(seconds));
        }
    }

    #[test]
    fn midnight_is_twelve_in_the_morning() {
        let midnight = Raw { time: [0, 0, 0x12, 1, 1, 0], century: 0x20 };
        assert_eq!(decode(&midnight, 0), Some(946_684_800));
        assert_eq!(encode(946_684_800, 0).unwrap().0, midnight);
        for hour in [0x00, 0x13, 0x80, 0x93] {
            let mut wrong = midnight;
            wrong.time[2] = hour;
            assert_eq!(decode(&wrong, 0), None, "{hour:#x}");
        }
    }

    #[test]
    fn a_century_that_cannot_be_is_ignored() {
        let of = |year, century| Raw { time: [0, 0, 0, 1, 1, year], century };
        let modes = HOURS_24;
        for century in [0x00, 0xff, 0x21, 0x19, 0x3a] {
            assert_eq!(decode(&of(0x26, century), modes), decode(&of(0x26, 0x20), modes), "{century:#x}");
            assert_eq!(decode(&of(0x70, century), modes), Some(0), "{century:#x}");
        }
        assert_eq!(decode(&of(0x99, 0x20), modes), Some(4_070_908_800));
    }

    #[test]
    fn what_is_no_date_is_no_time() {
        let good = Raw { time: [0x59, 0x59, 0x23, 0x28, 0x02, 0x19], century: 0x20 };
        assert!(decode(&good, HOURS_24).is_some());
        for (index, value) in
            [(0, 0x60), (1, 0x60), (2, 0x24), (3, 0x29), (3, 0), (4, 0x13), (4, 0), (5, 0xa0), (0, 0x0a)]
        {
            let mut wrong = good;
            wrong.time[index] = value;
            assert_eq!(decode(&wrong, HOURS_24), None, "{wrong:x?}");
        }
        assert_eq!(encode(-1, 0), None);
        assert_eq!(encode(calendar::LAST + 1, 0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_set_is_read(seconds in calendar::FIRST..=calendar::LAST, modes in prop::sample::select(&ALL_MODES)) {
            let (raw, weekday) = encode(seconds, modes).unwrap();
            prop_assert_eq!(decode(&raw, modes), Some(seconds));
            let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
            prop_assert_eq!(Some(names[usize::from(weekday) - 1]), Date::from_seconds(seconds).unwrap().weekday());
        }

        #[test]
        fn any_registers_are_a_time_in_range_or_none(time in any::<[u8; 6]>(), century: u8, modes: u8) {
            if let Some(seconds) = decode(&Raw { time, century }, modes) {
                prop_assert!((calendar::FIRST..=calendar::LAST).contains(&seconds));
            }
        }
    }
}
