//! The way in: every message that vm receives.
//!
//! Messages of the kernel's types come from the kernel in the name of the task that they are about. Any task could forge
//! one, but only about itself, and gains nothing: its page is mapped earlier, or it ends. What is not exactly as the
//! kernel sends it, or comes from a task that vm is not the pager of, is refused: the words that such a message does not
//! have would be another client's.

use crate::kernel::Kernel;
use crate::report::Context;
use crate::state::Vm;
use abi::{Access, Exception, MessageInfo, NOTIFY_TIMER, kind};
use interfaces::vm;
use ipc::server::Events;
use ipc::{Answer, Incoming};

/// The reply that lets a task go on after a fault.
const RESUME: Answer = Answer::Reply(MessageInfo::new(0, 0));

/// Words in every message of the kernel about a task.
const KERNEL_WORDS: usize = 5;

/// Handles a message of any kind.
#[inline]
pub fn dispatch<K: Kernel>(server: &mut Vm<'_, K>, message: &Incoming) -> Answer {
    if message.info.kind() >= kind::FIRST_INTERFACE {
        return vm::dispatch(server, message);
    }
    let as_the_kernel_sends_it = MessageInfo::new(message.info.kind(), KERNEL_WORDS);
    if message.info != as_the_kernel_sends_it || !server.is_pager_of(message.sender) {
        return Answer::Unknown;
    }
    let [first, second, instruction, stack, frame] = ipc::payload_words();
    let context = Context { instruction, stack, frame };
    let task = message.sender;
    match message.info.kind() {
        kind::PAGE_FAULT => {
            if server.page_fault(task, first, Access(second), context) {
                RESUME
            } else {
                Answer::Nothing
            }
        }
        kind::EXCEPTION => {
            server.exception(task, Exception::from_code(first), second, context);
            Answer::Nothing
        }
        kind::EXIT => {
            server.exit(task, first as i32, second != 0, context);
            Answer::Nothing
        }
        // vm never asks for it, but a task inherited from another pager may have it: it gets a new quantum.
        kind::QUANTUM => RESUME,
        _ => Answer::Unknown,
    }
}

impl<K: Kernel> Events for Vm<'_, K> {
    fn notified(&mut self, bits: usize) {
        if bits & NOTIFY_TIMER != 0 {
            self.timer_expired();
        }
    }
}
