//! Address spaces: the `map` and `unmap` calls. Everything about page tables is the machine's.

use abi::{Error, MapFlags, Powers, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::syscall::Handled;

/// Of what `map` returns: the first page is mapped; another one has followed it.
const MAPPED: usize = 1;
const ONE_MORE: usize = 4;

impl<M: Machine> Kernel<M> {
    /// The system call `map`.
    pub(crate) fn sys_map(
        &mut self,
        caller: TaskIndex,
        [target, address, frame, flags, table]: [usize; 5],
    ) -> Handled {
        let task = self.mappable(caller, target)?;
        let flags = MapFlags::from_raw(flags).ok_or(Error::InvalidArgument)?;
        let mmio = self.tasks[task].rights.mmio;
        let mut bits = self.machine.map(task, address, frame, flags.of_each(), table, &mmio)?;
        if bits & MAPPED != 0 {
            for page in 1..=flags.more() {
                let (address, frame) =
                    (address.wrapping_add(page * M::PAGE), frame.wrapping_add(page * M::PAGE));
                // What is wrong with a further page is told to whoever asks for that page alone.
                if self.machine.map(task, address, frame, flags.of_each(), 0, &mmio).is_err() {
                    break;
                }
                bits += ONE_MORE;
            }
        }
        Ok(Some(bits))
    }

    /// The system call `unmap`.
    pub(crate) fn sys_unmap(&mut self, caller: TaskIndex, target: usize, address: usize) -> Handled {
        let task = self.mappable(caller, target)?;
        Ok(Some(self.machine.unmap(task, address)?))
    }

    /// The task with the ID `target`, if `caller` may change its address space.
    fn mappable(&self, caller: TaskIndex, target: usize) -> Result<TaskIndex, Error> {
        let task = self.lookup(target)?;
        self.check_power(caller, Powers::MAP)?;
        if task != caller {
            self.check_pager(caller, task)?;
        }
        if self.has_ended(task) {
            return Err(Error::NoTask);
        }
        Ok(task)
    }
}
