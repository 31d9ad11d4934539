//! inspect and the log.

extern crate std;

use std::vec::Vec;

use abi::{
    COUNTED_TASKS, Error, InspectOperation, MAX_CONSOLE, MAX_TASKS, Powers, TaskId, TaskInfo, TaskState,
};

use crate::tests::model::Outcome;
use crate::tests::requests::*;
use crate::tests::system::*;

const TASK: usize = InspectOperation::Task as usize;
const LOG: usize = InspectOperation::Log as usize;
const HALT: usize = InspectOperation::Halt as usize;
const MESSAGES: usize = InspectOperation::Messages as usize;

#[test]
fn inspectors_see_what_a_task_does() {
    let (mut system, [client, inspector]) = System::with([(9, PEER), (5, peer_with(Powers::INSPECT))]);
    system.act(client, call(inspector, info(40)));
    system.act(inspector, notify(client, 0x100));
    assert_eq!(system.act(inspector, inspect(TASK, client.index().get(), BUFFER, 0)), done(0));
    let bytes = system.peek(inspector, TaskInfo::WORDS * 8);
    let mut words = [0; TaskInfo::WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap());
    }
    let seen = TaskInfo::decode(&words).unwrap();
    assert_eq!((seen.id, seen.state, seen.peer), (client, TaskState::Sending, Some(inspector)));
    assert_eq!((seen.pager, seen.priority, seen.notifications), (Some(system.first), 9, 0x100));
    assert_eq!(system.kernel.task_info(inspector.index()).unwrap().senders, 1);
}

#[test]
fn inspecting_needs_the_power_and_a_place_with_a_task() {
    let (mut system, [weak, inspector]) =
        System::with([(6, peer_with(Powers(!Powers::INSPECT.0))), (5, peer_with(Powers::INSPECT))]);
    for operation in [TASK, LOG, MESSAGES, 4, usize::MAX] {
        assert_eq!(system.act(weak, inspect(operation, 0, BUFFER, 1)), failed(Error::NotPermitted));
    }
    system.act(weak, receive());
    assert_eq!(system.act(inspector, inspect(TASK, 77, BUFFER, 0)), failed(Error::NoTask));
    for place in [MAX_TASKS, usize::MAX] {
        assert_eq!(system.act(inspector, inspect(TASK, place, BUFFER, 0)), failed(Error::InvalidArgument));
    }
    assert_eq!(system.act(inspector, inspect(4, 0, BUFFER, 0)), failed(Error::InvalidArgument));
}

/// What `receiver` has received from each task, as `inspector` sees it.
fn received(system: &mut System, inspector: TaskId, receiver: TaskId) -> Vec<u32> {
    let request = inspect(MESSAGES, receiver.index().get(), BUFFER, 0);
    assert_eq!(system.act(inspector, request), done(0));
    let bytes = system.peek(inspector, COUNTED_TASKS * 4);
    bytes.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn messages_are_counted_by_pair_until_one_of_it_ends() {
    let (mut system, [server, client, inspector]) =
        System::with([(9, PEER), (8, PEER), (5, peer_with(Powers::INSPECT))]);
    for _ in 0..3 {
        system.act(server, receive());
        system.act(client, call(server, info(40)));
        system.act(server, reply(client, info(41)));
    }
    system.act(server, receive());
    system.act(client, send(server, info(42)));
    system.act(server, receive());
    system.act(client, notify(server, 0x100));
    system.act(server, receive());
    system.act(client, receive());
    let [from_client, from_server] = [client, server].map(|task| task.index().get());
    let first = system.first;
    let at_server = received(&mut system, inspector, server);
    assert_eq!((at_server[from_client], at_server.iter().sum::<u32>()), (4, 4), "notifications do not count");
    let at_client = received(&mut system, inspector, client);
    assert_eq!((at_client[from_server], at_client.iter().sum::<u32>()), (3, 3));
    system.act(inspector, notify(first, 1));
    system.destroy(first, client);
    system.act(first, receive());
    assert_eq!(
        received(&mut system, inspector, server)[from_client],
        0,
        "who lives there next has sent nothing"
    );
    assert_eq!(received(&mut system, inspector, client), [0; COUNTED_TASKS]);
    for place in [COUNTED_TASKS, usize::MAX] {
        assert_eq!(
            system.act(inspector, inspect(MESSAGES, place, BUFFER, 0)),
            failed(Error::InvalidArgument)
        );
    }
}

#[test]
fn the_log_has_what_was_written_to_the_console() {
    let (mut system, [task]) = System::with([(5, peer_with(Powers::INSPECT))]);
    system.poke(task, BUFFER, b"some text");
    system.act(task, console(0, BUFFER, 9));
    let outcome = system.act(task, inspect(LOG, 5, BUFFER + 100, 99));
    assert_eq!(
        outcome,
        Some(Outcome { result: Ok(4), sender: None, info: 9 }),
        "the rest, and where it ends"
    );
    assert_eq!(&system.peek(task, 104)[100..], b"text");
    for _ in 0..100 {
        system.act(task, console(0, CONSTANTS, 256));
    }
    let outcome = system.act(task, inspect(LOG, 0, BUFFER, usize::MAX));
    let oldest = 9 + 100 * 256 - 16 * 1024;
    let expected = Outcome { result: Ok(MAX_CONSOLE), sender: None, info: oldest + MAX_CONSOLE };
    assert_eq!(outcome, Some(expected), "what was overwritten is skipped");
}

#[test]
fn halting_needs_the_power() {
    let (mut system, [weak, strong]) =
        System::with([(6, peer_with(Powers(!Powers::POWER.0))), (5, peer_with(Powers::POWER))]);
    assert_eq!(system.act(weak, inspect(HALT, 7, 0, 0)), failed(Error::NotPermitted));
    assert_eq!(system.kernel.machine.halted, None);
    system.act(weak, receive());
    system.act(strong, inspect(HALT, 7, 0, 0));
    assert_eq!(system.kernel.machine.halted, Some(7));
}
