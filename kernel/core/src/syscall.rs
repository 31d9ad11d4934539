//! The way in for system calls. What each call does and refuses is in [`abi::Syscall`].
//!
//! A handler returns the value of the call, or nothing if the caller waits (the one who wakes it sets its result), or
//! why the call stopped. That is turned into registers here and nowhere else.

use abi::{Access, Error, TaskIndex};

use crate::fault::Fault;
use crate::kernel::Kernel;
use crate::machine::{Machine, Request};

/// Why a system call did not do what it was asked to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The caller gets this error.
    Error(Error),
    /// The caller's own memory is not there: its pager is asked, and the call is repeated.
    Fault {
        /// The address.
        address: usize,
        /// What the call needs it for.
        access: Access,
    },
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What a handler returns: the call's value, or `None` if the result is set elsewhere.
pub(crate) type Handled = Result<Option<usize>, Stop>;

impl<M: Machine> Kernel<M> {
    /// The current task makes a system call.
    ///
    /// The calls are handled in three functions, from the most frequent to the rarest, because a function saves the
    /// registers that its longest path needs before it takes its shortest one.
    #[inline]
    pub fn syscall(&mut self, request: &Request) {
        let [first, second, third, fourth, fifth] = request.arguments;
        match (request.number, self.current) {
            (0, Some(caller)) => {
                let id = self.tasks[caller].id.map_or(0, |id| id.raw());
                self.machine.set_result(caller, id as isize, None, 0);
            }
            (number, _) => self.exchange(first, second, third, fourth, fifth, number),
        }
    }

    /// The calls that a request to a server is made of. The arguments stay in their registers on the way through.
    #[inline(never)]
    fn exchange(
        &mut self,
        first: usize,
        second: usize,
        third: usize,
        fourth: usize,
        fifth: usize,
        number: usize,
    ) {
        let Some(caller) = self.current else { return };
        let handled = match number {
            3 => self.sys_call(caller, first, second),
            5 => self.sys_reply_receive(caller, first, second),
            _ => return self.handle_other(first, second, third, fourth, fifth, number),
        };
        if let Err(Stop::Error(error)) = handled {
            self.machine.set_result(caller, Error::encode(Err(error)), None, 0);
        }
    }

    #[inline(never)]
    fn handle_other(
        &mut self,
        first: usize,
        second: usize,
        third: usize,
        fourth: usize,
        fifth: usize,
        number: usize,
    ) {
        let Some(caller) = self.current else { return };
        let request = Request { number, arguments: [first, second, third, fourth, fifth] };
        match self.handle(caller, &request) {
            Ok(Some(value)) => self.machine.set_result(caller, value as isize, None, 0),
            Ok(None) => {}
            Err(Stop::Error(error)) => self.machine.set_result(caller, Error::encode(Err(error)), None, 0),
            Err(Stop::Fault { address, access }) => {
                self.machine.repeat_syscall(caller, &request);
                self.raise(caller, Fault::Page { address, access });
                self.reschedule();
            }
        }
    }

    fn handle(&mut self, caller: TaskIndex, request: &Request) -> Handled {
        let arguments = request.arguments;
        let [first, second, third, fourth, _] = arguments;
        match request.number {
            1 => self.sys_send(caller, first, second, third),
            2 => self.sys_receive(caller, first),
            4 => self.sys_reply(caller, first, second),
            6 => self.sys_notify(caller, first, second),
            7 => self.sys_lend_copy(caller, arguments),
            8 => {
                self.sys_timer(caller, first);
                Ok(Some(0))
            }
            9 => Ok(Some(self.machine.now() as usize)),
            10 => self.sys_task_create(caller, first),
            11 => self.sys_task_destroy(caller, first),
            12 => self.sys_exit(caller, first, second),
            13 => self.sys_schedule(caller, arguments),
            14 => self.sys_map(caller, arguments),
            15 => self.sys_unmap(caller, first, second),
            16 => self.sys_irq(caller, first, second, third),
            17 => self.sys_console(caller, first, second, third),
            18 => self.sys_inspect(caller, first, second, third, fourth),
            _ => Err(Error::NotSupported.into()),
        }
    }

    /// Reads words from the caller's memory.
    pub(crate) fn read_words<const N: usize>(
        &mut self,
        caller: TaskIndex,
        address: usize,
    ) -> Result<[u64; N], Stop> {
        let mut words = [0; N];
        for (word, offset) in words.iter_mut().zip((0usize..).step_by(8)) {
            let place = address.wrapping_add(offset);
            let mut bytes = [0; 8];
            self.machine
                .read((caller, place), &mut bytes)
                .map_err(|address| Stop::Fault { address, access: Access::READ })?;
            *word = u64::from_le_bytes(bytes);
        }
        Ok(words)
    }

    /// Writes bytes to the caller's memory.
    pub(crate) fn write_bytes(
        &mut self,
        caller: TaskIndex,
        address: usize,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        self.machine
            .write(bytes, (caller, address))
            .map_err(|address| Stop::Fault { address, access: Access::WRITE })
    }
}
