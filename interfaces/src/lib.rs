//! The interfaces of the system's servers, generated from the `.idl` files of this directory: one module for each.
//!
//! In each module, `Client` calls a server, `Server` is the trait that a server implements, and `dispatch` decodes
//! messages for it. docs/interfaces.md is the same as a reference to read, docs/idl.md describes the language.
#![no_std]
#![forbid(unsafe_code)]

include!(concat!(env!("OUT_DIR"), "/interfaces.rs"));
