//! The DHCP server (RFC 2131), friendly or not. Messages are made and read byte by byte, so that they can also be wrong.

use std::net::Ipv4Addr;

use super::frame::udp;
use super::{GATEWAY, GUEST, GUEST_HARDWARE};

/// Length of a message up to its options, the magic number included.
const FIXED: usize = 240;

/// What a client has sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The transaction.
    pub transaction: [u8; 4],
    /// Discover 1, offer 2, request 3, decline 4, acknowledge 5, refuse 6, release 7.
    pub kind: u8,
    /// The address that the client has already.
    pub client: Ipv4Addr,
}

impl Message {
    /// Reads a message; `None` if it is none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut options = bytes.get(FIXED..)?;
        let client: [u8; 4] = bytes.get(12..16)?.try_into().ok()?;
        while let [code, length, rest @ ..] = options {
            let (value, after) = rest.split_at_checked((*length).into())?;
            if *code == 53 {
                let transaction = bytes.get(4..8)?.try_into().ok()?;
                return Some(Self { transaction, kind: *value.first()?, client: client.into() });
            }
            options = after;
        }
        None
    }
}

/// A server that gives the guest its address.
#[derive(Clone, Debug)]
pub struct Dhcp {
    /// Seconds for which the address is given.
    pub lease: u32,
    /// The address that is given.
    pub address: Ipv4Addr,
    /// Refuses every request.
    pub refuses: bool,
    /// Put behind the options of each answer.
    pub extra: Vec<u8>,
}

impl Default for Dhcp {
    fn default() -> Self {
        Self { lease: 86400, address: GUEST, refuses: false, extra: Vec::new() }
    }
}

impl Dhcp {
    /// The frame that answers a message.
    pub fn answer(&self, message: &Message) -> Option<Vec<u8>> {
        let kind = match message.kind {
            1 => 2,
            3 if self.refuses => 6,
            3 => 5,
            _ => return None,
        };
        Some(self.frame(kind, message.transaction))
    }

    /// A frame with an answer of this kind.
    pub fn frame(&self, kind: u8, transaction: [u8; 4]) -> Vec<u8> {
        udp((GATEWAY, 67), (Ipv4Addr::BROADCAST, 68), &self.message(kind, transaction))
    }

    /// An answer of this kind.
    pub fn message(&self, kind: u8, transaction: [u8; 4]) -> Vec<u8> {
        let mut message = vec![0; FIXED];
        let mut put = |place: usize, bytes: &[u8]| message[place..place + bytes.len()].copy_from_slice(bytes);
        put(0, &[2, 1, 6, 0]);
        put(4, &transaction);
        if kind != 6 {
            put(16, &self.address.octets());
        }
        put(20, &GATEWAY.octets());
        put(28, &GUEST_HARDWARE);
        put(236, &[99, 130, 83, 99]);
        let mut option = |code: u8, value: &[u8]| {
            message.extend([code, value.len() as u8]);
            message.extend(value);
        };
        option(53, &[kind]);
        option(54, &GATEWAY.octets());
        if kind != 6 {
            option(51, &self.lease.to_be_bytes());
            option(1, &[255, 255, 255, 0]);
            option(3, &GATEWAY.octets());
            option(6, &[10, 0, 2, 3]);
        }
        message.extend(&self.extra);
        message.push(255);
        message
    }
}
