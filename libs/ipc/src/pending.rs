//! Calls that are answered later: a server that must wait keeps the token and goes on serving others.

use crate::lend::Place;
use crate::{Error, MessageInfo, ReadLend, StrLend, TaskId, WriteLend, calls};

/// A client that waits for a reply, which must come through this token. What it has lent stays lent until then.
///
/// Dropping the token fails the call with `Aborted`: no client is ever forgotten.
#[derive(Debug)]
pub struct Pending {
    client: TaskId,
}

impl Pending {
    /// Takes over the duty to answer `message`. The dispatcher then answers nothing.
    #[inline]
    pub const fn new(message: &crate::Incoming) -> Self {
        Self { client: message.sender }
    }

    /// Who waits.
    #[inline]
    pub const fn client(&self) -> TaskId {
        self.client
    }

    /// Answers with `info`; the payload is in the message page. That the client has ended meanwhile is nothing that
    /// a server can do anything about, so it is not told.
    #[inline]
    pub fn reply(self, info: MessageInfo) {
        let _ = calls::reply(self.client, info);
        core::mem::forget(self);
    }

    /// Answers with an error.
    #[inline]
    pub fn fail(self, error: Error) {
        self.reply(MessageInfo::error(error));
    }

    /// Lend `index` for reading; `length` is what the request said of it.
    #[inline]
    pub const fn read_lend(&self, index: usize, length: u32) -> ReadLend<'_> {
        ReadLend::at(Place { lender: self.client, index, length: length as usize })
    }

    /// Lend `index` as text.
    #[inline]
    pub const fn str_lend(&self, index: usize, length: u32) -> StrLend<'_> {
        StrLend::at(Place { lender: self.client, index, length: length as usize })
    }

    /// Lend `index` for writing.
    #[inline]
    pub const fn write_lend(&self, index: usize, length: u32) -> WriteLend<'_> {
        WriteLend::at(Place { lender: self.client, index, length: length as usize })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let _ = calls::reply_error(self.client, Error::Aborted);
    }
}
