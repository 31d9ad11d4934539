//! System calls as a task makes them, one function each.

use abi::{MessageInfo, Syscall, TaskId};

use crate::machine::Request;

pub fn request(call: Syscall, arguments: &[usize]) -> Request {
    let mut request = Request { number: call as usize, arguments: [0; 5] };
    request.arguments[..arguments.len()].copy_from_slice(arguments);
    request
}

/// A message of this type with two words of payload.
pub fn info(kind: u16) -> MessageInfo {
    MessageInfo::new(kind, 2)
}

pub fn own_id() -> Request {
    request(Syscall::OwnId, &[])
}

pub fn send(to: TaskId, info: MessageInfo) -> Request {
    request(Syscall::Send, &[to.raw(), info.raw(), 0])
}

pub fn send_now(to: TaskId, info: MessageInfo) -> Request {
    request(Syscall::Send, &[to.raw(), info.raw(), 1])
}

pub fn receive() -> Request {
    request(Syscall::Receive, &[0])
}

pub fn receive_from(from: TaskId) -> Request {
    request(Syscall::Receive, &[from.raw()])
}

pub fn call(to: TaskId, info: MessageInfo) -> Request {
    request(Syscall::Call, &[to.raw(), info.raw()])
}

pub fn reply(to: TaskId, info: MessageInfo) -> Request {
    request(Syscall::Reply, &[to.raw(), info.raw()])
}

pub fn reply_receive(to: TaskId, info: MessageInfo) -> Request {
    request(Syscall::ReplyReceive, &[to.raw(), info.raw()])
}

pub fn notify(to: TaskId, bits: usize) -> Request {
    request(Syscall::Notify, &[to.raw(), bits])
}

pub fn lend_copy(lender: TaskId, selector: usize, offset: usize, buffer: usize, length: usize) -> Request {
    request(Syscall::LendCopy, &[lender.raw(), selector, offset, buffer, length])
}

pub fn timer(nanoseconds: usize) -> Request {
    request(Syscall::Timer, &[nanoseconds])
}

pub fn clock() -> Request {
    request(Syscall::Clock, &[])
}

pub fn task_create(address: usize) -> Request {
    request(Syscall::TaskCreate, &[address])
}

pub fn destroy(task: TaskId) -> Request {
    request(Syscall::TaskDestroy, &[task.raw()])
}

pub fn exit(status: usize, panicked: bool) -> Request {
    request(Syscall::Exit, &[status, panicked as usize])
}

pub fn schedule(task: TaskId, priority: usize, quantum: usize, policy: usize) -> Request {
    request(Syscall::Schedule, &[task.raw(), priority, quantum, policy, 1])
}

pub fn map(task: TaskId, address: usize, frame: usize, flags: usize, table: usize) -> Request {
    request(Syscall::Map, &[task.raw(), address, frame, flags, table])
}

pub fn unmap(task: TaskId, address: usize) -> Request {
    request(Syscall::Unmap, &[task.raw(), address])
}

pub fn irq(operation: usize, irq: usize, bits: usize) -> Request {
    request(Syscall::Irq, &[operation, irq, bits])
}

pub fn console(operation: usize, address: usize, length: usize) -> Request {
    request(Syscall::Console, &[operation, address, length])
}

pub fn inspect(operation: usize, argument: usize, address: usize, length: usize) -> Request {
    request(Syscall::Inspect, &[operation, argument, address, length])
}
