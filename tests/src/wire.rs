//! The other end of the guest's network cable, frame by frame: what a test sends is what the guest's card receives.
//!
//! QEMU hands frames over in UDP datagrams (`-netdev dgram`). A thread answers what a friendly network answers by itself
//! (ARP for all of its addresses, DHCP) as long as the test lets it, and passes every frame on to the test. Frames are
//! made and read by `etherparse`, which shares nothing with the system under test.

mod dhcp;
mod frame;
mod tcp;
pub mod web;

pub use dhcp::{Dhcp, Message};
pub use frame::{Body, Frame, arp, echo_request, ipv4, udp};
pub use tcp::{ACK, FIN, PSH, Peer, RST, SYN, Segment};

use std::ffi::OsString;
use std::net::{Ipv4Addr, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take; only what is broken takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The hardware address of everything that is not the guest.
pub const HARDWARE: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
/// The guest's hardware address.
pub const GUEST_HARDWARE: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
/// The guest's address, if the thread gives it one.
pub const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The gateway, and DHCP server.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

/// What the thread does by itself.
#[derive(Clone, Debug)]
pub struct Services {
    /// Answers who asks for the hardware address of any host but the guest.
    pub arp: bool,
    /// Gives the guest its address.
    pub dhcp: Option<Dhcp>,
}

/// A port for QEMU, which binds it itself: none of those that are given to whoever asks for any (ip(7), ip_local_port_range), and each
/// only once, so that nobody takes it meanwhile.
fn guest_port() -> u16 {
    const PORTS: Range<u16> = 20_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % u32::from(PORTS.end - PORTS.start)) as u16;
    let mut ports = PORTS.map(|_| {
        let number = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        PORTS.start + number % (PORTS.end - PORTS.start)
    });
    ports.find(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).expect("a port is free")
}

/// The cable.
pub struct Wire {
    socket: UdpSocket,
    guest_port: u16,
    frames: Receiver<Vec<u8>>,
    services: Arc<Mutex<Services>>,
}

impl Wire {
    /// A cable with a friendly network, and QEMU's arguments for the guest's end, with a network card of this model
    /// (`virtio-net-pci`, `e1000`, and options).
    pub fn new(card: &str) -> (Self, Vec<OsString>) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        let (port, guest_port) = (socket.local_addr().expect("it is bound").port(), guest_port());
        let services = Arc::new(Mutex::new(Services { arp: true, dhcp: Some(Dhcp::default()) }));
        let (sender, frames) = channel();
        let thread = socket.try_clone().expect("a socket can be cloned");
        let shared = Arc::clone(&services);
        std::thread::spawn(move || serve(&thread, guest_port, &shared, &sender));
        let netdev = format!(
            "dgram,id=wire,local.type=inet,local.host=127.0.0.1,local.port={guest_port},remote.type=inet,\
             remote.host=127.0.0.1,remote.port={port}"
        );
        let device = format!("{card},netdev=wire,mac=52:54:00:12:34:56,romfile=");
        let arguments = ["-netdev".into(), netdev.into(), "-device".into(), device.into()];
        (Self { socket, guest_port, frames, services }, arguments.into())
    }

    /// Changes what the thread does by itself.
    pub fn change(&self, change: impl FnOnce(&mut Services)) {
        change(&mut self.services.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Sends a frame to the guest.
    pub fn send(&self, frame: &[u8]) {
        // Before QEMU has bound its end nobody is there: as on a real cable, the frame is lost.
        let _ = self.socket.send_to(frame, ("127.0.0.1", self.guest_port));
    }

    /// The next frame of the guest that comes within `time`.
    pub fn receive(&mut self, time: Duration) -> Option<Frame> {
        match self.frames.recv_timeout(time) {
            Ok(bytes) => Some(Frame::read(&bytes)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the thread at the cable has ended"),
        }
    }

    /// Waits for the first frame that `wanted` takes; others are dropped. `what` says in words what is waited for.
    pub fn expect<T>(&mut self, what: &str, mut wanted: impl FnMut(&Frame) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let Some(frame) = self.receive(left) else { break };
            if let Some(found) = wanted(&frame) {
                return found;
            }
            others.push(frame);
        }
        let others: Vec<String> = others.iter().rev().take(20).map(|frame| format!("{frame:?}")).collect();
        panic!(
            "{what} should come from the guest; the last other frames, latest first:\n{}",
            others.join("\n")
        );
    }

    /// Waits until the guest has its address: it then says at which hardware address it is.
    pub fn wait_for_address(&mut self) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            self.send(&arp(1, HARDWARE, GATEWAY, [0; 6], GUEST));
            let again = Instant::now() + Duration::from_millis(200);
            while let Some(left) = again.checked_duration_since(Instant::now()) {
                match self.receive(left).map(|frame| frame.body) {
                    Some(Body::Arp { operation: 2, sender, .. }) if sender == GUEST => return,
                    _ => {}
                }
            }
        }
        panic!("the guest has not taken the address {GUEST}");
    }

    /// Lets the guest take what was sent: a cable whose end nobody reads holds only so many frames, and loses the others. What
    /// comes meanwhile is thrown away.
    pub fn let_it_take(&mut self) {
        while self.receive(Duration::from_millis(5)).is_some() {}
    }

    /// Throws away what has come so far.
    pub fn forget(&mut self) {
        while self.frames.try_recv().is_ok() {}
    }
}

/// The thread.
fn serve(socket: &UdpSocket, guest_port: u16, services: &Mutex<Services>, to: &Sender<Vec<u8>>) {
    let mut buffer = [0; 65536];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let bytes = &buffer[..length];
        if from.port() != guest_port {
            continue;
        }
        let services = services.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(answer) = answer(&Frame::read(bytes), &services) {
            // As in `Wire::send`.
            let _ = socket.send_to(&answer, from);
        }
        if to.send(bytes.to_vec()).is_err() {
            return;
        }
    }
}

/// What a friendly network answers by itself.
fn answer(frame: &Frame, services: &Services) -> Option<Vec<u8>> {
    match &frame.body {
        Body::Arp { operation: 1, sender, target, .. }
            if services.arp && *target != GUEST && sender != target =>
        {
            Some(arp(2, HARDWARE, *target, GUEST_HARDWARE, *sender))
        }
        Body::Udp { destination_port: 67, payload, .. } => {
            services.dhcp.as_ref()?.answer(&Message::read(payload)?)
        }
        _ => None,
    }
}
