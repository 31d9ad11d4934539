//! The start of a program: from the entry point that the machine jumps to, to the program's function.
//!
//! vm has put the start record and the arguments in the message page, and mapped a stack. Nothing else has to be set
//! up: the heap begins with the first allocation.

use crate::local::task_local;
use crate::{ExitStatus, Outcome};
use core::sync::atomic::{AtomicBool, Ordering};

task_local! {
    /// Whether this is the first task, which finds [`abi::BootInfo`] where programs find [`abi::Startup`].
    static FIRST_TASK: AtomicBool = AtomicBool::new(false);
}

/// Defines the program's entry point. `resea::main!(run);` makes it call `run`, which takes nothing and returns an
/// [`Outcome`]: nothing, an exit status, or a result whose error is printed.
///
/// On the host the program only says that it runs on Resea. If the function is called `main`, it runs there itself,
/// without a kernel.
#[macro_export]
macro_rules! main {
    (main) => {
        #[cfg(target_os = "none")]
        $crate::main!(@entry main);
    };
    ($function:path) => {
        #[cfg(target_os = "none")]
        $crate::main!(@entry $function);

        #[cfg(not(target_os = "none"))]
        fn main() {
            // Named, so that what it uses counts as used on the host too.
            let _ = $function;
            $crate::host_main(env!("CARGO_PKG_NAME"));
        }
    };
    (@interfaces) => {
        /// The interfaces that this program was built with, for the build to compare: a section that is not loaded.
        #[used]
        #[unsafe(link_section = ".resea.interfaces")]
        static INTERFACES: [u8; $crate::interfaces::FINGERPRINTS.len()] = $crate::interfaces::FINGERPRINTS;
    };
    (@entry $function:path) => {
        $crate::main!(@interfaces);

        /// Where the program starts. The stack is aligned as after a call.
        #[unsafe(no_mangle)]
        extern "C" fn _start(_argument: usize) -> ! {
            $crate::run_program($function)
        }
    };
}

/// Defines the entry point of the first task, vm: as [`main!`], but the function gets the [`abi::BootInfo`], and there
/// are neither arguments nor a heap.
#[macro_export]
macro_rules! first_task {
    ($function:path) => {
        #[cfg(target_os = "none")]
        $crate::main!(@interfaces);

        /// Where the first task starts. The stack is aligned as after a call.
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn _start(_argument: usize) -> ! {
            $crate::run_first_task($function)
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            // Named, so that what it uses counts as used on the host too.
            let _ = $function;
            $crate::host_main(env!("CARGO_PKG_NAME"));
        }
    };
}

/// Runs a program to its end.
#[doc(hidden)]
pub fn run_program<O: Outcome>(program: impl FnOnce() -> O) -> ! {
    crate::exit(ExitStatus(program().status()))
}

/// Runs the first task to its end.
#[doc(hidden)]
pub fn run_first_task<O: Outcome>(program: impl FnOnce(abi::BootInfo) -> O) -> ! {
    FIRST_TASK.with(|first| first.store(true, Ordering::Relaxed));
    ipc::exit(program(ipc::boot_info()).status())
}

/// What a program does on the host.
#[cfg(not(target_os = "none"))]
#[doc(hidden)]
pub fn host_main(name: &str) {
    std::eprintln!(
        "{name} is a program for Resea: `cargo run` boots the system, then type `{name}` in its shell"
    );
    std::process::exit(1);
}

/// The start record; `None` in the first task.
pub(crate) fn startup() -> Option<abi::Startup> {
    if is_first_task() { None } else { Some(ipc::startup()) }
}

/// The arguments as vm left them; empty in the first task.
pub(crate) fn startup_arguments() -> &'static [u8] {
    if is_first_task() { &[] } else { ipc::startup_arguments() }
}

/// The environment as vm left it; empty in the first task.
pub(crate) fn startup_environment() -> &'static [u8] {
    if is_first_task() { &[] } else { ipc::startup_environment() }
}

fn is_first_task() -> bool {
    FIRST_TASK.with(|first| first.load(Ordering::Relaxed))
}
