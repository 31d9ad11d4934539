//! What the server tells of itself: interfaces, addresses, sockets, counts.

use crate::address::from_ip;
use crate::server::{Server, now};
use crate::stack::Socket;
use interfaces::tcpip::{self, Kind, State};
use ipc::{Error, WriteLend};
use smoltcp::socket::tcp;

const fn state(state: tcp::State) -> State {
    match state {
        tcp::State::Closed => State::Closed,
        tcp::State::Listen => State::Listen,
        tcp::State::SynSent => State::SynSent,
        tcp::State::SynReceived => State::SynReceived,
        tcp::State::Established => State::Established,
        tcp::State::FinWait1 => State::FinWait1,
        tcp::State::FinWait2 => State::FinWait2,
        tcp::State::CloseWait => State::CloseWait,
        tcp::State::Closing => State::Closing,
        tcp::State::LastAck => State::LastAck,
        tcp::State::TimeWait => State::TimeWait,
    }
}

impl Server {
    pub(crate) fn describe_interface(
        &self,
        index: usize,
        name: WriteLend<'_>,
    ) -> Result<tcpip::InterfaceReply, Error> {
        let link = self.stack.links().get(index).ok_or(Error::NotFound)?;
        let counters = link.counters();
        if name.len() < link.name().len() {
            return Err(Error::TooLarge);
        }
        name.write(0, link.name().as_bytes())?;
        Ok(tcpip::InterfaceReply {
            up: link.is_up,
            hardware: link.hardware.map_or([0; 6], |address| address.0),
            mtu: link.mtu() as u32,
            received: counters.received,
            received_bytes: counters.received_bytes,
            sent: counters.sent,
            sent_bytes: counters.sent_bytes,
            dropped: counters.dropped,
            name: link.name().len(),
        })
    }

    pub(crate) fn describe_address(
        &self,
        interface: usize,
        index: usize,
    ) -> Result<tcpip::AddressReply, Error> {
        let link = self.stack.links().get(interface).ok_or(Error::NotFound)?;
        let address = link.addresses().nth(index).ok_or(Error::NotFound)?;
        Ok(tcpip::AddressReply {
            address: from_ip(address.cidr.address()),
            prefix: address.cidr.prefix_len(),
            by_dhcp: link.is_by_dhcp(&address.cidr),
            gateway: address.gateway.map_or([0; 16], from_ip),
            name_server: link.name_servers().next().map_or([0; 16], from_ip),
        })
    }

    pub(crate) fn describe_socket(&self, from: u32) -> Result<tcpip::SocketReply, Error> {
        let mut places = self.stack.places().iter().skip(from as usize);
        let used = places.find(|(_, socket)| !matches!(socket, Socket::Free));
        let (index, socket) = used.ok_or(Error::NotFound)?;
        let ((local, local_port), (remote, remote_port)) = self.ends(index);
        let (kind, state, receive_queue, send_queue) = match socket {
            Socket::Connection(it) => {
                let socket = it.body.tcp();
                (Kind::Connection, state(it.state), socket.recv_queue(), socket.send_queue())
            }
            Socket::Listener(it) => (Kind::Listener, State::Listen, it.ready.len(), 0),
            Socket::Datagrams(it) => {
                (Kind::Datagram, State::Closed, it.udp().recv_queue(), it.udp().send_queue())
            }
            Socket::Free => return Err(Error::NotFound),
        };
        Ok(tcpip::SocketReply {
            index: index.into(),
            task: self.owner_of(index),
            kind,
            state,
            local,
            local_port,
            remote,
            remote_port,
            receive_queue: receive_queue as u32,
            send_queue: send_queue as u32,
        })
    }

    pub(crate) fn describe_statistics(&mut self) -> tcpip::StatisticsReply {
        let statistics = self.stack.statistics();
        let links = self.stack.links();
        tcpip::StatisticsReply {
            packets_in: links.iter().map(|link| link.counters().received).sum(),
            packets_out: links.iter().map(|link| link.counters().sent).sum(),
            malformed: statistics.malformed,
            connects: statistics.connects,
            accepts: statistics.accepts,
            resets: statistics.resets,
            refused: statistics.refused,
            backlog_dropped: statistics.backlog_dropped,
            sockets: self.stack.places().taken() as u32,
            half_open: self.stack.half_open() as u32,
            time_wait: self.stack.time_wait(now()) as u32,
        }
    }
}
