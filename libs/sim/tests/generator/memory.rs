//! The memory that a generated message lends, as the kernel would give access to it.

use ipc::host::Backend;
use ipc::{Error, MessageInfo, TaskId};
use sim::generate::{Generated, Lending};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Serves lends out of a message, and keeps the reply.
pub struct Memory {
    lends: RefCell<Vec<Lending>>,
    reply: Cell<Option<MessageInfo>>,
}

impl Memory {
    pub fn of(generated: &Generated) -> Rc<Self> {
        Rc::new(Self { lends: RefCell::new(generated.lends.clone()), reply: Cell::new(None) })
    }

    /// The reply that a deferred call was given.
    pub fn reply(&self) -> Option<MessageInfo> {
        self.reply.get()
    }

    fn access(
        &self,
        index: usize,
        offset: usize,
        length: usize,
        access: impl FnOnce(&mut Lending, std::ops::Range<usize>),
    ) -> Result<(), Error> {
        let mut lends = self.lends.borrow_mut();
        let lend = lends.get_mut(index).ok_or(Error::InvalidArgument)?;
        let end = offset.checked_add(length).filter(|end| *end <= lend.claimed).ok_or(Error::OutOfBounds)?;
        if end > lend.readable && length > 0 {
            return Err(Error::BadLend);
        }
        access(lend, offset..end);
        Ok(())
    }
}

impl Backend for Memory {
    fn lend_read(
        &self,
        _: TaskId,
        selector: abi::LendSelector,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        self.access(selector.index, offset, buffer.len(), |lend, range| {
            buffer.copy_from_slice(&lend.bytes[range])
        })
    }

    fn lend_write(
        &self,
        _: TaskId,
        selector: abi::LendSelector,
        offset: usize,
        data: &[u8],
    ) -> Result<(), Error> {
        if !self.lends.borrow().get(selector.index).is_some_and(|lend| lend.writable) {
            return Err(Error::NotPermitted);
        }
        self.access(selector.index, offset, data.len(), |lend, range| lend.bytes[range].copy_from_slice(data))
    }

    fn reply(&self, _: TaskId, info: MessageInfo) -> Result<(), Error> {
        assert_eq!(self.reply.replace(Some(info)), None, "a call is answered once");
        Ok(())
    }
}
