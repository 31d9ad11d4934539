//! Devices, network interfaces, sockets.

use super::{Api, Row, index};
use crate::json::Json;
use crate::system::System;
use abi::TaskId;
use core::fmt;
use interfaces::{dm, tcpip};
use net::{IpAddr, SocketAddr, from_wire};

/// Most addresses of an interface that are told.
const ADDRESSES_MAX: u32 = 8;

impl<Y: System> Api<Y> {
    /// The device with this number.
    pub(super) fn device_row(&mut self, row: usize, json: &mut Json<'_>) -> Row {
        let mut tell = |device: &dm::ListResult<'_>| json.object(|json| write_device(device, json));
        let told = index(row).and_then(|index| self.system.device(index, &mut tell));
        told.map_or(Row::End, |()| Row::Next(row + 1))
    }

    /// The interface with this number, with its addresses.
    pub(super) fn interface_row(&mut self, row: usize, json: &mut Json<'_>) -> Row {
        let Ok(interface) = index(row) else { return Row::End };
        let addresses: [_; ADDRESSES_MAX as usize] =
            core::array::from_fn(|number| self.system.address(interface, number as u32).ok());
        let mut tell = |status: &tcpip::InterfaceResult<'_>| {
            json.object(|json| {
                write_interface(status, json);
                json.name("addresses").array(|json| {
                    for address in addresses.iter().map_while(|address| address.as_ref()) {
                        json.object(|json| write_address(address, json));
                    }
                });
            });
        };
        self.system.interface(interface, &mut tell).map_or(Row::End, |()| Row::Next(row + 1))
    }

    /// The socket at a place, or the next one.
    pub(super) fn socket_row(&mut self, row: usize, json: &mut Json<'_>) -> Row {
        match index(row).and_then(|from| self.system.socket(from)) {
            Ok(socket) if socket.index as usize >= row => {
                json.object(|json| write_socket(&socket, json));
                Row::Next(socket.index as usize + 1)
            }
            _ => Row::End,
        }
    }

    pub(super) fn network_row(&mut self, json: &mut Json<'_>) -> Row {
        match self.system.statistics() {
            Err(_) => json.null(),
            Ok(counted) => json.object(|json| {
                let members = [
                    ("packets_in", counted.packets_in),
                    ("packets_out", counted.packets_out),
                    ("malformed", counted.malformed),
                    ("connects", counted.connects),
                    ("accepts", counted.accepts),
                    ("resets", counted.resets),
                    ("refused", counted.refused),
                    ("backlog_dropped", counted.backlog_dropped),
                    ("sockets", counted.sockets.into()),
                    ("half_open", counted.half_open.into()),
                    ("time_wait", counted.time_wait.into()),
                ];
                for (name, count) in members {
                    json.name(name).number(count);
                }
            }),
        }
        Row::Next(1)
    }
}

fn write_device(device: &dm::ListResult<'_>, json: &mut Json<'_>) {
    let place = device.place;
    json.name("name").text(device.name);
    json.name("place").display(Some(format_args!(
        "{:02x}:{:02x}.{}",
        place >> 8,
        place >> 3 & 31,
        place & 7
    )));
    json.name("vendor").display(Some(format_args!("{:04x}", device.vendor)));
    json.name("device").display(Some(format_args!("{:04x}", device.device)));
    json.name("class").display(Some(format_args!("{:06x}", device.class_code)));
    json.name("irq").number(device.irq);
    json.name("messages").boolean(device.messages);
    json.name("driver").display((!device.driver.is_empty()).then_some(device.driver));
    json.name("state").text(match device.state {
        dm::State::NoDriver => "no driver",
        dm::State::Starting => "starting",
        dm::State::Running => "running",
        dm::State::Waiting => "waiting",
        dm::State::Parked => "parked",
    });
    json.name("starts").number(device.starts);
    json.name("task").display(TaskId::from_raw(device.task as usize));
}

fn write_interface(interface: &tcpip::InterfaceResult<'_>, json: &mut Json<'_>) {
    json.name("name").text(interface.name);
    json.name("up").boolean(interface.up);
    json.name("hardware").display(Some(Hardware(interface.hardware)));
    json.name("mtu").number(interface.mtu);
    let members = [
        ("received", interface.received),
        ("received_bytes", interface.received_bytes),
        ("sent", interface.sent),
        ("sent_bytes", interface.sent_bytes),
        ("dropped", interface.dropped),
    ];
    for (name, count) in members {
        json.name(name).number(count);
    }
}

fn write_address(address: &tcpip::AddressReply, json: &mut Json<'_>) {
    json.name("address").display(known(address.address));
    json.name("prefix").number(address.prefix);
    json.name("by_dhcp").boolean(address.by_dhcp);
    json.name("gateway").display(known(address.gateway));
    json.name("name_server").display(known(address.name_server));
}

fn write_socket(socket: &tcpip::SocketReply, json: &mut Json<'_>) {
    json.name("task").display(TaskId::from_raw(socket.task as usize));
    json.name("kind").text(match socket.kind {
        tcpip::Kind::Connection => "connection",
        tcpip::Kind::Listener => "listener",
        tcpip::Kind::Datagram => "datagram",
    });
    json.name("state").display((socket.kind == tcpip::Kind::Connection).then(|| state(socket.state)));
    json.name("local").display(Some(SocketAddr::new(from_wire(socket.local), socket.local_port)));
    let remote = SocketAddr::new(from_wire(socket.remote), socket.remote_port);
    json.name("remote").display((remote.port() != 0).then_some(remote));
    json.name("receive_queue").number(socket.receive_queue);
    json.name("send_queue").number(socket.send_queue);
}

/// The states' names in RFC 9293.
const fn state(state: tcpip::State) -> &'static str {
    match state {
        tcpip::State::Closed => "CLOSED",
        tcpip::State::Listen => "LISTEN",
        tcpip::State::SynSent => "SYN-SENT",
        tcpip::State::SynReceived => "SYN-RECEIVED",
        tcpip::State::Established => "ESTABLISHED",
        tcpip::State::FinWait1 => "FIN-WAIT-1",
        tcpip::State::FinWait2 => "FIN-WAIT-2",
        tcpip::State::CloseWait => "CLOSE-WAIT",
        tcpip::State::Closing => "CLOSING",
        tcpip::State::LastAck => "LAST-ACK",
        tcpip::State::TimeWait => "TIME-WAIT",
    }
}

/// An address, unless it stands for none.
fn known(octets: [u8; 16]) -> Option<IpAddr> {
    (octets != [0; 16]).then(|| from_wire(octets))
}

/// The address of a network card.
struct Hardware([u8; 6]);

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
    }
}
