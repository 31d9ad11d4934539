//! When a driver is started again, and when it is no longer believed to work.
//!
//! A driver's end is noticed by people as an interruption, so the first one costs no time. One that ends again and again
//! waits longer each time, and in the end is left alone: a crash loop must not take the machine down.

/// After this much life, in nanoseconds, an end counts as the first one.
pub const LONG_LIFE: u64 = 10_000_000_000;
/// The wait after the second quick end, in nanoseconds; each further one doubles it.
pub const FIRST_WAIT: u64 = 100_000_000;
/// Quick ends in a row after which a driver is parked.
pub const MOST_QUICK_ENDS: u32 = 6;

/// How often drivers are asked whether they are alive, in nanoseconds.
pub const HEARTBEAT: u64 = 2_000_000_000;
/// How long a driver may take to answer, in nanoseconds.
pub const PATIENCE: u64 = 4_000_000_000;

/// What to do after a driver's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Start it again at once.
    Start,
    /// Start it again after this many nanoseconds.
    Wait(u64),
    /// Leave it until someone asks for it.
    Park,
}

/// A driver's quick ends.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Record {
    quick_ends: u32,
}

impl Record {
    /// The driver has ended after `life` nanoseconds, 0 if it could not even be started. `wanted`: somebody has ended it.
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

/// What to do at a driver's heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beat {
    /// Ask whether it is alive.
    Ask,
    /// It was asked and has time left.
    Wait,
    /// It has not answered in time: end it.
    Late,
}

/// Whether a driver answers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Heartbeat {
    asked: Option<u64>,
}

impl Heartbeat {
    /// It is time for a heartbeat: it is `now`.
    pub fn beat(&mut self, now: u64) -> Beat {
        match self.asked {
            None => {
                self.asked = Some(now);
                Beat::Ask
            }
            Some(asked) if now.saturating_sub(asked) < PATIENCE => Beat::Wait,
            Some(_) => Beat::Late,
        }
    }

    /// It has answered.
    pub const fn answered(&mut self) {
        self.asked = None;
    }
}
