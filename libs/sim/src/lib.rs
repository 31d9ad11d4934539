//! A simulator for servers and applications: they run unchanged under ordinary `#[test]`s, on the real kernel core and
//! the real vm.
//!
//! ```ignore
//! #[test]
//! fn a_value_is_found_again() {
//!     System::new().program(sim::program!(example::run)).run(|| {
//!         let example = interfaces::example::Client::new(resea::lookup("example").unwrap());
//!         example.put("colour", b"blue").unwrap();
//!     });
//! }
//! ```
//!
//! * [`System`]: programs and devices to run a test with. The test is a task of the system: it calls servers as any
//!   program does.
//! * [`task()`], [`kill()`], [`crash_after()`], [`type_text()`], [`trace()`] …: what only a test can do.
//! * [`System::explore`]: thousands of runs in random order, with a program killed in half of them. What fails can be run
//!   again: the same seed gives the same run.
//! * [`messages!`]: a test that sends a server random messages, good and bad.
//!
//! Tasks are threads of which one runs at a time; time is virtual and passes by the number of system calls; page faults
//! happen only where foreign memory is accessed. Everything else, from the scheduler to the fate of a dead server's
//! clients, is the code that runs on the real machine: this crate contains a machine, not a kernel.
#![forbid(unsafe_code)]

mod backend;
mod control;
pub mod decode;
mod device;
mod explore;
pub mod generate;
mod hardware;
mod image;
pub mod interfaces;
mod machine;
mod memory;
mod messages;
pub mod pci;
mod program;
mod system;
mod task;
mod trace;
mod world;

pub use control::{
    console, crash, crash_after, kill, random_number, task, trace, type_text, wait_for, was_killed,
};
pub use device::Device;
pub use explore::Summary;
pub use messages::{send_messages, send_random};
pub use program::Program;
pub use system::{Report, System};
