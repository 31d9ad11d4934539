//! Waiting for notifications in programs that are not servers, and sleeping. Servers get theirs through
//! [`ipc::server::Events`].

use crate::local::task_local;
use abi::NOTIFY_TIMER;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use ipc::kind;

task_local! {
    /// Notifications that arrived while [`sleep`] waited for the timer.
    static KEPT: AtomicUsize = AtomicUsize::new(0);
}

/// Waits until notifications arrive; their bits, never 0. Requests of other tasks are refused meanwhile.
pub fn wait() -> usize {
    match KEPT.with(|kept| kept.swap(0, Ordering::Relaxed)) {
        0 => receive(),
        bits => bits,
    }
}

/// Does nothing for this time. Uses the task's one timer: whoever uses [`crate::Timers`] has no need of this.
/// Notifications that arrive meanwhile are kept for [`wait`].
pub fn sleep(time: Duration) {
    // A timer that has expired before does not count.
    let deadline = ipc::clock().saturating_add(time.as_nanos().try_into().unwrap_or(u64::MAX));
    loop {
        let left = deadline.saturating_sub(ipc::clock());
        if left == 0 {
            return;
        }
        ipc::timer(left);
        let bits = receive();
        KEPT.with(|kept| kept.fetch_or(bits & !NOTIFY_TIMER, Ordering::Relaxed));
    }
}

/// Waits until the notification `bit` arrives. Others that arrive meanwhile are kept for [`wait`].
pub(crate) fn wait_for(bit: usize) {
    let mut bits = KEPT.with(|kept| kept.swap(0, Ordering::Relaxed));
    while bits & bit == 0 {
        bits |= receive();
    }
    KEPT.with(|kept| kept.store(bits & !bit, Ordering::Relaxed));
}

/// Waits for notifications in the kernel.
///
/// Panics if receiving fails, which it cannot unless a host backend makes it.
fn receive() -> usize {
    loop {
        match ipc::receive(None) {
            Ok(received) => match received.sender {
                None if received.info.kind() == kind::NOTIFICATIONS => return ipc::payload_word(0) as usize,
                None => {}
                // It may not wait for a reply at all; then nothing happens.
                Some(sender) => drop(ipc::reply_error(sender, ipc::Error::NotSupported)),
            },
            Err(error) => panic!("the task could not wait for notifications: {error}"),
        }
    }
}
