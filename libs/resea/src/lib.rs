//! The userspace library: what a program or a server needs to run on Resea.
//!
//! ```ignore
//! #![cfg_attr(target_os = "none", no_std, no_main)]
//! //! Says hello.
//! use resea::println;
//!
//! resea::main!(run);
//!
//! fn run() {
//!     println!("Hello from task {}", resea::own_id());
//! }
//! ```
//!
//! * [`main!`]: the start of a program, whose function may return an error to print. A panic ends only the task.
//! * [`print!`], [`write_output`], [`read_input`]: output and input, which the shell may have redirected to files.
//! * [`eprintln!`], [`info!`], [`warn!`] and their siblings: text on the console and in the log, always.
//! * [`arguments()`], [`options`]: the command line.
//! * [`serve`], [`lookup`]: services by name; [`launch`], [`watch`], [`kill`]: tasks.
//! * [`sleep`], [`wait`], [`Timers`]: time and notifications. [`SharedMemory`]: memory that several tasks map.
//! * [`boot_file()`]: files of the boot image. [`restart`]: when to start a task again that has ended.
//! * `alloc` works: the heap takes constant time, and debug builds find overflows, double frees and writes after free.
//! * The lower layer [`ipc`] and the generated [`interfaces`] are re-exported.
//!
//! A task has exactly one thread, which is what the few global variables here rely on. `unsafe` is in the heap, the
//! backtrace, the start and those variables; nothing of it is needed by a program.
#![no_std]

extern crate alloc;
#[cfg(not(target_os = "none"))]
extern crate std;

mod arguments;
mod backtrace;
mod boot_file;
pub mod heap;
mod input;
mod local;
mod notifications;
mod outcome;
mod output;
mod panic;
mod print;
pub mod restart;
mod service;
mod shared;
mod start;
mod task;
mod timers;
pub mod typing;

pub use abi;
pub use interfaces;
pub use ipc;

pub use arguments::{Arg, Arguments, Options, UsageError, arguments, environment, name, options, seconds};
pub use boot_file::{BootFile, boot_file};
pub use input::read_input;
pub use ipc::{Error, Handle, Handles, Outbox, Region, Slab, TaskId, clock, halt, own_id};
pub use notifications::{sleep, wait};
pub use outcome::{ExitStatus, Never, Outcome, exit};
pub use output::{flush_output, write_output};
pub use service::{LookupError, ServeError, lookup, serve, vm};
pub use shared::SharedMemory;
pub use task::{Exit, ExitKind, LaunchError, kill, launch, launch_in, next_exit, task_name, watch};
pub use timers::Timers;

#[doc(hidden)]
pub use print::{Level, oops, write, write_error, write_line};
#[cfg(not(target_os = "none"))]
#[doc(hidden)]
pub use start::host_main;
#[doc(hidden)]
pub use start::{run_first_task, run_program};
