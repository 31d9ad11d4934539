//! Messages: the info word that travels in a register and the message page that holds the rest.

use crate::{Error, TaskId};

/// 8-byte words of payload that a message can carry.
pub const PAYLOAD_WORDS: usize = 30;

/// Bytes of payload that a message can carry. With type, length and sender that makes 256 bytes.
pub const PAYLOAD_BYTES: usize = PAYLOAD_WORDS * 8;

/// Regions of memory that a call can lend.
pub const MAX_LENDS: usize = 4;

/// Where every task finds its message page: one page, readable and writable, mapped from the start to the end of
/// its life. On machines without an MMU the page's address is given at the start instead.
pub const MESSAGE_PAGE: usize = 0x20_0000;

/// Notification bit: the task's timer has expired.
pub const NOTIFY_TIMER: usize = 1 << 0;
/// Notification bit: input waits at the console.
pub const NOTIFY_CONSOLE: usize = 1 << 1;
/// Notification bit: a task that the receiver watches has ended.
pub const NOTIFY_CHILD: usize = 1 << 2;
/// Notification bit: another task has queued an asynchronous message.
pub const NOTIFY_ASYNC: usize = 1 << 3;
/// Notification bit usual for an interrupt; a driver may choose others. Bits 8 to 31 are free for every use.
pub const NOTIFY_IRQ: usize = 1 << 4;

/// The part of a message that travels in a register.
///
/// | bits | meaning |
/// |---|---|
/// | 0–15 | message type, or the error code if bit 31 is set |
/// | 16–20 | length of the payload in 8-byte words, 0 to [`PAYLOAD_WORDS`] |
/// | 21–23 | number of lends, 0 to [`MAX_LENDS`] |
/// | 24–27 | lend *i* may be written by the receiver (bit 24 + *i*) |
/// | 31 | the message is an error |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct MessageInfo(u32);

impl MessageInfo {
    const ERROR: u32 = 1 << 31;
    const UNUSED: u32 = 0b111 << 28;

    /// A message of type `kind` with `words` words of payload and no lends. Lengths above [`PAYLOAD_WORDS`] are cut.
    pub const fn new(kind: u16, words: usize) -> Self {
        let words = if words > PAYLOAD_WORDS { PAYLOAD_WORDS } else { words };
        Self(kind as u32 | (words as u32) << 16)
    }

    /// The same message with `count` lends, of which those in the bit mask `writable` may be written by the receiver.
    /// Counts above [`MAX_LENDS`] are cut.
    pub const fn with_lends(self, count: usize, writable: u32) -> Self {
        let count = if count > MAX_LENDS { MAX_LENDS } else { count };
        Self(self.0 | (count as u32) << 21 | (writable & 0xf) << 24)
    }

    /// An error in place of a message.
    pub const fn error(error: Error) -> Self {
        Self(Self::ERROR | error.code() as u32)
    }

    /// The info word as userland gave it; `None` if its length, lends or unused bits are out of range.
    pub const fn from_raw(raw: usize) -> Option<Self> {
        let info = Self(raw as u32);
        if raw > u32::MAX as usize
            || info.0 & Self::UNUSED != 0
            || info.words() > PAYLOAD_WORDS
            || info.lends() > MAX_LENDS
        {
            return None;
        }
        Some(info)
    }

    /// The word for the register.
    pub const fn raw(self) -> usize {
        self.0 as usize
    }

    /// The message type; meaningless if [`MessageInfo::as_error`] is an error.
    pub const fn kind(self) -> u16 {
        self.0 as u16
    }

    /// Length of the payload in 8-byte words.
    pub const fn words(self) -> usize {
        (self.0 >> 16 & 0x1f) as usize
    }

    /// How many regions are lent.
    pub const fn lends(self) -> usize {
        (self.0 >> 21 & 0x7) as usize
    }

    /// Whether the receiver may write to lend `index`.
    pub const fn is_writable(self, index: usize) -> bool {
        index < MAX_LENDS && self.0 >> (24 + index) & 1 != 0
    }

    /// `Err` if the message is an error, else the message itself.
    pub const fn as_error(self) -> Result<Self, Error> {
        if self.0 & Self::ERROR != 0 { Err(Error::from_code(self.0 as u16 as usize)) } else { Ok(self) }
    }
}

/// A region of the caller's memory that the receiver of a call may access until it replies.
///
/// It is an allegation: the kernel checks address, length and permissions at each access.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Lend {
    /// First byte, in the lender's address space.
    pub address: u64,
    /// Length in bytes.
    pub length: u64,
}

/// The start of a task's message page. The rest of the page is the task's own ([`crate::STARTUP_OFFSET`] says what
/// its creator leaves there).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(16))]
pub struct MessagePage {
    /// The payload of the message to send, or of the one received; the info word says how many words count.
    pub payload: [u64; PAYLOAD_WORDS],
    /// Unused; keeps the lends aligned.
    pub reserved: [u64; 2],
    /// The regions lent by the message to send.
    pub lends: [Lend; MAX_LENDS],
}

/// What a receive returns: who sent it, and its info word. The payload is in the message page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// The sender; `None` for the kernel (notifications).
    pub sender: Option<TaskId>,
    /// Type, length and lends.
    pub info: MessageInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_starts_with_256_bytes_of_message() {
        assert_eq!(core::mem::offset_of!(MessagePage, lends), 256);
        assert_eq!(PAYLOAD_BYTES + 16, 256);
    }

    #[test]
    fn info_survives_the_register() {
        let info = MessageInfo::new(0xffff, 30).with_lends(4, 0b1010);
        assert_eq!(MessageInfo::from_raw(info.raw()), Some(info));
        assert_eq!((info.kind(), info.words(), info.lends()), (0xffff, 30, 4));
        assert!(info.is_writable(1) && info.is_writable(3) && !info.is_writable(0) && !info.is_writable(4));
        assert_eq!(MessageInfo::error(Error::Aborted).as_error(), Err(Error::Aborted));
        assert_eq!(info.as_error(), Ok(info));
    }

    #[test]
    fn info_out_of_range_is_refused() {
        for raw in [31 << 16, 5 << 21, 7 << 21, 1 << 28, 1 << 30, 1 << 32, usize::MAX] {
            assert_eq!(MessageInfo::from_raw(raw), None, "{raw:#x}");
        }
    }
}
