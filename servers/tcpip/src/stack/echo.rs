//! Echoes (ICMP): asking for them. Answering is smoltcp's.

use super::Stack;
use super::link::Link;
use alloc::vec;
use ipc::Error;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::icmp;
use smoltcp::time::Instant;
use smoltcp::wire::{
    Icmpv4Message, Icmpv4Packet, Icmpv4Repr, Icmpv6Message, Icmpv6Packet, Icmpv6Repr, IpAddress,
};

/// The most bytes of an echo.
pub const ECHO_MAX: usize = 1024;

/// How many echoes wait to be sent or taken.
const ECHOES: usize = 8;

/// Bytes of the header of an echo.
const HEADER: usize = 8;

/// An echo that has come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Echo {
    /// Who has sent it.
    pub from: IpAddress,
    /// Its number.
    pub sequence: u16,
}

/// The socket for the echoes of one host. If nobody knows the host's hardware address, they wait in it, and keep no others
/// waiting.
pub(super) struct Echoes {
    handle: SocketHandle,
    host: IpAddress,
    identification: u16,
}

impl Echoes {
    fn new(own: &mut SocketSet<'static>, host: IpAddress, identification: u16) -> Self {
        let buffer = || {
            let bytes = ECHOES * (ECHO_MAX + HEADER);
            icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; ECHOES], vec![0; bytes])
        };
        let mut socket = icmp::Socket::new(buffer(), buffer());
        // It is not bound yet, and the identification is not zero.
        let _ = socket.bind(icmp::Endpoint::Ident(identification));
        Self { handle: own.add(socket), host, identification }
    }
}

impl Link {
    /// The socket for echoes of a host, and their identification. The sockets of as many hosts as can be asked at once are
    /// kept; a new one replaces the oldest, or the host's own if that is full of what cannot be sent.
    fn echoes(&mut self, host: IpAddress, identification: u16) -> (&mut icmp::Socket<'static>, u16) {
        let known = self.echoes.iter().position(|it| it.host == host);
        let is_useful = |it: &Echoes| self.own.get::<icmp::Socket>(it.handle).can_send();
        let echoes = match known {
            Some(index) if self.echoes.get(index).is_some_and(is_useful) => self.echoes.remove(index),
            _ => {
                let replaced = known.or((self.echoes.len() >= ECHOES).then_some(0));
                let replaced = replaced.map(|index| self.echoes.remove(index));
                // Each has a number of its own, and none is zero.
                let is_free = |number: &u16| self.echoes.iter().all(|it| it.identification != *number);
                let numbers = (0..=ECHOES as u16).map(|index| (identification | 1) ^ (index << 1));
                let number = numbers.into_iter().find(is_free).unwrap_or(1);
                if let Some(replaced) = replaced {
                    self.own.remove(replaced.handle);
                }
                Echoes::new(&mut self.own, host, number)
            }
        };
        let (handle, number) = (echoes.handle, echoes.identification);
        self.echoes.push(echoes);
        (self.own.get_mut(handle), number)
    }
}

impl Stack {
    /// Asks a host for an echo of `length` bytes.
    ///
    /// Errors: `TooLarge` (more than [`ECHO_MAX`]), `Unreachable`, `TableFull` (too many wait to be sent).
    pub fn ask_echo(
        &mut self,
        address: IpAddress,
        sequence: u16,
        length: usize,
        now: Instant,
    ) -> Result<(), Error> {
        if length > ECHO_MAX {
            return Err(Error::TooLarge);
        }
        if !address.is_unicast() {
            return Err(Error::Unreachable);
        }
        let (link, _) = self.way_to(address).ok_or(Error::Unreachable)?;
        let identification = self.identification;
        let Some(link) = self.links.get_mut(link) else { return Err(Error::Unreachable) };
        link.deadline = Some(now);
        let (socket, ident) = link.echoes(address, identification);
        let data = [0x5a; ECHO_MAX];
        let data = data.get(..length).unwrap_or_default();
        let room = socket.send(HEADER + length, address).map_err(|_| Error::TableFull)?;
        match address {
            IpAddress::Ipv4(_) => Icmpv4Repr::EchoRequest { ident, seq_no: sequence, data }
                .emit(&mut Icmpv4Packet::new_unchecked(room), &ChecksumCapabilities::default()),
            IpAddress::Ipv6(to) => {
                // smoltcp fills in the checksum when it knows from which address it goes.
                let checksums = ChecksumCapabilities::ignored();
                Icmpv6Repr::EchoRequest { ident, seq_no: sequence, data }.emit(
                    &to,
                    &to,
                    &mut Icmpv6Packet::new_unchecked(room),
                    &checksums,
                );
            }
        }
        Ok(())
    }

    /// The next echo that has come back.
    pub fn take_echo(&mut self) -> Option<Echo> {
        for link in &mut self.links {
            for echoes in &link.echoes {
                while let Ok((packet, from)) = link.own.get_mut::<icmp::Socket>(echoes.handle).recv() {
                    if let Some(sequence) = reply(packet, from) {
                        return Some(Echo { from, sequence });
                    }
                }
            }
        }
        None
    }
}

/// The number of an echo reply.
fn reply(packet: &[u8], from: IpAddress) -> Option<u16> {
    match from {
        IpAddress::Ipv4(_) => {
            let packet = Icmpv4Packet::new_checked(packet).ok()?;
            (packet.msg_type() == Icmpv4Message::EchoReply).then(|| packet.echo_seq_no())
        }
        IpAddress::Ipv6(_) => {
            let packet = Icmpv6Packet::new_checked(packet).ok()?;
            (packet.msg_type() == Icmpv6Message::EchoReply).then(|| packet.echo_seq_no())
        }
    }
}
