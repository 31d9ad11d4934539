//! Access to memory that a caller has lent for the duration of its call.

use abi::{Access, Error, LendSelector, MAX_COPY, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::syscall::{Handled, Stop};
use crate::task::{Outgoing, State};

impl<M: Machine> Kernel<M> {
    /// The system call `lend_copy`.
    pub(crate) fn sys_lend_copy(
        &mut self,
        caller: TaskIndex,
        [lender, selector, offset, buffer, length]: [usize; 5],
    ) -> Handled {
        let lender = self.lookup(lender)?;
        let (State::Calling(server), Outgoing::Call(info)) =
            (self.tasks[lender].state, self.tasks[lender].outgoing)
        else {
            return Err(Error::NotWaiting.into());
        };
        if server != caller {
            return Err(Error::NotWaiting.into());
        }
        let LendSelector { index, write } = LendSelector::from_raw(selector).ok_or(Error::InvalidArgument)?;
        if index >= info.lends() || length > MAX_COPY {
            return Err(Error::InvalidArgument.into());
        }
        if write && !info.is_writable(index) {
            return Err(Error::NotPermitted.into());
        }
        // The lender is blocked, but its page may be shared by its pager: what is read here is used once.
        let lend = self.machine.lend(lender, index);
        let end = offset.checked_add(length).ok_or(Error::OutOfBounds)?;
        if end as u64 > lend.length {
            return Err(Error::OutOfBounds.into());
        }
        let address = (lend.address as usize).checked_add(offset).ok_or(Error::BadLend)?;
        let (lent, own) = ((lender, address), (caller, buffer));
        let (from, to) = if write { (own, lent) } else { (lent, own) };
        match self.machine.copy(from, to, length) {
            Ok(()) => Ok(Some(length)),
            Err(fault) if fault.in_source != write => Err(Error::BadLend.into()),
            Err(fault) => {
                let access = if write { Access::READ } else { Access::WRITE };
                Err(Stop::Fault { address: fault.address, access })
            }
        }
    }
}
