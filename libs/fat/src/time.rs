//! The times of directory entries: local time in the specification, UTC here. 1980 to 2107.

/// Days from 1970-01-01 to 1980-01-01.
const EPOCH_DAYS: i64 = 3652;
const DAY: i64 = 86_400_000;
/// The last time there is, in milliseconds since 1970: 2107-12-31 23:59:59.990.
const LAST: i64 = 4_354_819_199_990;

/// A time as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Stamp {
    /// Years since 1980 (7 bits), month (4), day (5); 0 if unknown.
    pub date: u16,
    /// Hours (5 bits), minutes (6), seconds / 2 (5).
    pub time: u16,
    /// Hundredths of a second to add: 0 to 199.
    pub hundredths: u8,
}

impl Stamp {
    /// The stamp of a time in milliseconds since 1970: the nearest there is; unknown for 0 and less.
    pub fn new(milliseconds: i64) -> Self {
        if milliseconds <= 0 {
            return Self::default();
        }
        let milliseconds = milliseconds.clamp(EPOCH_DAYS * DAY, LAST);
        let (year, month, day) = date(milliseconds / DAY);
        let rest = milliseconds % DAY;
        let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
        Self {
            date: ((year - 1980) << 9 | month << 5 | day) as u16,
            time: (hours << 11 | minutes << 5 | (seconds / 2)) as u16,
            hundredths: (rest % 2000 / 10) as u8,
        }
    }

    /// Milliseconds since 1970; 0 if unknown or impossible.
    pub fn milliseconds(self) -> i64 {
        let (year, month, day) =
            (1980 + i64::from(self.date >> 9), i64::from(self.date >> 5 & 15), i64::from(self.date & 31));
        let (hours, minutes, seconds) =
            (i64::from(self.time >> 11), i64::from(self.time >> 5 & 63), i64::from(self.time & 31) * 2);
        if !(1..=12).contains(&month) || day == 0 || hours > 23 || minutes > 59 || seconds > 58 {
            return 0;
        }
        let rest = ((hours * 60 + minutes) * 60 + seconds) * 1000 + i64::from(self.hundredths.min(199)) * 10;
        days(year, month, day) * DAY + rest
    }
}

/// Days since 1970-01-01 of a date from 1980 on. A day past the month's end counts into the next.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let leap_days = (1980..year).filter(|year| is_leap(*year)).count() as i64;
    let months: i64 = (1..month).map(|month| month_days(year, month)).sum();
    EPOCH_DAYS + (year - 1980) * 365 + leap_days + months + day - 1
}

/// Year, month and day of a number of days since 1970-01-01, from 1980 on.
fn date(days: i64) -> (i64, i64, i64) {
    let (mut year, mut month, mut rest) = (1980, 1, days - EPOCH_DAYS);
    while rest >= 365 + i64::from(is_leap(year)) {
        rest -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    while rest >= month_days(year, month) {
        rest -= month_days(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

/// Up to 2107.
fn is_leap(year: i64) -> bool {
    year % 4 == 0 && year != 2100
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_found_again() {
        for day in EPOCH_DAYS..=LAST / DAY {
            let time = day * DAY + 13 * 3_600_000 + 7_430;
            assert_eq!(Stamp::new(time).milliseconds(), time);
        }
    }

    #[test]
    fn known_times_are_as_they_are() {
        // date -u -d '2026-11-21 10:20:31' +%s
        let stamp = Stamp::new(1_795_256_431_990);
        assert_eq!(
            (stamp.date, stamp.time, stamp.hundredths),
            (46 << 9 | 11 << 5 | 21, 10 << 11 | 20 << 5 | 15, 199)
        );
        // date -u -d '2100-03-01' +%s
        let stamp = Stamp::new(4_107_542_400_000);
        assert_eq!(stamp.date, 120 << 9 | 3 << 5 | 1);
    }

    #[test]
    fn what_cannot_be_stored_becomes_the_nearest() {
        assert_eq!(Stamp::new(0), Stamp::default());
        assert_eq!(Stamp::new(-5).milliseconds(), 0);
        assert_eq!(Stamp::new(1).milliseconds(), EPOCH_DAYS * DAY);
        assert_eq!(Stamp::new(i64::MAX).milliseconds(), LAST);
    }

    #[test]
    fn impossible_stamps_are_unknown() {
        for (date, time) in [(0, 0), (13 << 5 | 1, 0), (1 << 5, 0), (33, 24 << 11), (33, 60 << 5), (33, 30)] {
            assert_eq!(Stamp { date, time, hundredths: 0 }.milliseconds(), 0, "{date:x} {time:x}");
        }
        assert!(Stamp { date: 0xffff, time: 0xbf7d, hundredths: 255 }.milliseconds() >= 0);
    }
}
