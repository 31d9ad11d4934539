//! `netstat` lists the sockets of the system; `netstat -s` shows what the network has counted since its start.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};

use net::SocketAddr;
use net::status::{self, Kind, SocketStatus, State};
use resea::{Arg, UsageError, println};

const USAGE: &str = "netstat [-s]";

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong.
pub fn run() -> Result<(), String> {
    let mut options = resea::options();
    let mut counts = false;
    while let Some(argument) = options.next_arg().map_err(|error| format!("{error}; usage: {USAGE}"))? {
        match argument {
            Arg::Short('s') | Arg::Long("statistics") => counts = true,
            other => return Err(format!("{}", UsageError::unexpected(other, USAGE))),
        }
    }
    if counts { statistics() } else { sockets() }.map_err(|error| format!("{error}"))
}

fn sockets() -> net::Result<()> {
    println!(
        "{:<5} {:<28} {:<28} {:<12} {:>8} {:>8}  TASK",
        "KIND", "LOCAL", "REMOTE", "STATE", "RECEIVED", "UNSENT"
    );
    for socket in status::sockets()? {
        let socket = socket?;
        println!("{}  {}", row(&socket), owner(socket.task));
    }
    Ok(())
}

/// All of a socket but its owner.
fn row(socket: &SocketStatus) -> String {
    let (kind, state) = match socket.kind {
        Kind::Connection => ("tcp", state(socket.state)),
        Kind::Listener => ("tcp", "listen"),
        Kind::Datagram => ("udp", "-"),
    };
    format!(
        "{kind:<5} {:<28} {:<28} {state:<12} {:>8} {:>8}",
        end(Some(socket.local)),
        end(socket.remote),
        socket.receive_queue,
        socket.send_queue
    )
}

/// One end of a socket; `*` for any address.
fn end(address: Option<SocketAddr>) -> String {
    match address {
        None => "-".into(),
        Some(address) if address.ip().is_unspecified() => format!("*:{}", address.port()),
        Some(address) => address.to_string(),
    }
}

fn owner(task: u32) -> String {
    let Some(task) = resea::TaskId::from_raw(task as usize) else { return "-".into() };
    let mut name = [0; 64];
    match resea::vm().task_name(task, &mut name) {
        Ok(name) => format!("{name} ({task})"),
        Err(_) => task.to_string(),
    }
}

/// The name of a state, as RFC 9293 has it.
const fn state(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Listen => "listen",
        State::SynSent => "syn-sent",
        State::SynReceived => "syn-received",
        State::Established => "established",
        State::FinWait1 => "fin-wait-1",
        State::FinWait2 => "fin-wait-2",
        State::CloseWait => "close-wait",
        State::Closing => "closing",
        State::LastAck => "last-ack",
        State::TimeWait => "time-wait",
    }
}

fn statistics() -> net::Result<()> {
    let counted = status::statistics()?;
    for (what, count) in [
        ("packets received", counted.packets_in),
        ("packets sent", counted.packets_out),
        ("packets malformed", counted.malformed),
        ("connections opened from here", counted.connects),
        ("connections accepted", counted.accepts),
        ("connections reset", counted.resets),
        ("connections refused", counted.refused),
        ("connections that found the backlog full", counted.backlog_dropped),
        ("sockets now", counted.sockets.into()),
        ("half-open connections now", counted.half_open.into()),
        ("connections in time-wait now", counted.time_wait.into()),
    ] {
        println!("{count:>12} {what}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_rows() {
        let socket = SocketStatus {
            task: 0,
            kind: Kind::Connection,
            state: State::CloseWait,
            local: "10.0.2.15:80".parse().unwrap(),
            remote: "10.0.2.2:4711".parse().ok(),
            receive_queue: 1,
            send_queue: 20,
        };
        assert_eq!(
            row(&socket),
            "tcp   10.0.2.15:80                 10.0.2.2:4711                close-wait          1       20"
        );
        let listener =
            SocketStatus { kind: Kind::Listener, local: "[::]:80".parse().unwrap(), remote: None, ..socket };
        assert!(row(&listener).starts_with("tcp   *:80                         -    "), "{}", row(&listener));
    }
}
