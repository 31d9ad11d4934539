//! Echoes (ICMP): asking for them. Answering is smoltcp's.

use super::Stack;
use super::link::Link;
use alloc::vec;
use ipc::Error;
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

impl Link {
    /// The socket for echoes; made when first needed.
    fn echoes(&mut self, identification: u16) -> &mut icmp::Socket<'static> {
        let handle = *self.echoes.get_or_insert_with(|| {
            let buffer = || {
                let bytes = ECHOES * (ECHO_MAX + HEADER);
                icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; ECHOES], vec![0; bytes])
            };
            let mut socket = icmp::Socket::new(buffer(), buffer());
            // It is not bound yet, and the identification is not zero.
            let _ = socket.bind(icmp::Endpoint::Ident(identification | 1));
            self.own.add(socket)
        });
        self.own.get_mut(handle)
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
        let socket = link.echoes(identification);
        let data = [0x5a; ECHO_MAX];
        let data = data.get(..length).unwrap_or_default();
        let room = socket.send(HEADER + length, address).map_err(|_| Error::TableFull)?;
        let ident = identification | 1;
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
        let links = self.links.iter_mut().filter_map(|link| Some((link.echoes?, &mut link.own)));
        for (handle, own) in links {
            while let Ok((packet, from)) = own.get_mut::<icmp::Socket>(handle).recv() {
                if let Some(sequence) = reply(packet, from) {
                    return Some(Echo { from, sequence });
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
