//! A model of a network card. On the wire is a mirror: each frame that is sent comes back, from whom it was for to whom it was
//! from.

#[path = "../../../../../libs/virtio/tests/device/mod.rs"]
mod device;

pub use device::{Manner, Transport, manners};

use crate::support::Net;
use device::{Access, Kind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use virtio::features;
use virtio::model::Queue;
use virtio_net::Header;

/// The device's address.
pub const ADDRESS: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

const MAC: u64 = 1 << 5;
const STATUS: u64 = 1 << 16;
/// Offers that the driver should not take: checksums, large frames, merged buffers.
const MORE: u64 = 1 | 1 << 1 | 1 << 7 | 1 << 15;
/// Causes of an interrupt: a queue, the configuration.
const OF_QUEUE: u8 = 1;
const OF_CONFIGURATION: u8 = 2;

/// The device.
pub type Card = device::Card<Mirror>;

/// A card in its slot. It lies if it says that it has written more than a buffer has.
pub fn card(manner: Manner, link: &Arc<AtomicBool>, lies: bool) -> Card {
    let is_legacy = matches!(manner.0, Transport::Legacy { .. });
    Card::new(manner, Mirror { is_legacy, net: None, link: Arc::clone(link), last_link: true, lies })
}

/// What is a card's own.
pub struct Mirror {
    is_legacy: bool,
    net: Option<Net>,
    link: Arc<AtomicBool>,
    last_link: bool,
    lies: bool,
}

impl Kind for Mirror {
    const NUMBER: u16 = 1;
    const CLASS: u32 = 0x02_0000;
    const QUEUES: usize = 2;

    fn offered(&self) -> (u64, u64) {
        (MAC | STATUS, MORE)
    }

    fn register(&self, offset: usize) -> u64 {
        match offset {
            0..6 => ADDRESS[offset].into(),
            6 => self.last_link.into(),
            offset => panic!("the driver reads device register {offset}"),
        }
    }

    fn start(&mut self, queues: Vec<Queue>, accepted: u64) {
        let Ok([receive, transmit]) = <[Queue; 2]>::try_from(queues) else { panic!("two queues") };
        let length = if self.is_legacy { 10 } else { 12 };
        let separate = self.is_legacy && accepted & features::ANY_LAYOUT == 0;
        self.net = Some(Net::new(receive, transmit, Header { length, separate }));
    }

    fn reset(&mut self) {
        self.net = None;
    }

    /// What is to be sent comes back later, or the driver would be interrupted where it stands.
    fn notified(&mut self, memory: &mut Access<'_, '_>, queue: usize) -> bool {
        let net = self.net.as_mut().expect("it was started");
        if queue == 0 {
            return false;
        }
        loop {
            net.transmit.wake(memory);
            net.send(memory, usize::MAX);
            if !net.transmit.sleep(memory) {
                break;
            }
        }
        for mut frame in net.sent.drain(..) {
            let (to, from) = (frame[..6].to_vec(), frame[6..12].to_vec());
            frame[..6].copy_from_slice(&from);
            frame[6..12].copy_from_slice(&to);
            net.waiting.push_back(frame);
        }
        net.transmit.interrupts(memory)
    }

    fn is_busy(&self) -> bool {
        let frames = self.net.as_ref().is_some_and(|net| !net.waiting.is_empty());
        frames || self.link.load(Ordering::Relaxed) != self.last_link
    }

    fn act(&mut self, memory: &mut Access<'_, '_>) -> u8 {
        let queue = if self.deliver(memory) { OF_QUEUE } else { 0 };
        let link = self.link.load(Ordering::Relaxed);
        let has_changed = std::mem::replace(&mut self.last_link, link) != link && self.net.is_some();
        queue | if has_changed { OF_CONFIGURATION } else { 0 }
    }
}

impl Mirror {
    /// Puts frames into buffers; whether it interrupts.
    fn deliver(&mut self, memory: &mut Access<'_, '_>) -> bool {
        let (lies, Some(net)) = (self.lies, &mut self.net) else { return false };
        if lies
            && !net.waiting.is_empty()
            && let Some(buffer) = net.receive.take(memory)
        {
            net.receive.give(memory, &buffer, 4000);
        }
        loop {
            net.deliver(memory);
            // It wants to hear of new buffers only if it needs one.
            if net.waiting.is_empty() {
                net.receive.wake(memory);
                break;
            } else if !net.receive.sleep(memory) {
                break;
            }
        }
        net.receive.interrupts(memory)
    }
}
