//! The tests of the core: a model of a machine, scenarios that read as sentences, and properties of random runs.

mod model;
mod properties;
mod requests;
mod scenarios;
mod structure;
mod system;
