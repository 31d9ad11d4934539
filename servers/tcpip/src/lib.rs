//! The service `tcpip`: sockets, names and network interfaces. Its interface, interfaces/tcpip.idl, says what each
//! message does; docs/network.md how packets travel.
//!
//! * [`stack`]: interfaces, sockets, packets; it makes no system calls.
//! * [`Server`]: messages, clients, and what they wait for.
//!
//! Everything is bounded: sockets, buffers, half-made connections, connections in TIME-WAIT. Nothing is allocated for a packet.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod address;
mod clients;
mod devices;
pub mod dns;
mod nic;
mod questions;
mod report;
mod requests;
mod server;
pub mod stack;
mod waiting;

pub use server::Server;

/// Serves for ever.
pub fn run() -> Result<resea::Never, resea::ServeError> {
    let mut server = Server::new(seed());
    server.find_devices();
    server.advance();
    resea::serve(interfaces::tcpip::NAME, interfaces::tcpip::dispatch, server)
}

/// A number that nobody can guess, for sequence numbers and ports.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    let read =
        resea::lookup(interfaces::random::NAME).map(interfaces::random::Client::new).and_then(|random| {
            random.read(&mut bytes).map_err(|error| resea::LookupError { service: "random", error })
        });
    match read {
        Ok(8) => u64::from_le_bytes(bytes),
        Ok(_) => ipc::clock(),
        Err(error) => {
            resea::warn!("{error}; sequence numbers can be guessed");
            ipc::clock()
        }
    }
}
