//! When a task is started again by whoever looks after it.
//!
//! An end is noticed by people as an interruption, so the first one costs no time. A task that ends again and again waits
//! longer each time, and in the end is left alone: a crash loop must not take the machine down.

/// After this much life, in nanoseconds, an end counts as the first one.
pub const LONG_LIFE: u64 = 10_000_000_000;
/// The wait after the second quick end, in nanoseconds; each further one doubles it.
pub const FIRST_WAIT: u64 = 100_000_000;
/// Quick ends in a row after which a task is parked.
pub const MOST_QUICK_ENDS: u32 = 6;

/// What to do after a task's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Start it again at once.
    Start,
    /// Start it again after this many nanoseconds.
    Wait(u64),
    /// Leave it until someone asks for it.
    Park,
}

/// A task's quick ends.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Record {
    quick_ends: u32,
}

impl Record {
    /// None.
    pub const NEW: Self = Self { quick_ends: 0 };

    /// The task has ended after `life` nanoseconds, 0 if it could not even be started. `wanted`: somebody has ended it.
    pub fn ended(&mut self, life: u64, wanted: bool) -> Verdict {
        if wanted || life >= LONG_LIFE {
            self.quick_ends = 0;
            return Verdict::Start;
        }
        self.quick_ends += 1;
        match self.quick_ends {
            1 => Verdict::Start,
            2..MOST_QUICK_ENDS => Verdict::Wait(FIRST_WAIT << (self.quick_ends - 2)),
            _ => Verdict::Park,
        }
    }

    /// Forgets all: somebody wants it to be started.
    pub const fn clear(&mut self) {
        self.quick_ends = 0;
    }
}
