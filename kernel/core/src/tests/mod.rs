//! The tests of the core: a model of a machine, scenarios that read as sentences, and properties of random runs.

mod model;
pub(crate) mod properties;
mod requests;
#[cfg(test)]
mod scenarios;
mod structure;
mod system;
