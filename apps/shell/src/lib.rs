//! The command line.
//!
//! The shell is a state machine over the trait [`system::System`], so that all of it runs in host tests;
//! [`resea_system`] implements it with the system calls. From the keys to the commands: [`terminal`] decodes bytes, [`mod@line`], [`history`] and
//! [`screen`] are what [`editor`] edits and shows, [`words`] takes lines apart, [`shell`] runs them.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod builtins;
mod complete;
pub mod editor;
mod files;
pub mod history;
pub mod job;
pub mod line;
pub mod names;
pub mod pipe;
pub mod resea_system;
mod run;
pub mod screen;
pub mod script;
pub mod shell;
pub mod system;
pub mod words;

pub use resea_system::run;
