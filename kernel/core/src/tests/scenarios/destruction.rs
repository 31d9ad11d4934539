//! task_destroy: who may, what comes back, who inherits, in which steps.

use abi::{Access, Error, IrqOperation, MAX_TASKS, MessageInfo, Powers, Rights, TaskId, kind};

use crate::fault::Fault;
use crate::task::State;
use crate::tests::requests::*;
use crate::tests::system::*;

/// The first task, `parent` with all rights and `children` tasks that it has created; the parent runs.
fn family<const N: usize>() -> (System, TaskId, [TaskId; N]) {
    let (mut system, [parent]) = System::with([(9, Rights::ALL)]);
    let children = [5; N].map(|priority| system.spawn(parent, priority, PEER));
    (system, parent, children)
}

/// Has the running task hand over to the first task, and this one destroy `task`.
fn destroy_by_first(system: &mut System, task: TaskId) {
    let (first, running) = (system.first, system.running().unwrap());
    if running != first {
        system.act(running, notify(first, 1));
    }
    system.destroy(first, task);
}

#[test]
fn only_the_pager_destroys() {
    let (mut system, [one, other]) = System::with([(6, Rights::ALL), (5, PEER)]);
    for task in [one, other, system.first] {
        assert_eq!(system.act(one, destroy(task)), failed(Error::NotPermitted), "{task}");
    }
}

#[test]
fn destroying_takes_bounded_steps() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, notify(first, 1));
    let mut steps = 1;
    while system.act(first, destroy(task)) == done(1) {
        steps += 1;
        assert!(matches!(system.state(task), State::Dying(_)));
    }
    assert_eq!(
        steps,
        1 + MAX_TASKS / 128 + 1 + task.index().get() % 3,
        "begin, the table, the machine's steps"
    );
    assert!(!system.lives(task));
    assert_eq!(system.act(first, destroy(task)), failed(Error::NoTask));
}

#[test]
fn a_dying_task_is_nobody() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, notify(first, 1));
    assert_eq!(system.act(first, destroy(task)), done(1));
    let requests = [
        send(task, info(0)),
        call(task, info(0)),
        notify(task, 1),
        receive_from(task),
        schedule(task, 5, 0, 0),
    ];
    for request in requests.into_iter().chain([map(task, 0, 0, 0, 0), unmap(task, 0)]) {
        assert_eq!(system.act(first, request), failed(Error::NoTask), "{request:?}");
    }
    assert_eq!(system.act(first, reply(task, info(0))), failed(Error::NotWaiting));
}

#[test]
fn tasks_in_every_state_can_be_destroyed() {
    let (mut system, [sender, caller, receiver, faulted, exited, ready]) = System::peers([9, 8, 7, 6, 5, 4]);
    let first = system.first;
    system.act(sender, send(ready, info(40)));
    system.act(caller, call(sender, info(40)));
    system.act(receiver, receive());
    system.kernel.fault(Fault::Page { address: 0, access: Access::READ });
    system.act(first, receive());
    system.act(exited, exit(0, false));
    let parameters = system.parameters(PEER);
    let new = system.create(first, &parameters).unwrap();
    for task in [sender, caller, receiver, faulted, exited, ready, new] {
        system.destroy(first, task);
        assert!(!system.lives(task));
    }
    assert_eq!(system.act(first, receive()), None);
    assert_eq!(system.running(), None, "nobody is left");
}

#[test]
fn children_get_the_destroyer_as_pager() {
    let (mut system, parent, [child]) = family();
    destroy_by_first(&mut system, parent);
    assert_eq!(system.kernel.task(child.index()).pager, Some(system.first));
    assert_eq!(system.act(system.first, schedule(child, 7, 0, 0)), done(0), "who now decides about it");
}

#[test]
fn a_fault_that_waits_for_a_pager_that_dies_goes_to_the_heir() {
    let (mut system, parent, [child]) = family();
    let first = system.first;
    system.act(parent, timer(10));
    system.act(parent, receive_from(first));
    system.kernel.fault(Fault::Page { address: 77, access: Access::READ });
    assert_eq!(system.state(child), State::Sending(parent.index()));
    system.kernel.interrupt(0);
    system.kernel.set_notifications(first.index(), 1);
    system.kernel.reschedule();
    system.destroy(first, parent);
    assert_eq!(system.act(first, receive()), received(child, MessageInfo::new(kind::PAGE_FAULT, 5)));
    assert_eq!(system.payload(first)[0], 77);
    assert_eq!(system.act(first, reply(child, info(0))), done(0));
}

#[test]
fn a_fault_that_a_dead_pager_had_received_goes_to_the_heir() {
    let (mut system, parent, [child]) = family();
    let first = system.first;
    system.act(parent, receive());
    system.kernel.fault(Fault::Page { address: 78, access: Access::READ });
    assert_eq!(system.outcome(parent), received(child, MessageInfo::new(kind::PAGE_FAULT, 5)));
    destroy_by_first(&mut system, parent);
    assert_eq!(system.act(first, receive()), received(child, MessageInfo::new(kind::PAGE_FAULT, 5)));
    assert_eq!(system.payload(first)[0], 78);
}

#[test]
fn an_exit_that_a_dead_pager_had_received_goes_to_the_heir() {
    let (mut system, parent, [child]) = family();
    let first = system.first;
    system.act(parent, receive());
    system.act(child, exit(5, false));
    destroy_by_first(&mut system, parent);
    assert_eq!(system.act(first, receive()), received(child, MessageInfo::new(kind::EXIT, 5)));
    assert_eq!(system.payload(first)[0], 5);
    system.destroy(first, child);
}

#[test]
fn a_child_that_a_dead_pager_had_half_destroyed_goes_to_the_heir() {
    let (mut system, parent, [child]) = family();
    let first = system.first;
    for _ in 0..3 {
        assert_eq!(system.act(parent, destroy(child)), done(1));
    }
    destroy_by_first(&mut system, parent);
    assert_eq!(
        system.act(first, receive()),
        received(child, MessageInfo::new(kind::EXIT, 5)),
        "it has to be told"
    );
    system.destroy(first, child);
    assert!(!system.lives(child));
}

#[test]
fn irqs_of_the_dead_are_masked_and_free() {
    let (mut system, [one, two]) = System::with([(6, Rights::ALL), (5, Rights::ALL)]);
    let first = system.first;
    system.act(one, irq(IrqOperation::Acquire as usize, 4, 0x100));
    system.act(one, notify(first, 1));
    system.destroy(first, one);
    assert!(!system.kernel.machine.irq_enabled[4]);
    system.act(first, receive());
    assert_eq!(system.act(two, irq(IrqOperation::Acquire as usize, 4, 0x100)), done(0));
}

#[test]
fn the_console_of_a_dead_reader_notifies_nobody() {
    let (mut system, [reader]) = System::with([(6, peer_with(Powers::CONSOLE))]);
    let first = system.first;
    system.act(reader, console(1, BUFFER, 10));
    system.act(reader, notify(first, 1));
    system.destroy(first, reader);
    let next = system.spawn(first, 5, PEER);
    assert_eq!(next.index(), reader.index());
    system.kernel.console_input(b'x');
    assert_eq!(system.kernel.task(next.index()).notifications, 0, "the next in the place did not ask for it");
}

#[test]
fn destroying_a_client_while_its_server_runs_on_its_time_starts_a_new_slice() {
    let (mut system, [server, client, equal]) = System::peers([6, 5, 6]);
    let first = system.first;
    system.act(server, receive());
    system.act(equal, timer(1000));
    system.act(equal, receive());
    system.act(client, call(server, info(40)));
    system.pass(1000);
    assert_eq!(system.running(), Some(server));
    system.act(server, notify(first, 1));
    system.destroy(first, client);
    system.act(first, receive());
    system.pass(crate::DEFAULT_QUANTUM);
    assert_eq!(system.running(), Some(equal), "they still take turns");
}

#[test]
fn places_come_back_ten_thousand_times() {
    let mut system = System::new();
    let first = system.first;
    let parameters = system.parameters(PEER);
    for round in 1..=10_000 {
        system.poke_words(first, BUFFER, &parameters.encode());
        system.kernel.syscall(&task_create(BUFFER));
        let id = TaskId::from_raw(system.outcome(first).unwrap().result.unwrap()).unwrap();
        assert_eq!((id.index().get(), id.generation()), (1, round));
        while system.lives(id) {
            system.kernel.syscall(&destroy(id));
        }
    }
    system.check();
}
