//! The card as a whole: what it offers, its registers, where its queues are (5.1).

use crate::traffic::{Header, Side};
use driver::{Device, DmaMemory};
use virtio::{Doorbell, Layout, Queue, Transport, Unusable, features};

/// Features of network cards (5.1.3).
const MAC: u64 = 1 << 5;
const STATUS: u64 = 1 << 16;
/// What this driver understands. No offloads: smoltcp's checksums are cheap, and what a device leaves out need not be
/// trusted.
const UNDERSTOOD: u64 = MAC | STATUS | features::ANY_LAYOUT | features::EVENT_IDX | features::RING_PACKED;

/// Offsets in its registers (5.1.4).
const ADDRESS: usize = 0;
const LINK: usize = 6;
/// In the half word there.
const LINK_UP: u16 = 1;

/// Length of the header (5.1.6): legacy devices do not have its last field, unless buffers are merged.
const HEADER: usize = 12;
const LEGACY_HEADER: usize = 10;

/// The number of the receive queue; that of the transmit queue is the next (5.1.2).
const QUEUES: [u16; 2] = [0, 1];
const PAGE: usize = 4096;

/// A network card.
pub struct Card {
    transport: Transport,
    /// The features that were agreed on; the same each time.
    agreed: u64,
    layouts: [Layout; 2],
    /// The queues' memory, which is mapped as long as this lives.
    memory: DmaMemory,
    doorbells: Option<[Doorbell; 2]>,
    address: [u8; 6],
}

impl Card {
    /// The card, reset, and its queues, receive first.
    ///
    /// Errors: why the device cannot be used.
    pub fn new(device: &Device) -> Result<(Self, [Queue; 2]), Unusable> {
        let transport = Transport::new(device)?;
        let agreed = transport.negotiate(UNDERSTOOD)?;
        let mut layouts = [Layout::new(virtio::Ring::Split, 1); 2];
        for (layout, queue) in layouts.iter_mut().zip(QUEUES) {
            *layout = transport.layout(queue, agreed)?;
        }
        let length = layouts.iter().map(|layout| layout.length.next_multiple_of(PAGE)).sum();
        let memory = device.memory(1, length, false)?;
        let address = address(&transport, agreed);
        let card = Self { transport, agreed, layouts, memory, doorbells: None, address };
        let queue = |index: usize| {
            let region = card.memory.region().part(card.offset(index), card.layouts[index].length)?;
            Queue::new(region, card.layouts[index], agreed & features::EVENT_IDX != 0)
        };
        let queues = [queue(0).map_err(Unusable::Queues)?, queue(1).map_err(Unusable::Queues)?];
        Ok((card, queues))
    }

    /// Stops the card: it touches no memory any more.
    ///
    /// Errors: [`Unusable`].
    pub fn stop(&mut self) -> Result<(), Unusable> {
        self.doorbells = None;
        self.transport.reset()
    }

    /// Starts the stopped card, with its queues empty.
    ///
    /// Errors: [`Unusable`].
    pub fn start(&mut self) -> Result<(), Unusable> {
        self.transport.negotiate(self.agreed)?;
        let connect = |index: usize| {
            let physical = self.memory.physical() + self.offset(index) as u64;
            self.transport.connect(QUEUES[index], &self.layouts[index], physical)
        };
        let doorbells = [connect(0)?, connect(1)?];
        self.transport.start();
        self.doorbells = Some(doorbells);
        Ok(())
    }

    /// Tells the card of new buffers in a queue.
    #[inline(always)]
    pub fn notify(&self, side: Side) {
        if let Some([receive, transmit]) = &self.doorbells {
            match side {
                Side::Receive => receive.ring(),
                Side::Transmit => transmit.ring(),
            }
        }
    }

    /// What the card puts before a frame.
    pub fn header(&self) -> Header {
        let modern = self.agreed & features::VERSION_1 != 0;
        let length = if modern { HEADER } else { LEGACY_HEADER };
        Header { length, separate: !modern && self.agreed & features::ANY_LAYOUT == 0 }
    }

    /// Whether the cable is plugged in; it is, if the card cannot tell.
    pub fn link(&self) -> bool {
        self.agreed & STATUS == 0 || self.transport.registers().read16(LINK) & LINK_UP != 0
    }

    /// Its Ethernet address.
    pub const fn address(&self) -> [u8; 6] {
        self.address
    }

    /// Makes the card lower its interrupt line.
    pub fn lower_interrupt(&self) {
        self.transport.lower_interrupt();
    }

    /// Where the memory of a queue begins.
    fn offset(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.layouts[0].length.next_multiple_of(PAGE) }
    }
}

/// The card's address. One that has none gets a random one, of those that may be made up locally (5.1.5).
fn address(transport: &Transport, agreed: u64) -> [u8; 6] {
    if agreed & MAC != 0 {
        return core::array::from_fn(|index| transport.registers().read8(ADDRESS + index));
    }
    let number = ipc::hardware_random().unwrap_or_else(ipc::clock);
    let [_, _, _, a, b, c, d, e] = number.to_be_bytes();
    [0x02, a, b, c, d, e]
}
