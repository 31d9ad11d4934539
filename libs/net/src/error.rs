//! What can go wrong with a socket, with the address it happened to.

use core::fmt;
use core::net::SocketAddr;

/// What was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// To find the server `tcpip`.
    Find,
    /// To connect.
    Connect,
    /// To listen, or to bind a socket for datagrams.
    Listen,
    /// To accept a connection.
    Accept,
    /// To receive.
    Receive,
    /// To send.
    Send,
    /// To resolve a name.
    Resolve,
    /// To ask for an echo.
    Ping,
    /// Anything else with a socket.
    Control,
}

/// Why it did not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error {
    /// What was tried.
    pub action: Action,
    /// With whom, or at which address, if that is known.
    pub address: Option<SocketAddr>,
    /// Why: `Refused`, `Reset`, `TimedOut`, `Unreachable`, `AddressInUse`, `TooManySockets`, `NotConnected` … (the
    /// interface file says for each message which).
    pub kind: ipc::Error,
}

/// What the functions of this crate return.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    pub(crate) const fn new(action: Action, address: Option<SocketAddr>, kind: ipc::Error) -> Self {
        Self { action, address, kind }
    }

    /// Whether the server has ended, and its sockets with it.
    pub const fn server_ended(&self) -> bool {
        matches!(self.kind, ipc::Error::NoTask | ipc::Error::Aborted)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.action {
            Action::Find => "cannot use `tcpip`",
            Action::Connect => "cannot connect",
            Action::Listen => "cannot listen",
            Action::Accept => "cannot accept a connection",
            Action::Receive => "cannot receive",
            Action::Send => "cannot send",
            Action::Resolve => "cannot find the address",
            Action::Ping => "no echo",
            Action::Control => "cannot change the socket",
        })?;
        if let Some(address) = self.address {
            let preposition = match self.action {
                Action::Connect | Action::Send => "to",
                Action::Receive | Action::Ping => "from",
                _ => "at",
            };
            // An address without a port is one of a host.
            match address.port() {
                0 => write!(f, " {preposition} {}", address.ip())?,
                _ => write!(f, " {preposition} {address}")?,
            }
        }
        match (self.action, self.kind) {
            (_, ipc::Error::NoTask | ipc::Error::Aborted) => {
                f.write_str(": the TCP/IP server has ended; try again")
            }
            (Action::Find, ipc::Error::NotPermitted) => {
                f.write_str(": add \"tcpip\" to `uses` in the program's manifest")
            }
            (Action::Find, ipc::Error::NotFound) => f.write_str(": no program in the image provides it"),
            (Action::Resolve, ipc::Error::NotFound) => f.write_str(": there is no such name"),
            (Action::Resolve, ipc::Error::InvalidArgument) => f.write_str(": this is not the name of a host"),
            (Action::Resolve, ipc::Error::Unreachable) => f.write_str(": no name server is known"),
            (Action::Resolve, ipc::Error::TimedOut) => f.write_str(": the name server does not answer"),
            (Action::Listen, ipc::Error::Unreachable) => {
                f.write_str(": the address is not one of this machine")
            }
            (Action::Listen, ipc::Error::AddressInUse) => {
                f.write_str(": the port is in use; choose another, or end the program that has it")
            }
            (Action::Connect, ipc::Error::InvalidArgument) => {
                f.write_str(": the port or the address is missing")
            }
            (Action::Connect | Action::Ping, ipc::Error::TimedOut) => {
                f.write_str(": nobody has answered in time")
            }
            (_, ipc::Error::TooManySockets) => f.write_str(": there are too many sockets; close some"),
            (_, kind) => write!(f, ": {kind}"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn errors_say_what_happened_and_where() {
        let address = Some("10.0.2.2:80".parse().unwrap());
        let refused = Error::new(Action::Connect, address, ipc::Error::Refused);
        assert_eq!(
            refused.to_string(),
            "cannot connect to 10.0.2.2:80: the connection was refused: nobody listens there"
        );
        let unknown = Error::new(Action::Resolve, None, ipc::Error::NotFound);
        assert_eq!(unknown.to_string(), "cannot find the address: there is no such name");
        let silent = Error::new(Action::Ping, Some("10.9.9.9:0".parse().unwrap()), ipc::Error::TimedOut);
        assert_eq!(silent.to_string(), "no echo from 10.9.9.9: nobody has answered in time");
    }
}
