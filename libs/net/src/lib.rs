//! Sockets: what the standard library's `std::net` is on other systems, on the interface of the server `tcpip`.
//!
//! ```ignore
//! let mut stream = net::TcpStream::connect("10.0.2.2:80".parse()?)?;
//! stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
//! let mut buffer = [0; 4096];
//! while let length @ 1.. = stream.read(&mut buffer)? { /* use buffer[..length] */ }
//! ```
//!
//! * [`TcpStream`], [`TcpListener`], [`UdpSocket`]: each has calls that wait (`read`) and calls that do not (`try_read`,
//!   `None` where the other would wait).
//! * [`Readiness`]: which of many sockets have something to do, for event loops with [`NOTIFY_READY`].
//! * [`resolve`], [`ping`]; [`status`]: what the server knows of interfaces, addresses and sockets.
//!
//! A program names the service in its manifest: `uses = ["tcpip"]`. A socket is closed when it is dropped, and all of
//! a task's sockets when it ends. When the server itself ends, its sockets answer with an [`Error`] whose
//! [`server_ended`](Error::server_ended) is true; new ones work as soon as it is back. Nothing here allocates.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod address;
mod error;
mod name;
mod readiness;
mod socket;
pub mod status;
mod tcp;
mod udp;

pub use address::{from_wire, to_wire};
pub use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
pub use error::{Action, Error, Result};
pub use name::{Addresses, ping, resolve, resolve_socket};
pub use readiness::{Event, Events, Interest, NOTIFY_READY, Readiness};
pub use socket::{AsSocket, Property, SocketId};
pub use tcp::{Half, TcpListener, TcpStream};
pub use udp::UdpSocket;
