//! Asynchronous messages: queued in the sender, which notifies; the receiver pulls when it likes.
//!
//! The queue is bounded, in all and for each receiver, so that one that never pulls cannot keep others from theirs.

use crate::{Error, Incoming, MessageInfo, TaskId, calls, kind, page};
use abi::{NOTIFY_ASYNC, PAYLOAD_WORDS};

/// A message that waits to be pulled.
#[derive(Clone, Copy)]
struct Queued {
    to: TaskId,
    info: MessageInfo,
    payload: [u64; PAYLOAD_WORDS],
}

/// A server's queue of asynchronous messages, oldest first for each receiver.
pub struct Outbox {
    /// The first `length` places are taken, in the order of queueing.
    queue: [Option<Queued>; Self::CAPACITY],
    length: usize,
}

impl Outbox {
    /// How many messages fit.
    pub const CAPACITY: usize = 32;
    /// How many messages for one receiver fit.
    pub const CAPACITY_PER_RECEIVER: usize = 8;

    /// An empty queue.
    pub const fn new() -> Self {
        Self { queue: [None; Self::CAPACITY], length: 0 }
    }

    /// How many messages wait.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether no message waits.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Queues the message of type `kind` whose `words` words are in the payload, and notifies `to`.
    ///
    /// Errors: `QueueFull` (in all, or for this receiver), `NoTask`, `NotPermitted`: nothing is queued.
    pub fn send(&mut self, to: TaskId, kind: u16, words: usize) -> Result<(), Error> {
        if self.is_full_for(to) {
            self.forget_ended_receivers();
        }
        if self.is_full_for(to) {
            return Err(Error::QueueFull);
        }
        let place = self.queue.get_mut(self.length).ok_or(Error::QueueFull)?;
        // Queued after the notification succeeded; the receiver cannot pull before this server serves again.
        calls::notify(to, NOTIFY_ASYNC)?;
        *place = Some(Queued { to, info: MessageInfo::new(kind, words), payload: page::payload_words() });
        self.length += 1;
        Ok(())
    }

    /// Takes the oldest message for `receiver` and puts it in the message page; the info word to reply with, which is
    /// the error `Empty` if there is none.
    pub fn answer(&mut self, receiver: TaskId) -> MessageInfo {
        let waiting = self.queue.iter().position(|place| place.is_some_and(|message| message.to == receiver));
        let Some(message) = waiting.and_then(|place| self.remove(place)) else {
            return MessageInfo::error(Error::Empty);
        };
        for (index, word) in message.payload.iter().enumerate().take(message.info.words()) {
            page::set_payload_word(index, *word);
        }
        message.info
    }

    /// Drops all messages for a receiver, such as one that has ended.
    pub fn forget(&mut self, receiver: TaskId) {
        let mut place = 0;
        while let Some(queued) = self.queue.get(place) {
            if queued.is_some_and(|message| message.to == receiver) {
                self.remove(place);
            } else {
                place += 1;
            }
        }
    }

    fn is_full_for(&self, receiver: TaskId) -> bool {
        let waiting = self.queue.iter().flatten().filter(|message| message.to == receiver).count();
        self.length == Self::CAPACITY || waiting == Self::CAPACITY_PER_RECEIVER
    }

    /// Makes room when there is none: nobody will pull what waits for a task that has ended.
    fn forget_ended_receivers(&mut self) {
        for place in 0..Self::CAPACITY {
            let receiver = self.queue.get(place).copied().flatten().map(|message| message.to);
            if let Some(receiver) = receiver.filter(|&to| calls::notify(to, 0) == Err(Error::NoTask)) {
                self.forget(receiver);
            }
        }
    }

    fn remove(&mut self, place: usize) -> Option<Queued> {
        let message = self.queue.get_mut(place)?.take()?;
        self.queue.get_mut(place..self.length)?.rotate_left(1);
        self.length -= 1;
        Some(message)
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Asks `from` for the next asynchronous message that it has queued for the caller; it is then in the message page.
///
/// Errors: `Empty` (there is none), `NotSupported` (the task sends none), and those of [`calls::call`].
pub fn pull(from: TaskId) -> Result<Incoming, Error> {
    let info = calls::call(from, MessageInfo::new(kind::ASYNC_PULL, 0))?;
    Ok(Incoming { sender: from, info })
}
