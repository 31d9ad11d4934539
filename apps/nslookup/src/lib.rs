//! `nslookup NAME` finds the addresses of a host and prints each on a line.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use resea::{Arg, UsageError, println};

const USAGE: &str = "nslookup NAME";

/// Does what the command line says.
///
/// Errors: a sentence that says why there is no address.
pub fn run() -> Result<(), String> {
    let mut arguments = resea::arguments();
    let name = arguments.next().ok_or_else(|| format!("{}", UsageError::Missing("NAME", USAGE)))?;
    if let Some(more) = arguments.next() {
        return Err(format!("{}", UsageError::unexpected(Arg::Positional(more), USAGE)));
    }
    let addresses = net::resolve(name).map_err(|error| format!("{name}: {error}"))?;
    for address in addresses.iter() {
        println!("{address}");
    }
    Ok(())
}
