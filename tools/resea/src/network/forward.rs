//! Ports of the host behind which ports of the guest are.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt::set_socket_reuseaddr};

use super::PAGE;

/// How many ports are tried in place of one that is taken.
const TRIES: u16 = 100;

/// What `--port` looks like.
const FORM: &str = "it must be [ADDRESS:]HOST:GUEST[/udp], as 8080:80 or 0.0.0.0:5353:53/udp";

/// What travels over a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A port of the host behind which a port of the guest is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forward {
    /// What travels.
    pub protocol: Protocol,
    /// The address of the host that takes it.
    pub address: Ipv4Addr,
    /// The port of the host; 0: any that is free.
    pub host: u16,
    /// The port of the guest.
    pub guest: u16,
}

impl Forward {
    /// Any free port of the host for connections to this port of the guest.
    pub fn any(guest: u16) -> Self {
        Self { host: 0, guest, ..PAGE }
    }

    /// Takes the host's port for as long as the result lives.
    pub(super) fn take(&self) -> io::Result<Taken> {
        let address = SocketAddrV4::new(self.address, self.host);
        if self.protocol == Protocol::Udp {
            return UdpSocket::bind(address).map(Taken::Udp);
        }
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &address)?;
        Ok(Taken::Tcp(socket.into()))
    }

    /// This one, or one with the next free port.
    pub(super) fn settle(mut self, held: &mut Held) -> Result<Self> {
        let wanted = self;
        for _ in 0..TRIES {
            let taken = if held.is_ours(&self) { Err(ErrorKind::AddrInUse.into()) } else { self.take() };
            match taken {
                Ok(taken) => {
                    self.host = taken.port()?;
                    held.0.push(Arc::new(taken));
                    return Ok(self);
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => match self.host.checked_add(1) {
                    Some(next) => self.host = next,
                    None => break,
                },
                Err(error) => bail!(
                    "port {} of {} cannot be used ({error}): name another one with --port HOST:{}",
                    self.host,
                    self.address,
                    self.guest
                ),
            }
        }
        let (first, last, guest) = (wanted.host, self.host.saturating_sub(1), wanted.guest);
        bail!("the ports {first} to {last} are all taken: name another one with --port HOST:{guest}")
    }
}

impl FromStr for Forward {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ports, protocol) = match text.split_once('/') {
            None | Some((_, "tcp")) => (text.trim_end_matches("/tcp"), Protocol::Tcp),
            Some((ports, "udp")) => (ports, Protocol::Udp),
            Some(_) => return Err(FORM.into()),
        };
        let words: Vec<_> = ports.split(':').collect();
        let (address, host, guest) = match words.as_slice() {
            [host, guest] => (Ok(Ipv4Addr::LOCALHOST), host, guest),
            [address, host, guest] => (address.parse(), host, guest),
            _ => return Err(FORM.into()),
        };
        let port = |word: &str| word.parse::<u16>().map_err(|_| FORM.to_string());
        let (host, guest) = (port(host)?, port(guest)?);
        if guest == 0 {
            return Err("the guest's port must be 1 to 65535".into());
        }
        Ok(Self { protocol, address: address.map_err(|_| FORM.to_string())?, host, guest })
    }
}

/// In QEMU's words.
impl fmt::Display for Forward {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.protocol == Protocol::Tcp { "tcp" } else { "udp" };
        write!(formatter, "{protocol}:{}:{}-:{}", self.address, self.host, self.guest)
    }
}

/// A port that is taken. For connections it is bound, and nobody listens: Linux lets a socket listen there that allows
/// to share its address as this one does (SO_REUSEADDR, socket(7)), which QEMU's do, but gives the port to nobody who
/// asks for any.
#[derive(Debug)]
pub(super) enum Taken {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Taken {
    pub(super) fn port(&self) -> io::Result<u16> {
        match self {
            Self::Tcp(socket) => socket.local_addr(),
            Self::Udp(socket) => socket.local_addr(),
        }
        .map(|address| address.port())
    }
}

/// Ports that are taken for QEMU.
#[derive(Clone, Default, Debug)]
pub(super) struct Held(Vec<Arc<Taken>>);

impl Held {
    /// Whether this port for connections is among them: the system would let it be bound twice.
    fn is_ours(&self, forward: &Forward) -> bool {
        let is_it = |taken: &Arc<Taken>| match **taken {
            Taken::Tcp(_) => taken.port().is_ok_and(|port| port == forward.host),
            Taken::Udp(_) => false,
        };
        forward.protocol == Protocol::Tcp && self.0.iter().any(is_it)
    }

    /// Lets go of ports for datagrams: they would get what is meant for QEMU.
    pub(super) fn give_up_datagrams(&mut self) {
        self.0.retain(|taken| matches!(**taken, Taken::Tcp(_)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(text: &str) -> Forward {
        text.parse().expect("it is well written")
    }

    #[test]
    fn forwarded_ports_are_read_and_told_to_qemu() {
        assert_eq!(forward("8080:80"), PAGE);
        assert_eq!(forward("8080:80/tcp"), PAGE);
        assert_eq!(forward("0.0.0.0:5353:53/udp").to_string(), "udp:0.0.0.0:5353-:53");
        for bad in
            ["", "80", "8080:", ":80", "a:80", "1:2:3", "8080:80/sctp", "70000:80", "::1:80:80", "8080:0"]
        {
            assert!(bad.parse::<Forward>().is_err(), "{bad}");
        }
    }
}
