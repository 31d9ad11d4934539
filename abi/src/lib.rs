//! What the kernel and userland agree on: task IDs, the message page, system call numbers, rights, errors.
//!
//! Only numbers, layouts and their encodings live here, so that one page answers "what does this word mean?" for
//! both sides. Nothing in this crate has behaviour beyond packing and unpacking, and nothing here allocates,
//! panics or touches hardware.
//!
//! Words are `u64` in memory and `usize` in registers; every packed register fits 32 bits, so the same layouts
//! serve 32-bit machines.
#![no_std]
#![forbid(unsafe_code)]

mod boot;
mod error;
mod fault;
mod message;
mod record;
mod rights;
mod syscall;
mod task;

pub use boot::{BootInfo, MAX_BOOT_REGIONS, Region, STARTUP_OFFSET, Startup};
pub use error::Error;
pub use fault::{Access, Exception, kind};
pub use message::{
    Lend, MAX_LENDS, MESSAGE_PAGE, MessageInfo, MessagePage, NOTIFY_ASYNC, NOTIFY_CHILD, NOTIFY_CONSOLE,
    NOTIFY_IRQ, NOTIFY_TIMER, PAYLOAD_BYTES, PAYLOAD_WORDS, Received,
};
pub use record::{TaskCreate, TaskInfo, TaskState};
pub use rights::{MAX_RANGES, MAX_SERVICES, Powers, Range, Rights, ServiceSet};
pub use syscall::{
    Affinity, COUNTED_TASKS, ConsoleOperation, FIRST_MESSAGE_IRQ, InspectOperation, IrqOperation,
    LendSelector, MAX_CONSOLE, MAX_COPY, MESSAGE_IRQS, MapFlags, Policy, SendFlags, Syscall,
};
pub use task::{MAX_TASKS, PRIORITIES, TaskId, TaskIndex};
