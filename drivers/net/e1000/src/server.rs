//! The program: claims its device, serves the interface `nic`, and reacts to interrupts, the user and heartbeats.
//!
//! It waits for notifications and does nothing in between. Never trusts the card: one that says impossible things is
//! reset, and one that does so again and again is given up, which is then dm's to deal with.

use crate::{Card, CardError, Memory, Nic, RING_SIZE, Registers, TRANSMIT_MOST, Trouble};
use core::fmt;
use driver::{Device, DmaMemory, DriverError, Interrupt};
use interfaces::nic::{self, AttachReply, NOTIFY_USER, StatusReply};
use ipc::server::Events;
use ipc::{Error, TaskId};
use resea::Never;

/// How often the driver goes on at once if there is more to do, before it looks at other notifications.
const ROUNDS: usize = 16;

/// Nanoseconds between two looks at a card that is being reset.
const PAUSE: u64 = 2_000;

/// How often a card is reset that says impossible things.
const MOST_RESETS: u32 = 16;

/// The most bytes of an Internet packet in a frame.
const MTU: u32 = TRANSMIT_MOST as u32 - 14;

/// Why the driver could not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// It could not get at its device.
    Driver(DriverError),
    /// The card does not work.
    Card(CardError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(error) => error.fmt(f),
            Self::Card(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

impl From<DriverError> for StartError {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<CardError> for StartError {
    fn from(error: CardError) -> Self {
        Self::Card(error)
    }
}

/// The card's registers: base address register 0 (the manual, 4.1).
struct Mapped(driver::Registers);

impl Registers for Mapped {
    #[inline(always)]
    fn read(&self, offset: usize) -> u32 {
        self.0.read32(offset)
    }

    #[inline(always)]
    fn write(&self, offset: usize, value: u32) {
        self.0.write32(offset, value);
    }

    /// Looks at the clock until it has passed. Sleeping would refuse requests and swallow notifications meanwhile.
    fn pause(&self) {
        let end = ipc::clock() + PAUSE;
        while ipc::clock() < end {}
    }
}

/// The server.
struct Server {
    device: Device,
    interrupt: Interrupt,
    /// The rings' memory, which is mapped as long as this lives.
    _rings: [DmaMemory; 2],
    packets: DmaMemory,
    nic: Nic<Mapped>,
    user: Option<TaskId>,
    interrupts: u64,
    resets: u32,
}

impl Server {
    fn start() -> Result<Self, StartError> {
        let device = Device::claim()?;
        let card = Card::new(Mapped(device.registers(0)?));
        // Before anything else: dm zeroes the rings, and a card that still used them would write frames to address 0.
        card.reset()?;
        // Its user goes on using it when the driver is started again.
        let packets = device.memory(0, packets::SIZE, true)?;
        let rings = [device.memory(1, RING_SIZE, false)?, device.memory(2, RING_SIZE, false)?];
        let memory = |dma: &DmaMemory| Memory { region: *dma.region(), physical: dma.physical() };
        let nic = Nic::new(card, memory(&rings[0]), memory(&rings[1]), memory(&packets))?;
        let interrupt = device.interrupt(abi::NOTIFY_IRQ)?;
        device.ready()?;
        Ok(Self { device, interrupt, _rings: rings, packets, nic, user: None, interrupts: 0, resets: 0 })
    }

    /// Works until there is nothing left to do, but not for ever: then its timer has it go on.
    fn work(&mut self) {
        for _ in 0..ROUNDS {
            match self.nic.round() {
                Ok(true) => return,
                Ok(false) => {}
                Err(trouble) => self.recover(trouble),
            }
        }
        // At once, but after what waits. A task has no right to notify itself.
        ipc::timer(1);
    }

    #[cold]
    fn recover(&mut self, trouble: Trouble) {
        let recovered = match trouble {
            Trouble::User => {
                resea::warn!("the user is dropped: {trouble}");
                self.drop_user()
            }
            Trouble::Card(..) => {
                self.resets += 1;
                resea::warn!("{trouble}; it is reset for the {}. time", self.resets);
                if self.resets > MOST_RESETS {
                    resea::warn!("the card is given up; `restart` starts its driver again if dm does not");
                    ipc::exit(1);
                }
                self.nic.restart()
            }
        };
        or_end(recovered);
    }

    fn drop_user(&mut self) -> Result<(), CardError> {
        self.user = None;
        self.nic.detach().map(drop)
    }

    /// Notifies the user if it waits for what it was given, or if the link has changed.
    fn wake_user(&mut self, link_has_changed: bool) {
        let wanted = self.nic.must_wake();
        let Some(user) = self.user.filter(|_| wanted || link_has_changed) else { return };
        if ipc::notify(user, NOTIFY_USER as usize).is_err() {
            // It is no more. Nobody wants frames until the next one attaches.
            or_end(self.drop_user());
        }
    }
}

/// The result, or the end of the driver if the card does not work any more.
fn or_end<T>(result: Result<T, CardError>) -> T {
    result.unwrap_or_else(|error| {
        resea::warn!("{error}");
        ipc::exit(1)
    })
}

impl nic::Server for Server {
    fn attach(&mut self, sender: TaskId) -> Result<AttachReply, Error> {
        let packets = self.packets.grant(sender)?;
        let address = or_end(self.nic.attach());
        self.user = Some(sender);
        // There is nothing to do yet, but now the user knows that it must wake the driver.
        self.work();
        Ok(AttachReply { packets, address, mtu: MTU })
    }

    fn status(&mut self, _: TaskId) -> Result<StatusReply, Error> {
        let (counts, link) = (self.nic.counts(), self.nic.card().link());
        Ok(StatusReply {
            link,
            received: counts.received,
            received_bytes: counts.received_bytes,
            sent: counts.sent,
            sent_bytes: counts.sent_bytes,
            dropped: counts.dropped,
            errors: counts.errors,
            interrupts: self.interrupts,
        })
    }
}

impl Events for Server {
    fn notified(&mut self, bits: usize) {
        self.device.answer_heartbeat(bits);
        let interrupted = bits & abi::NOTIFY_IRQ != 0;
        let link_has_changed = interrupted && self.nic.card().take_causes();
        self.work();
        if interrupted {
            self.interrupts += 1;
            // After the work: what has come meanwhile needs no interrupt of its own.
            self.interrupt.acknowledge();
        }
        self.wake_user(link_has_changed);
    }
}

/// Serves for ever.
pub fn run() -> Result<Never, StartError> {
    let mut server = Server::start()?;
    ipc::server::run(&mut server, nic::dispatch)
}
