//! When a driver is no longer believed to work. When it is started again is [`resea::restart`]'s.

pub use resea::restart::{FIRST_WAIT, LONG_LIFE, MOST_QUICK_ENDS, Record, Verdict};

/// How often drivers are asked whether they are alive, in nanoseconds.
pub const HEARTBEAT: u64 = 2_000_000_000;
/// How long a driver may take to answer, in nanoseconds.
pub const PATIENCE: u64 = 4_000_000_000;

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
