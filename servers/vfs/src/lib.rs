//! The services `vfs` and `fs`: the name space. interfaces/vfs.idl and interfaces/fs.idl say what each message does,
//! docs/namespace.md how it works together.
//!
//! * [`names`]: what paths mean: prefixes, and the directories that only mount points make. [`fstab`]: what is mounted at the
//!   start. [`source`]: what a file system can be on. When a server is started again is [`resea::restart`]'s. These only compute.
//! * [`mount`]: a mount, and how it stands. `lives`: file servers are started, watched, ended and started again; `devices`: the
//!   disks that dm knows; `predecessors`: the file servers of a vfs that was killed; `finish`: how one is ended without loss.
//! * [`server`]: the interface `vfs`; `directories`: the interface `fs` for the directories of the name space itself.
//!
//! Everything is bounded. Never waits for a file server, but in `finish`, and there not for ever.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod devices;
mod directories;
mod finish;
pub mod fstab;
mod kinds;
mod lives;
pub mod mount;
pub mod names;
mod predecessors;
pub mod server;
pub mod source;

use interfaces::{fs, vfs};
use ipc::{Answer, Incoming};
use resea::ServeError;
use server::Vfs;

/// Serves for ever.
///
/// Errors: why it cannot.
pub fn run() -> Result<resea::Never, ServeError> {
    // First of all: a second one must end before it has started anything. Who looks up `vfs` finds both.
    for service in [fs::NAME, vfs::NAME] {
        resea::vm().serve(service).map_err(|error| ServeError { service, error })?;
    }
    let mut server = Vfs::new();
    server.begin();
    ipc::server::run(&mut server, dispatch)
}

fn dispatch(server: &mut Vfs, message: &Incoming) -> Answer {
    match vfs::dispatch(server, message) {
        Answer::Unknown => fs::dispatch(server, message),
        answer => answer,
    }
}
