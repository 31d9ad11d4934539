//! When a program that should always run is started again.
//!
//! At once would turn a program that crashes at its start into a storm. So each quick death doubles the wait, and
//! after [`MAX_QUICK_DEATHS`] in a row it is given up. A life of [`LONG_LIFE`] clears the record, and so does a death by
//! another's hand.

/// After this much life, in nanoseconds, a death counts as the first one.
pub const LONG_LIFE: u64 = 10_000_000_000;

/// The wait after the first death, in nanoseconds.
pub const FIRST_WAIT: u64 = 100_000_000;

/// Deaths in a row, each after less than [`LONG_LIFE`], after which a program is given up.
pub const MAX_QUICK_DEATHS: u32 = 6;

/// What to do after a death.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Start it again after this many nanoseconds.
    Wait(u64),
    /// Leave it.
    GiveUp,
}

/// A program's record. All times are in nanoseconds since the machine started.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Restarts {
    deaths: u32,
    /// When it died last.
    died: u64,
    due: Option<u64>,
}

impl Restarts {
    /// No deaths yet.
    pub const NEW: Self = Self { deaths: 0, died: 0, due: None };

    /// The program, started at `started`, has died at `now` (or could not be started).
    pub fn died(&mut self, started: u64, now: u64) -> Verdict {
        if now.saturating_sub(started) >= LONG_LIFE {
            self.deaths = 0;
        }
        self.deaths += 1;
        self.died = now;
        if self.deaths >= MAX_QUICK_DEATHS {
            self.due = None;
            return Verdict::GiveUp;
        }
        let wait = FIRST_WAIT << (self.deaths - 1);
        self.due = Some(now.saturating_add(wait));
        Verdict::Wait(wait)
    }

    /// Somebody has ended it at `now`: that says nothing about the program, which begins anew. The wait.
    pub const fn killed(&mut self, now: u64) -> u64 {
        self.deaths = 0;
        self.due = Some(now.saturating_add(FIRST_WAIT));
        FIRST_WAIT
    }

    /// When it is to be started again.
    pub const fn due(&self) -> Option<u64> {
        self.due
    }

    /// Whether it was given up, and less than [`LONG_LIFE`] ago: until then it is not even started for those who look for
    /// its service, who would otherwise keep the machine busy with it.
    pub const fn is_given_up(&self, now: u64) -> bool {
        self.deaths >= MAX_QUICK_DEATHS && now.saturating_sub(self.died) < LONG_LIFE
    }

    /// It is being started.
    pub const fn clear_due(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_deaths_wait_longer_and_end() {
        let mut restarts = Restarts::NEW;
        let mut now = 0;
        for death in 1..MAX_QUICK_DEATHS {
            let wait = FIRST_WAIT << (death - 1);
            assert_eq!(restarts.died(now, now + 5), Verdict::Wait(wait));
            assert_eq!(restarts.due(), Some(now + 5 + wait));
            now += 5 + wait;
            restarts.clear_due();
        }
        assert!(!restarts.is_given_up(now));
        assert_eq!(restarts.died(now, now + 5), Verdict::GiveUp);
        assert!(restarts.is_given_up(now + 6) && !restarts.is_given_up(now + 5 + LONG_LIFE));
        assert_eq!(restarts.due(), None);
    }

    #[test]
    fn a_long_life_clears_the_record() {
        let mut restarts = Restarts::NEW;
        for _ in 0..100 {
            assert_eq!(restarts.died(7, 7 + LONG_LIFE), Verdict::Wait(FIRST_WAIT));
        }
    }
}
