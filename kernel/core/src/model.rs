//! Runs of a kernel on a model of a machine, each step compared with a model of the manual; for fuzzing.
//!
//! It is what the tests of the core are made of (see `tests/properties`), for those who choose the steps otherwise than
//! at random. Host only: it does not compile for the bare machine.

pub use crate::tests::properties::{CALLS, Start, Step, run};
