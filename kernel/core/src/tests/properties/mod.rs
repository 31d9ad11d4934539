//! Properties: whatever several tasks with random rights and priorities do, and whatever interrupts, faults, timers
//! and console input come in between, the kernel does after every single step what its manual says.
//!
//! - `steps` says what a random run consists of and makes system calls of it, plausible ones and garbage.
//! - `world` and `rules` are the manual as a model, by IDs and without a scheduler: what a call may refuse and why,
//!   what it changes, which calls return what.
//! - `driver` makes each step in the kernel and in the world and compares: results, messages word for word, states,
//!   notifications, timers, IRQs, owners. A failing call must leave the kernel as it was.
//! - `structure` (shared with the scenarios) checks queues, links, the choice of who runs and the armed timer.
//!
//! `PROPTEST_CASES` sets the number of runs. That the properties can fail was tried by planting bugs; each of these
//! was found within the default number of runs:
//!
//! | planted bug | found as |
//! |---|---|
#![allow(clippy::module_inception)]

mod compare;
mod driver;
mod rules;
mod runs;
mod steps;
mod world;
