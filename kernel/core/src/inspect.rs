//! What tasks with the right to it see of the kernel: tasks, messages, the log; and the end of everything.

use abi::{Error, InspectOperation, MAX_CONSOLE, MAX_TASKS, Powers, TaskIndex, TaskInfo};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::syscall::Handled;
use crate::task::State;

impl<M: Machine> Kernel<M> {
    /// The system call `inspect`.
    pub(crate) fn sys_inspect(
        &mut self,
        caller: TaskIndex,
        operation: usize,
        argument: usize,
        address: usize,
        length: usize,
    ) -> Handled {
        if operation == InspectOperation::Halt as usize {
            self.check_power(caller, Powers::POWER)?;
            self.machine.halt(argument);
            return Ok(Some(0));
        }
        self.check_power(caller, Powers::INSPECT)?;
        if operation == InspectOperation::Task as usize {
            if argument >= MAX_TASKS {
                return Err(Error::InvalidArgument.into());
            }
            let info = self.task_info(TaskIndex::new(argument)).ok_or(Error::NoTask)?;
            for (offset, word) in (0usize..).step_by(8).zip(info.encode()) {
                self.write_bytes(caller, address.wrapping_add(offset), &word.to_le_bytes())?;
            }
            return Ok(Some(0));
        }
        if operation == InspectOperation::Messages as usize {
            let counts = *self.counts.received_by(argument).ok_or(Error::InvalidArgument)?;
            for (offset, count) in (0usize..).step_by(4).zip(counts) {
                self.write_bytes(caller, address.wrapping_add(offset), &count.to_le_bytes())?;
            }
            return Ok(Some(0));
        }
        if operation != InspectOperation::Log as usize {
            return Err(Error::InvalidArgument.into());
        }
        let mut buffer = [0; MAX_CONSOLE];
        let place = buffer.get_mut(..length.min(MAX_CONSOLE)).unwrap_or_default();
        let (count, position) = self.log.read(argument, place);
        self.write_bytes(caller, address, buffer.get(..count).unwrap_or_default())?;
        self.machine.set_result(caller, count as isize, None, position);
        Ok(None)
    }

    /// What inspectors see of the task at a place; `None` if there is none.
    pub(crate) fn task_info(&self, task: TaskIndex) -> Option<TaskInfo> {
        let entry = &self.tasks[task];
        if entry.state == State::Free {
            return None;
        }
        let (state, peer) = entry.visible_state();
        Some(TaskInfo {
            id: entry.id?,
            state,
            peer: peer.and_then(|peer| self.tasks[peer].id),
            pager: entry.pager,
            priority: entry.priority as u64,
            senders: entry.senders.count(&self.tasks) as u64,
            notifications: entry.notifications as u64,
            received: entry.received,
            time: entry.time,
        })
    }
}
