//! Scenarios: each test says in its name what the kernel promises, and shows it with two or three tasks.

mod calls;
mod creation;
#[cfg(debug_assertions)]
mod deadlocks;
#[cfg(debug_assertions)]
mod debugger;
mod debugging;
mod destruction;
mod devices;
mod faults;
mod lends;
mod memory;
mod messages;
mod notifications;
mod quanta;
mod scheduling;
