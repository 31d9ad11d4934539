//! The machine-independent kernel: tasks, messages, scheduling, faults, interrupts, timers.
//!
//! It is a state machine. A machine crate calls an entry of [`Kernel`] for each system call, fault and interrupt; the
//! entry changes the tables, and [`Kernel::current`] then says which task to run. No entry blocks, allocates or
//! panics; what a task waits for is data in its [`task::Task`], not a call stack.
//!
//! Start reading at [`syscall`](Kernel::syscall), then `ipc.rs`. The calls themselves are documented in
//! [`abi::Syscall`].
#![no_std]
#![forbid(unsafe_code)]

mod console;
mod counts;
#[cfg(debug_assertions)]
mod debugger;
mod fault;
mod inspect;
mod ipc;
mod irq;
mod kernel;
mod lends;
mod lifecycle;
mod log;
pub mod machine;
mod memory;
#[cfg(feature = "model")]
pub mod model;
mod print;
mod schedule;
mod syscall;
mod table;
mod task;
#[cfg(any(test, feature = "model"))]
#[cfg_attr(not(test), allow(dead_code, reason = "outside of tests only `model` is used"))]
mod tests;
mod timers;

pub use fault::Fault;
pub use irq::MAX_IRQS;
pub use kernel::Kernel;
pub use log::Log;
pub use machine::{CopyFault, Frame, Machine, MemoryUse, Reclaim, Request};
pub use print::{Column, Hex, Print, Sink};
pub use schedule::{DEFAULT_QUANTUM, MIN_QUANTUM};
pub use task::{Outgoing, State, Task};
