//! Messages: send, receive, call, reply, notify.
//!
//! A message goes straight from the sender's message page to the receiver's, when both are ready for it; until then
//! the sender waits in the receiver's queue. Whoever is waited for runs next if nobody is more important: a call
//! costs no trip through the ready queue.

use abi::{Error, MessageInfo, SendFlags, TaskIndex, kind};

use crate::fault::Fault;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::syscall::Handled;
use crate::task::{Outgoing, State};

impl<M: Machine> Kernel<M> {
    /// The system call `send`.
    pub(crate) fn sys_send(&mut self, caller: TaskIndex, to: usize, info: usize, flags: usize) -> Handled {
        let info = message_without_lends(info)?;
        let to = self.receiver(caller, to)?;
        if flags > SendFlags::NOBLOCK.0 {
            return Err(Error::InvalidArgument.into());
        }
        if flags == SendFlags::NOBLOCK.0 && !self.receives_from(to, caller) {
            return Err(Error::WouldBlock.into());
        }
        self.tasks[caller].outgoing = Outgoing::Send(info);
        if !self.receives_from(to, caller) {
            self.enqueue(caller, to);
            self.reschedule();
            return Ok(None);
        }
        self.deliver(caller, to);
        if self.tasks[to].priority >= self.tasks[caller].priority {
            self.yield_to(to);
        } else {
            self.wake(to);
            self.reschedule();
        }
        Ok(Some(0))
    }

    /// The system call `call`.
    #[inline]
    pub(crate) fn sys_call(&mut self, caller: TaskIndex, to: usize, info: usize) -> Handled {
        let info = MessageInfo::from_raw(info).ok_or(Error::InvalidArgument)?;
        let to = self.receiver(caller, to)?;
        self.tasks[caller].outgoing = Outgoing::Call(info);
        if self.receives_from(to, caller) {
            self.deliver(caller, to);
            self.switch_to(to);
        } else {
            self.enqueue(caller, to);
            self.reschedule();
        }
        Ok(None)
    }

    /// The system call `receive`.
    pub(crate) fn sys_receive(&mut self, caller: TaskIndex, from: usize) -> Handled {
        if from == 0 {
            self.receive_any(caller);
            self.reschedule();
            return Ok(None);
        }
        let from = self.lookup(from)?;
        if from == caller {
            return Err(Error::InvalidArgument.into());
        }
        // A queued message is received even if it is the last: a task's exit to its pager.
        if self.tasks[from].state == State::Sending(caller) {
            self.take_from(caller, from);
        } else if self.has_ended(from) {
            return Err(Error::NoTask.into());
        } else {
            self.tasks[caller].state = State::Receiving(Some(from));
        }
        self.reschedule();
        Ok(None)
    }

    /// The system call `reply`.
    pub(crate) fn sys_reply(&mut self, caller: TaskIndex, to: usize, info: usize) -> Handled {
        let info = message_without_lends(info)?;
        let to = self.answer(caller, to, info)?;
        self.wake(to);
        self.reschedule();
        Ok(Some(0))
    }

    /// The system call `reply_receive`.
    #[inline]
    pub(crate) fn sys_reply_receive(&mut self, caller: TaskIndex, to: usize, info: usize) -> Handled {
        let info = message_without_lends(info)?;
        match self.answer(caller, to, info) {
            Ok(client) if !self.receive_any(caller) => self.return_to(client, caller),
            Ok(client) => {
                self.wake(client);
                self.reschedule();
            }
            Err(_) => {
                self.receive_any(caller);
                self.reschedule();
            }
        }
        Ok(None)
    }

    /// The system call `notify`.
    pub(crate) fn sys_notify(&mut self, caller: TaskIndex, to: usize, bits: usize) -> Handled {
        let to = self.lookup(to)?;
        if self.has_ended(to) {
            return Err(Error::NoTask.into());
        }
        if !self.may_send(caller, to) && !self.may_send(to, caller) {
            return Err(Error::NotPermitted.into());
        }
        self.set_notifications(to, bits);
        self.reschedule();
        Ok(Some(0))
    }

    /// Sets notification bits of a task, and delivers them if it waits for a message from anyone.
    pub(crate) fn set_notifications(&mut self, task: TaskIndex, bits: usize) {
        self.tasks[task].notifications |= bits;
        if self.tasks[task].notifications != 0 && self.tasks[task].state == State::Receiving(None) {
            self.deliver_notifications(task);
            self.wake(task);
        }
    }

    /// Checks that `caller` may send to the task with the ID `to`, and that this one lives.
    #[inline]
    fn receiver(&self, caller: TaskIndex, to: usize) -> Result<TaskIndex, Error> {
        let to = self.lookup(to)?;
        if !self.may_send(caller, to) {
            return Err(Error::NotPermitted);
        }
        if to == caller {
            return Err(Error::InvalidArgument);
        }
        if self.has_ended(to) {
            return Err(Error::NoTask);
        }
        Ok(to)
    }

    #[inline]
    fn may_send(&self, from: TaskIndex, to: TaskIndex) -> bool {
        let (from, to) = (&self.tasks[from], &self.tasks[to]);
        from.rights.may_send.meets(to.rights.provides) || from.pager == to.id
    }

    #[inline]
    fn receives_from(&self, receiver: TaskIndex, sender: TaskIndex) -> bool {
        match self.tasks[receiver].state {
            State::Receiving(None) => true,
            State::Receiving(Some(from)) => from == sender,
            _ => false,
        }
    }

    /// Delivers `from`'s outgoing fault or message to `to` now if `to` waits for it, else queues it.
    pub(crate) fn send_to(&mut self, from: TaskIndex, to: TaskIndex) {
        if self.receives_from(to, from) {
            self.deliver(from, to);
            self.wake(to);
        } else {
            self.enqueue(from, to);
        }
    }

    fn enqueue(&mut self, from: TaskIndex, to: TaskIndex) {
        self.tasks[from].state = State::Sending(to);
        let mut senders = self.tasks[to].senders;
        senders.push_back(&mut self.tasks, from);
        self.tasks[to].senders = senders;
    }

    /// Takes a task out of the sender queue that it is in.
    pub(crate) fn dequeue(&mut self, from: TaskIndex, to: TaskIndex) {
        let mut senders = self.tasks[to].senders;
        senders.remove(&mut self.tasks, from);
        self.tasks[to].senders = senders;
    }

    /// Copies `from`'s message to `to` and sets what `to`'s receive returns. The caller makes `to` ready.
    #[inline]
    fn deliver(&mut self, from: TaskIndex, to: TaskIndex) {
        let info = match self.tasks[from].outgoing {
            Outgoing::Call(info) => {
                self.machine.copy_message(from, to, info.words());
                self.tasks[from].state = State::Calling(to);
                info
            }
            Outgoing::Send(info) => {
                self.machine.copy_message(from, to, info.words());
                info
            }
            Outgoing::Fault(fault) => self.deliver_fault(from, to, fault),
        };
        self.machine.set_result(to, 0, self.tasks[from].id, info.raw());
        self.tasks[to].received = self.tasks[to].received.wrapping_add(1);
        self.counts.add(from, to);
        #[cfg(debug_assertions)]
        self.messages.add(from, to);
    }

    /// Gives `receiver`, which runs, the message of the queued `sender`.
    fn take_from(&mut self, receiver: TaskIndex, sender: TaskIndex) {
        self.dequeue(sender, receiver);
        self.deliver(sender, receiver);
        if matches!(self.tasks[sender].outgoing, Outgoing::Send(_)) {
            self.machine.set_result(sender, 0, None, 0);
            self.wake(sender);
        }
    }

    /// An open receive: gives `receiver` its notifications or the first queued message and returns true, or makes it
    /// wait and returns false.
    #[inline]
    fn receive_any(&mut self, receiver: TaskIndex) -> bool {
        if self.tasks[receiver].notifications != 0 {
            self.deliver_notifications(receiver);
        } else if let Some(sender) = self.tasks[receiver].senders.first() {
            self.take_from(receiver, sender);
        } else {
            self.tasks[receiver].state = State::Receiving(None);
            return false;
        }
        true
    }

    fn deliver_notifications(&mut self, task: TaskIndex) {
        let bits = core::mem::take(&mut self.tasks[task].notifications);
        self.machine.write_message(task, &[bits as u64]);
        self.machine.set_result(task, 0, None, MessageInfo::new(kind::NOTIFICATIONS, 1).raw());
        self.tasks[task].received = self.tasks[task].received.wrapping_add(1);
    }

    /// Hands `caller`'s reply to the client with the ID `to`, which the caller of this makes ready.
    #[inline]
    fn answer(&mut self, caller: TaskIndex, to: usize, info: MessageInfo) -> Result<TaskIndex, Error> {
        let to = self.lookup(to)?;
        match self.tasks[to].state {
            State::Calling(server) if server == caller => {
                self.machine.copy_message(caller, to, info.words());
                self.machine.set_result(to, 0, self.tasks[caller].id, info.raw());
            }
            State::Faulted(pager) if pager == caller => {
                let task = &mut self.tasks[to];
                if task.outgoing == Outgoing::Fault(Fault::Quantum) {
                    task.exhausted = false;
                    task.quantum_left = task.quantum;
                }
            }
            _ => return Err(Error::NotWaiting),
        }
        self.counts.add(caller, to);
        #[cfg(debug_assertions)]
        self.messages.add(caller, to);
        Ok(to)
    }
}

/// The info word of a message that must not lend: only calls can, because a loan ends with the reply.
fn message_without_lends(raw: usize) -> Result<MessageInfo, Error> {
    MessageInfo::from_raw(raw).filter(|info| info.lends() == 0).ok_or(Error::InvalidArgument)
}
