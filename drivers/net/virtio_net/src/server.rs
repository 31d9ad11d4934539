//! The program: claims its device, serves the interface `nic`, and reacts to interrupts, the user and heartbeats.
//!
//! A device that breaks the rules ends the driver with a line that says how; whether to try again is for dm to decide.

use crate::Card;
use crate::traffic::{Counts, News, Stop, Traffic};
use abi::{NOTIFY_IRQ, NOTIFY_TIMER};
use driver::{Device, DmaMemory, Interrupt};
use interfaces::nic::{self, AttachReply, NOTIFY_DRIVER, NOTIFY_USER, StatusReply};
use ipc::server::Events;
use ipc::{Error, TaskId};
use packets::Driver;
use resea::Never;
use virtio::Unusable;

/// The most bytes of an Internet packet in a frame.
const MTU: u32 = 1500;

/// How often the driver goes on at once if there is more to do, before it looks at other notifications.
const ROUNDS: usize = 16;

/// The server.
struct Server {
    device: Device,
    interrupt: Interrupt,
    card: Card,
    packets: DmaMemory,
    traffic: Traffic,
    /// Whoever has attached. Without one the card is stopped.
    user: Option<TaskId>,
    /// Whether the cable was plugged in when it was last looked.
    link: bool,
    interrupts: u64,
}

impl Server {
    fn start() -> Result<Self, Unusable> {
        let device = Device::claim()?;
        let (card, queues) = Card::new(&device)?;
        // Its user goes on using it when the driver is started again.
        let packets = device.memory(0, packets::SIZE, true)?;
        let rings = Driver::new(*packets.region()).map_err(|_| Unusable::Queues(Error::TooLarge))?;
        let traffic = Traffic::new(rings, queues, card.header(), packets.physical());
        let interrupt = device.interrupt(NOTIFY_IRQ)?;
        let link = card.link();
        device.ready()?;
        Ok(Self { device, interrupt, card, packets, traffic, user: None, link, interrupts: 0 })
    }

    /// Moves frames until there is nothing left to do, but not for ever. Whether anything has happened.
    fn work(&mut self) -> bool {
        let Some(user) = self.user else { return false };
        let mut all = News { more: true, ..News::default() };
        for _ in 0..ROUNDS {
            let card = &self.card;
            let news = match self.traffic.round(|side| card.notify(side)) {
                Ok(news) => news,
                Err(stop) => return self.stopped(stop),
            };
            all.frames |= news.frames;
            all.buffers |= news.buffers;
            all.more = news.more;
            if !news.more {
                break;
            }
        }
        match self.traffic.must_wake(all) {
            Ok(true) => self.notify_user(user),
            Ok(false) => {}
            Err(stop) => return self.stopped(stop),
        }
        if all.more {
            // At once, but after what waits. A task has no right to notify itself.
            ipc::timer(1);
        }
        all.frames || all.buffers
    }

    /// Work cannot go on. Returns only if the user is to blame, who is gone then.
    #[cold]
    fn stopped(&mut self, stop: Stop) -> bool {
        match stop {
            Stop::User(_) => {
                resea::warn!("the user is dropped: {stop}");
                self.drop_user();
            }
            Stop::Device(_) => {
                resea::warn!("{stop}; it is stopped");
                // If it does not stop either, dm takes its access to memory away.
                let _ = self.card.stop();
                ipc::exit(1);
            }
        }
        true
    }

    fn drop_user(&mut self) {
        self.user = None;
        or_end(self.card.stop());
    }

    fn notify_user(&mut self, user: TaskId) {
        if ipc::notify(user, NOTIFY_USER as usize).is_err() {
            // It is no more. Nobody wants frames until the next one attaches.
            self.drop_user();
        }
    }

    /// Tells the user if the cable was plugged in or out.
    fn look_at_link(&mut self) {
        let link = self.card.link();
        if core::mem::replace(&mut self.link, link) != link
            && let Some(user) = self.user
        {
            self.notify_user(user);
        }
    }
}

/// The result, or the end of the driver if the device cannot be used any more.
fn or_end<T>(result: Result<T, Unusable>) -> T {
    result.unwrap_or_else(|error| {
        resea::warn!("{error}");
        ipc::exit(1)
    })
}

impl nic::Server for Server {
    fn attach(&mut self, sender: TaskId) -> Result<AttachReply, Error> {
        let packets = self.packets.grant(sender)?;
        or_end(self.card.stop());
        let rings = Driver::new(*self.packets.region()).map_err(|_| Error::TooLarge)?;
        self.traffic.reset(rings);
        or_end(self.card.start());
        self.user = Some(sender);
        self.work();
        Ok(AttachReply { packets, address: self.card.address(), mtu: MTU })
    }

    fn status(&mut self, _: TaskId) -> Result<StatusReply, Error> {
        let Counts { received, received_bytes, sent, sent_bytes, errors } = self.traffic.counts();
        let (link, interrupts) = (self.card.link(), self.interrupts);
        // The device does not tell how many frames came while it had no buffer.
        let dropped = 0;
        Ok(StatusReply { link, received, received_bytes, sent, sent_bytes, dropped, errors, interrupts })
    }
}

impl Events for Server {
    fn notified(&mut self, bits: usize) {
        self.device.answer_heartbeat(bits);
        let interrupted = bits & NOTIFY_IRQ != 0;
        if interrupted {
            self.interrupts += 1;
            if !self.device.messages {
                self.card.lower_interrupt();
            }
            // Before the work: what the device does from now on interrupts again, unless the work finds it.
            self.interrupt.acknowledge();
        }
        let has_worked = bits & (NOTIFY_IRQ | NOTIFY_TIMER | NOTIFY_DRIVER as usize) != 0 && self.work();
        // A device that interrupts without having moved anything has something else to tell: the link has changed. Should both
        // come at once, the next heartbeat finds it.
        if !has_worked {
            self.look_at_link();
        }
    }
}

/// Serves for ever.
///
/// Errors: why the device cannot be used.
pub fn run() -> Result<Never, Unusable> {
    let mut server = Server::start()?;
    ipc::server::run(&mut server, nic::dispatch)
}
