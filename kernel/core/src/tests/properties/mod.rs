//! Properties: whatever several tasks with random rights and priorities do, and whatever interrupts, faults, timers
//! and console input come in between, the kernel does after every single step what its manual says.
//!
//! - `steps` says what a random run consists of and makes system calls of it, plausible ones and garbage.
//! - `world` and `rules` are the manual as a model, by IDs and without a scheduler: what a call may refuse and why,
//!   what it changes, which calls return what.
//! - `run` is a run from its start to the end of all tasks, `runs` are the properties of random ones.
//! - `driver` makes each step in the kernel and in the world and compares: results, messages word for word, states,
//!   notifications, timers, IRQs, owners. A failing call must leave the kernel as it was.
//! - `effects` is what a call that succeeds does to the world.
//! - `exhaustive` makes *all* short runs of a small system, by the events of `alphabet`.
//! - `fairness` lets equals compute and call for random times: none may wait for longer than the others' turns.
//! - `structure` (shared with the scenarios) checks queues, links, the choice of who runs and the armed timer.
//!
//! `PROPTEST_CASES` sets the number of runs. That the properties can fail was tried by planting bugs; each of these
//! was found within the default number of runs:
//!
//! | planted bug | found as |
//! |---|---|
//! | a delivered message clears pending notifications | `notified 0x0, not 0xc98900` |
//! | the reply of a task that was not called | `should have failed: [NotWaiting]` |
//! | a task is destroyed without leaving the queue it is in | `queue [125], not []` |
//! | an old ID of a place is accepted | `should have failed: [NoTask]` |
//! | a direct switch to a task that is not the most important | `runs, but priority 26 is ready` |
//! | a lend is usable after the reply | `returned InvalidArgument, not one of [NotWaiting]` |
//! | the right to notify is not checked | `should have failed: [NotPermitted]` |
//! | new tasks get rights that their creator lacks | `should have failed: [NotPermitted]` |
//! | a failing send leaves a trace | `failed but changed something` |
//! | callers of a dead server are forgotten | `returned: [], but should: [Aborted]` |
//! | a dead task's IRQs stay enabled | `IRQs enabled: …, not …` |
//! | a dead task's timer stays armed | `the timer is armed for …, not for None` |
//! | a child that is half destroyed is not inherited | `queue [], not [122.2]` |
//! | time in a server does not count against its client | `3 starves` (`fairness`) |

#[cfg(test)]
mod alphabet;
mod compare;
mod driver;
mod effects;
#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod fairness;
mod rules;
mod run;
#[cfg(test)]
mod runs;
mod steps;
mod world;

#[cfg(feature = "model")]
pub use run::run;
#[cfg(feature = "model")]
pub use steps::{CALLS, Start, Step};
