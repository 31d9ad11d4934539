//! Conversion between ticks of the time-stamp counter, nanoseconds and ticks of the timer. Pure arithmetic.

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// A ratio as a multiplication and a shift: `ticks * multiplier >> 32`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    multiplier: u64,
}

impl Scale {
    /// The identity.
    pub const ONE: Self = Self { multiplier: 1 << 32 };

    /// Converts counts at `from` per second into counts at `to` per second. Both in hertz; 0 is taken as 1.
    pub const fn new(from: u64, to: u64) -> Self {
        let from = if from == 0 { 1 } else { from };
        let multiplier = ((to as u128) << 32).div_ceil(from as u128);
        Self { multiplier: if multiplier > u64::MAX as u128 { u64::MAX } else { multiplier as u64 } }
    }

    /// `count` converted, rounded down, and cut to what 64 bits hold (for clocks: after 580 years).
    #[inline]
    pub const fn apply(self, count: u64) -> u64 {
        ((count as u128 * self.multiplier as u128) >> 32) as u64
    }
}

/// The frequency of a counter that advanced by `ticks` while a reference of `reference_hertz` advanced by `reference`.
pub const fn frequency(ticks: u64, reference: u64, reference_hertz: u64) -> u64 {
    let reference = if reference == 0 { 1 } else { reference };
    let hertz = ticks as u128 * reference_hertz as u128 / reference as u128;
    if hertz == 0 {
        1
    } else if hertz > u64::MAX as u128 {
        u64::MAX
    } else {
        hertz as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gigahertz_is_the_identity() {
        let scale = Scale::new(SECOND, SECOND);
        assert_eq!(scale, Scale::ONE);
        assert_eq!(scale.apply(123_456_789_012_345), 123_456_789_012_345);
    }

    #[test]
    fn conversions_stay_within_a_millionth_over_years() {
        for hertz in [1_193_182, 24_000_000, 999_999_999, 2_893_437_000, 5_100_000_000] {
            let scale = Scale::new(hertz, SECOND);
            for seconds in [1, 3600, 86_400 * 365] {
                let expected = seconds * SECOND;
                assert!(
                    scale.apply(hertz * seconds).abs_diff(expected) <= expected / 1_000_000,
                    "{hertz} {seconds}"
                );
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        assert_eq!(Scale::new(0, u64::MAX).multiplier, u64::MAX);
        assert_eq!(frequency(0, 0, 0), 1);
        assert_eq!(frequency(3_000_000, 1_000_000, SECOND), 3 * SECOND);
    }
}
