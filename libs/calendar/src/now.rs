//! What time it is: the machine's clock, and what `datetime` says is to be added.
//!
//! Asks once and remembers the answer, but not for long, since somebody may set the time.

use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use interfaces::datetime::{self, Client};

/// For how many nanoseconds an answer counts.
const VALID: u64 = 60_000_000_000;
/// The offset that nobody knows.
const UNKNOWN: i64 = i64::MIN;
const MILLISECOND: i64 = 1_000_000;

/// What `datetime` has answered: nanoseconds to add, and until when that counts.
struct Answer {
    offset: AtomicI64,
    until: AtomicU64,
}

#[cfg(target_os = "none")]
static ANSWER: Answer = Answer::none();

// On the host many tasks are threads of one process, and each asks for itself.
#[cfg(not(target_os = "none"))]
std::thread_local! {
    static ANSWER: Answer = const { Answer::none() };
}

/// Milliseconds since 1970-01-01 00:00 UTC; `None` if nobody knows the time, or the program's manifest does not have
/// `uses = ["datetime"]`.
///
/// `datetime` is asked at most once a minute; so long it may take until a program sees that the time was set.
pub fn now() -> Option<i64> {
    #[cfg(target_os = "none")]
    return ANSWER.now();
    #[cfg(not(target_os = "none"))]
    ANSWER.with(Answer::now)
}

impl Answer {
    /// None, which counts no longer.
    const fn none() -> Self {
        Self { offset: AtomicI64::new(UNKNOWN), until: AtomicU64::new(0) }
    }

    // A task has one thread, so no order has to be kept.
    fn now(&self) -> Option<i64> {
        if ipc::clock() >= self.until.load(Ordering::Relaxed) {
            self.offset.store(ask().unwrap_or(UNKNOWN), Ordering::Relaxed);
            self.until.store(ipc::clock().saturating_add(VALID), Ordering::Relaxed);
        }
        let offset = Some(self.offset.load(Ordering::Relaxed)).filter(|offset| *offset != UNKNOWN)?;
        Some(offset.saturating_add_unsigned(ipc::clock()).div_euclid(MILLISECOND))
    }
}

fn ask() -> Option<i64> {
    let server = resea::lookup(datetime::NAME).ok()?;
    Client::new(server).offset().ok()
}
