//! The device: what it offers, its registers, its queue (5.2), and the requests that it has.
//!
//! A request with more parts than the device takes at once goes to it in several, one after the other.

use crate::Fault;
use crate::header::{self, HEADER, Headers};
use alloc::vec::Vec;
use blocks::{Controller, Ended, MOST_PAGES, REQUESTS, SECTOR, Start, Transfer, USERS, Unit};
use driver::{Device, DmaMemory};
use virtio::{Doorbell, Layout, Part, Queue, Transport, Unusable, features};

/// Features of disks (5.2.3).
const SEG_MAX: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;
/// What this driver understands. Sectors have 512 bytes, whatever the device prefers.
const UNDERSTOOD: u64 =
    SEG_MAX | READ_ONLY | FLUSH | features::ANY_LAYOUT | features::EVENT_IDX | features::RING_PACKED;

/// Offsets in its registers (5.2.4).
const CAPACITY: usize = 0;
const MOST_SEGMENTS: usize = 12;

/// Its only queue (5.2.2).
const QUEUE: u16 = 0;
const PAGE: usize = 4096;
/// Which piece of the device's memory the queue is; those before are the users'.
const MEMORY: u32 = USERS as u32 + 1;
/// Parts of a request besides its data: header and status.
const EXTRA: usize = 2;

/// A request that the device has.
#[derive(Clone, Copy)]
struct InFlight {
    transfer: Transfer,
    /// Sectors that it has done, and that it is asked for now.
    done: u16,
    asked: u16,
}

/// A disk.
pub struct Disk {
    transport: Transport,
    /// Whether interrupts are messages; else there is a line to be lowered.
    messages: bool,
    /// The features that were agreed on; the same each time.
    agreed: u64,
    layout: Layout,
    /// The memory of queue and headers, which is mapped as long as this lives.
    memory: DmaMemory,
    headers: Headers,
    queue: Queue,
    doorbell: Doorbell,
    unit: Unit,
    /// Most parts of data that the device takes at once.
    most_parts: usize,
    requests: Vec<Option<InFlight>>,
}

impl Disk {
    /// The disk, which works.
    ///
    /// Errors: why it cannot be used.
    pub fn new(device: &Device) -> Result<Self, Unusable> {
        let transport = Transport::new(device)?;
        let agreed = transport.negotiate(UNDERSTOOD)?;
        let layout = transport.layout(QUEUE, agreed)?;
        let length = layout.length.next_multiple_of(PAGE);
        let memory = device.memory(MEMORY, length + header::SIZE, false)?;
        let part = memory.region().part(0, layout.length).map_err(Unusable::Queues)?;
        let queue = Queue::new(part, layout, agreed & features::EVENT_IDX != 0).map_err(Unusable::Queues)?;
        let rest = memory.region().part(length, header::SIZE).map_err(Unusable::Queues)?;
        let headers = Headers { memory: rest, physical: memory.physical() + length as u64 };
        let doorbell = transport.connect(QUEUE, &layout, memory.physical())?;
        let most_parts = most_parts(&transport, agreed, &layout)?;
        let sectors = transport.read64(CAPACITY).ok_or(Unusable::Restless)?;
        // A device that cannot flush has on the medium what it has answered (5.2.6.2).
        let unit = Unit { sectors, read_only: agreed & READ_ONLY != 0, volatile: agreed & FLUSH != 0 };
        transport.start();
        let (messages, requests) = (device.messages, alloc::vec![None; REQUESTS]);
        Ok(Self {
            transport,
            messages,
            agreed,
            layout,
            memory,
            headers,
            queue,
            doorbell,
            unit,
            most_parts,
            requests,
        })
    }

    /// Stops the device and starts it with an empty queue.
    fn restart(&mut self) -> Result<(), Unusable> {
        self.transport.reset()?;
        self.queue.reset();
        self.transport.negotiate(self.agreed)?;
        self.doorbell = self.transport.connect(QUEUE, &self.layout, self.memory.physical())?;
        self.transport.start();
        Ok(())
    }

    /// Gives the device as much of a request as it takes at once, from the sector `done` on. False: there is no room.
    fn add(&mut self, token: u16, transfer: Transfer, done: u16) -> bool {
        let writable = transfer.operation() == blocks::Operation::Read;
        let mut parts = [Part { address: 0, length: 0, writable: false }; MOST_PAGES + EXTRA];
        let (mut count, mut asked, mut skip) = (1, 0, usize::from(done) * SECTOR);
        for part in transfer.parts() {
            let length = part.memory.len();
            // What is done are whole parts.
            if skip > 0 {
                skip = skip.saturating_sub(length);
                continue;
            }
            let Some(place) = parts.get_mut(count).filter(|_| count <= self.most_parts) else { break };
            *place = Part { address: part.physical, length: length as u32, writable };
            (count, asked) = (count + 1, asked + (length / SECTOR) as u16);
        }
        let sector = transfer.sector() + u64::from(done);
        let Ok((header, status)) = self.headers.write(token, transfer.operation(), sector) else {
            return false;
        };
        parts[0] = Part { address: header, length: HEADER, writable: false };
        let (Some(last), Some(request)) = (parts.get_mut(count), self.requests.get_mut(usize::from(token)))
        else {
            return false;
        };
        *last = Part { address: status, length: 1, writable: true };
        let is_added = self.queue.add(parts.get(..=count).unwrap_or(&[]), token).is_ok();
        if is_added {
            *request = Some(InFlight { transfer, done, asked });
        }
        is_added
    }

    /// The device has given a request back: its end, unless there is more of it to do.
    fn given_back(&mut self, token: u16) -> Result<Option<Ended>, Fault> {
        // The queue gives back only what it was given.
        let request = self.requests.get_mut(usize::from(token)).and_then(Option::take);
        let Some(InFlight { transfer, done, asked }) = request else { return Ok(None) };
        let result = self.headers.result(token)?;
        let done = done + asked;
        if result.is_err() || done >= transfer.sectors() {
            return Ok(Some((token, result)));
        }
        // There is room: it takes no more descriptors than it has given back.
        if !self.add(token, transfer, done) {
            return Ok(Some((token, Err(ipc::Error::InputOutput))));
        }
        Ok(None)
    }
}

/// How many parts of data a request may have.
fn most_parts(transport: &Transport, agreed: u64, layout: &Layout) -> Result<usize, Unusable> {
    let room = usize::from(layout.size).checked_sub(EXTRA).filter(|room| *room > 0);
    let room = room.ok_or(Unusable::QueueSize(layout.size))?;
    let most = match agreed & SEG_MAX {
        0 => MOST_PAGES,
        // A device that says 0 takes one: without it would be none.
        _ => transport.registers().read32(MOST_SEGMENTS).clamp(1, MOST_PAGES as u32) as usize,
    };
    Ok(most.min(room))
}

impl Controller for Disk {
    type Fault = Fault;

    fn interrupts(&self) -> u32 {
        1
    }

    fn unit(&self, unit: u32) -> Option<Unit> {
        (unit == 0).then_some(self.unit)
    }

    fn start(&mut self, token: u16, transfer: &Transfer) -> Result<Start, Fault> {
        Ok(if self.add(token, *transfer, 0) { Start::Accepted } else { Start::Busy })
    }

    fn started(&mut self) {
        if self.queue.publish() {
            self.doorbell.ring();
        }
    }

    fn interrupted(&mut self) {
        if !self.messages {
            self.transport.lower_interrupt();
        }
    }

    fn finished(&mut self) -> Result<Option<Ended>, Fault> {
        loop {
            match self.queue.pop()? {
                Some(used) => {
                    if let Some(ended) = self.given_back(used.token)? {
                        return Ok(Some(ended));
                    }
                }
                None if self.queue.interrupt_after(1) => {}
                None => return Ok(None),
            }
        }
    }

    fn reset(&mut self) -> Result<(), Fault> {
        Ok(self.restart()?)
    }
}
