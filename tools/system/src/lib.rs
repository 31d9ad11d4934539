//! The whole system as data: its programs, interfaces and machine; checks that all of it together can work; its graph.
//!
//! Each program can be right and the system wrong: two servers that wait for each other, a service that nobody provides,
//! an interrupt that two drivers claim, a client and a server built with different interfaces. [`check`] finds such
//! things before anything boots, and says in a sentence or two who is concerned, in which file, and what to do. The
//! [`graph`] module draws the same data. docs/checks.md is the list of all checks with an example of each.
//!
//! The checks, by subject: [`programs`] (what there is), [`services`] (who provides what), [`cycles`] (who waits for
//! whom), [`rights`] (who may do what), [`devices`] (who drives what), [`interfaces`] (who speaks which version), [`stacks`], [`memory`].
//!
//! Works on values only: who reads files, compiles and asks the object code is the caller, `tools/resea`. So broken
//! systems can be written down as tests.
//!
//! # What is not an error: priorities
//!
//! Hubris refuses a call to a task of equal or lower priority, which rules out cycles and inversions at once. Here a call
//! donates the caller's time slice, so a server runs when its client does, whatever the numbers are; and cycles are
//! looked for as such ([`cycles`]). What is left of the matter is that a server of low priority can be kept waiting by a
//! task between its priority and its client's. That is a question of how soon, not of whether; the shell (priority 12)
//! calls servers of the default priority 8 with good reason: it is to stay awake when a server is busy. So a priority is
//! checked to be one, and shown in the graph, and that is all.
#![forbid(unsafe_code)]

pub mod cycles;
pub mod devices;
pub mod graph;
pub mod interfaces;
pub mod memory;
mod model;
mod problem;
pub mod programs;
pub mod rights;
pub mod services;
pub mod stacks;
mod text;

pub use model::{
    Built, FIRST_PROGRAM, FIRST_TASK_STACK, Interface, KernelStack, Kind, Machine, Place, Program, Reserved,
    Segment, StackUse, System, Unbounded,
};
pub use problem::Problem;

/// Everything that keeps `system` from working, subject by subject, each thing once. What is not known yet (of programs
/// that are not built, for example) is not checked.
pub fn check(system: &System) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(programs::check(system).into_iter().map(Problem::Program));
    problems.extend(services::check(system).into_iter().map(Problem::Service));
    problems.extend(cycles::check(system).into_iter().map(Problem::Cycle));
    problems.extend(rights::check(system).into_iter().map(Problem::Right));
    problems.extend(devices::check(system).into_iter().map(Problem::Device));
    problems.extend(interfaces::check(system).into_iter().map(Problem::Interface));
    problems.extend(stacks::check(system).into_iter().map(Problem::Stack));
    problems.extend(memory::check(system).into_iter().map(Problem::Memory));
    problems
}
