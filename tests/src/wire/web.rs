//! The web server at the other end of the cable.

use std::net::Ipv4Addr;

use super::{ACK, FIN, GATEWAY, PSH, Peer, RST, Wire};
use crate::{MachineOptions, NetworkOptions, Nic, Profile, System, built};

/// A request that is answered with `200 OK`, after which the server closes the connection.
pub const REQUEST: &[u8] = b"GET /api/system HTTP/1.0\r\n\r\n";
/// The system with its cable in hand, with an address and the web server listening.
pub fn boot() -> (System, Wire) {
    let (mut wire, qemu_args) = Wire::new("virtio-net-pci,disable-legacy=on");
    let machine = MachineOptions {
        qemu_args,
        network: NetworkOptions::new(Nic::None, &[]),
        ..MachineOptions::default()
    };
    let mut system = System::boot_build(&built(Profile::Debug), &machine);
    system.expect("webapi: listening on port 80", 0);
    wire.wait_for_address();
    (system, wire)
}

/// A port of the gateway.
pub fn gateway(port: u16) -> (Ipv4Addr, u16) {
    (GATEWAY, port)
}

/// A whole request over a new connection works.
pub fn assert_serves(wire: &mut Wire, port: u16) {
    wire.forget();
    let mut peer = Peer::connect(wire, gateway(port), 80);
    peer.send(wire, ACK | PSH, REQUEST);
    assert_is_answer(&peer.read_to_end(wire));
    close(wire, &mut peer);
}

/// The answer is a page.
pub fn assert_is_answer(bytes: &[u8]) {
    assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(bytes));
}

/// Closes a connection whose other half the guest has closed.
pub fn close(wire: &mut Wire, peer: &mut Peer) {
    peer.send(wire, FIN | ACK, b"");
    expect_acknowledged(wire, peer);
}

/// Waits until everything that was sent is acknowledged, the FIN too.
pub fn expect_acknowledged(wire: &mut Wire, peer: &Peer) {
    let answer = peer
        .expect(wire, "an acknowledgement of everything", |segment| segment.acknowledgement == peer.sequence);
    assert!(answer.has(ACK) && !answer.has(RST), "{answer:?}");
}
