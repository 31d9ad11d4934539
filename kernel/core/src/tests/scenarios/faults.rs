//! Faults and exits: what the pager is told, and what its reply does.

use abi::{Access, Error, Exception, MessageInfo, kind};

use crate::fault::Fault;
use crate::task::State;
use crate::tests::requests::*;
use crate::tests::system::*;

const PAGE_FAULT: Fault = Fault::Page { address: 0xdead_0000, access: Access::WRITE };

#[test]
fn a_page_fault_goes_to_the_pager_and_its_reply_resumes_the_task() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.kernel.fault(PAGE_FAULT);
    assert_eq!(system.outcome(first), received(task, MessageInfo::new(kind::PAGE_FAULT, 5)));
    assert_eq!(&system.payload(first)[..5], &[0xdead_0000, 1, 0x1111, 0x2222, 0x3333]);
    *system.payload(first) = [9; 30];
    system.act(first, reply_receive(task, info(0)));
    assert_eq!(system.running(), Some(task));
    assert_eq!(system.outcome(task), None, "its registers are as they were");
    assert_eq!(system.payload(task)[0], 0, "and its message page");
}

#[test]
fn an_exception_goes_to_the_pager() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.kernel.fault(Fault::Exception { exception: Exception::Divide, detail: 77 });
    assert_eq!(system.outcome(first), received(task, MessageInfo::new(kind::EXCEPTION, 5)));
    assert_eq!(&system.payload(first)[..2], &[Exception::Divide as u64, 77]);
}

#[test]
fn an_exit_goes_to_the_pager_and_cannot_be_replied_to() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    assert_eq!(system.act(task, exit(42, true)), None);
    assert_eq!(system.outcome(first), received(task, MessageInfo::new(kind::EXIT, 5)));
    assert_eq!(&system.payload(first)[..2], &[42, 1]);
    assert_eq!(system.act(first, reply(task, info(0))), failed(Error::NotWaiting));
    assert_eq!(system.state(task), State::Exited);
}

#[test]
fn a_fault_waits_until_the_pager_receives() {
    let (mut system, [other, task]) = System::peers([6, 5]);
    let first = system.first;
    system.act(other, notify(first, 1));
    system.act(first, receive_from(other));
    system.act(other, receive());
    system.kernel.fault(PAGE_FAULT);
    system.check();
    assert_eq!(system.running(), None, "everybody waits");
    assert_eq!(system.state(task), State::Sending(first.index()));
}

#[test]
fn a_pager_may_wait_for_the_fault_of_one_task() {
    let (mut system, [other, task]) = System::peers([6, 5]);
    let first = system.first;
    system.act(other, notify(first, 1));
    system.act(first, receive_from(task));
    system.act(other, receive());
    system.kernel.fault(PAGE_FAULT);
    assert_eq!(system.outcome(first), received(task, MessageInfo::new(kind::PAGE_FAULT, 5)));
}

#[test]
fn only_the_pager_resumes_a_faulted_task() {
    let (mut system, [task, other]) = System::peers([6, 5]);
    let first = system.first;
    system.kernel.fault(PAGE_FAULT);
    system.act(first, receive());
    assert_eq!(system.act(other, reply(task, info(0))), failed(Error::NotWaiting));
    assert_eq!(system.state(task), State::Faulted(first.index()));
}

#[test]
fn a_fault_of_the_first_task_ends_the_system_with_a_report() {
    let mut system = System::new();
    system.kernel.fault(PAGE_FAULT);
    assert_eq!(system.kernel.machine.halted, Some(1));
    let text = system.console();
    assert!(text.contains("the first task has failed") && text.contains("0xdead0000"), "{text}");
}

#[test]
fn an_exit_of_the_first_task_ends_the_system() {
    let mut system = System::new();
    let first = system.first;
    assert_eq!(system.act(first, exit(0, false)), None);
    assert_eq!(system.kernel.machine.halted, Some(1));
}

#[test]
fn a_fault_while_nobody_runs_changes_nothing() {
    let (mut system, []) = System::peers([]);
    system.kernel.fault(PAGE_FAULT);
    system.kernel.syscall(&own_id());
    system.check();
    assert_eq!(system.running(), None);
}

#[test]
fn a_call_with_missing_memory_of_its_own_asks_the_pager_first() {
    let (mut system, [task]) = System::with([(5, peer_with(abi::Powers(31)))]);
    let first = system.first;
    let reads = [task_create(NOWHERE), console(0, NOWHERE, 1)];
    let writes = [inspect(0, 0, NOWHERE, 0), inspect(0, 0, CONSTANTS, 0), inspect(1, 0, CONSTANTS, 9)];
    let reads = reads.into_iter().map(|request| (request, Access::READ));
    let writes = writes.into_iter().map(|request| (request, Access::WRITE));
    system.act(task, console_write());
    for (request, access) in reads.chain(writes) {
        assert_eq!(system.act(task, request), None, "{request:?}");
        assert_eq!(system.outcome(first), received(task, MessageInfo::new(kind::PAGE_FAULT, 5)));
        assert_eq!(system.payload(first)[1], access.0, "{request:?}");
        assert_eq!(system.kernel.machine.place(task.index()).repeat, Some(request));
        system.act(first, reply_receive(task, info(0)));
    }
}

fn console_write() -> crate::Request {
    console(0, CONSTANTS, 9)
}

#[test]
fn a_receive_that_names_a_child_still_gets_its_queued_exit() {
    let (mut system, [other, child]) = System::peers([6, 5]);
    let first = system.first;
    system.act(other, notify(first, 1));
    system.act(first, receive_from(other));
    system.act(other, timer(10));
    system.act(other, receive());
    system.act(child, exit(3, false));
    system.pass(10);
    system.act(other, send(first, info(40)));
    assert_eq!(system.act(first, receive_from(child)), received(child, MessageInfo::new(kind::EXIT, 5)));
    assert_eq!(system.act(first, receive_from(child)), failed(Error::NoTask), "there is nothing more");
}
