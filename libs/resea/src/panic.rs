//! What happens when the program panics: it says why, and the task ends. Nobody else is affected.
//!
//! The kernel passes the frame pointer on to vm, which prints the backtrace with the names of the functions.

/// The exit status of a task that has panicked, as of a Rust program on other systems.
#[cfg(target_os = "none")]
const PANICKED: i32 = 101;

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(panic: &core::panic::PanicInfo<'_>) -> ! {
    use core::sync::atomic::{AtomicBool, Ordering};

    static PANICKING: AtomicBool = AtomicBool::new(false);

    // The message's own `Display` may panic.
    if !PANICKING.swap(true, Ordering::Relaxed) {
        match panic.location() {
            Some(location) => {
                crate::eprintln!("{}: panicked at {location}: {}", crate::name(), panic.message())
            }
            None => crate::eprintln!("{}: panicked: {}", crate::name(), panic.message()),
        }
        if let Some(failure) = crate::heap::failure() {
            crate::eprintln!("{}: {failure}", crate::name());
        }
        crate::output::flush_if_possible();
    }
    ipc::calls::exit_panicked(PANICKED)
}
