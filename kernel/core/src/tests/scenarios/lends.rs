//! lend_copy: who may access what, until when, and who is blamed.

use abi::{Access, Error, Lend, LendSelector, MAX_COPY, MessageInfo, TaskId, kind};

use crate::machine::Request;
use crate::tests::requests::*;
use crate::tests::system::*;

const READ: usize = LendSelector { index: 0, write: false }.raw();
const WRITE: usize = LendSelector { index: 1, write: true }.raw();

/// A client whose call, received by the server, lends 16 bytes to read and 16 to write.
fn lent() -> (System, TaskId, TaskId) {
    lent_at(BUFFER as u64, BUFFER as u64 + 16)
}

fn lent_at(readable: u64, writable: u64) -> (System, TaskId, TaskId) {
    let (mut system, [server, client]) = System::peers([6, 5]);
    system.poke(client, BUFFER, b"what was lent...................");
    let lends = [readable, writable].map(|address| Lend { address, length: 16 });
    system.kernel.machine.place(client.index()).lends[..2].copy_from_slice(&lends);
    system.act(server, receive());
    system.act(client, call(server, MessageInfo::new(40, 0).with_lends(2, 0b10)));
    (system, server, client)
}

#[test]
fn the_server_reads_what_was_lent() {
    let (mut system, server, client) = lent();
    assert_eq!(system.act(server, lend_copy(client, READ, 5, BUFFER, 8)), done(8));
    assert_eq!(system.peek(server, 8), b"was lent");
}

#[test]
fn the_server_writes_what_was_lent_to_be_written() {
    let (mut system, server, client) = lent();
    system.poke(server, BUFFER, b"answer");
    assert_eq!(system.act(server, lend_copy(client, WRITE, 10, BUFFER, 6)), done(6));
    assert_eq!(&system.peek(client, 32)[26..], b"answer");
}

#[test]
fn a_lend_has_bounds() {
    let (mut system, server, client) = lent();
    for (offset, length) in [(0, 17), (16, 1), (17, 0), (usize::MAX, 1), (usize::MAX, 0), (1, 16)] {
        let outcome = system.act(server, lend_copy(client, READ, offset, BUFFER, length));
        assert_eq!(outcome, failed(Error::OutOfBounds), "{offset} {length}");
    }
    assert_eq!(system.act(server, lend_copy(client, READ, 16, BUFFER, 0)), done(0), "nothing, at the end");
}

#[test]
fn a_selector_must_name_a_lend() {
    let (mut system, server, client) = lent();
    for selector in [2, 3, 4, 0x102, 0x200, usize::MAX] {
        let outcome = system.act(server, lend_copy(client, selector, 0, BUFFER, 1));
        assert_eq!(outcome, failed(Error::InvalidArgument), "{selector:#x}");
    }
    let long = lend_copy(client, READ, 0, BUFFER, MAX_COPY + 1);
    assert_eq!(system.act(server, long), failed(Error::InvalidArgument), "too long");
}

#[test]
fn what_was_lent_to_be_read_is_not_written() {
    let (mut system, server, client) = lent();
    let write = LendSelector { index: 0, write: true }.raw();
    assert_eq!(system.act(server, lend_copy(client, write, 0, BUFFER, 1)), failed(Error::NotPermitted));
    assert_eq!(system.peek(client, 4), b"what");
}

#[test]
fn a_lend_that_is_not_the_lenders_memory_is_bad() {
    for (readable, writable) in [(NOWHERE, CONSTANTS), (usize::MAX - 3, usize::MAX)] {
        let (mut system, server, client) = lent_at(readable as u64, writable as u64);
        for selector in [READ, WRITE] {
            let outcome = system.act(server, lend_copy(client, selector, 8, BUFFER, 8));
            assert_eq!(outcome, failed(Error::BadLend), "{readable:#x} {selector:#x}");
        }
    }
}

#[test]
fn the_servers_own_missing_memory_is_paged_in_and_the_copy_repeated() {
    let (mut system, server, client) = lent();
    let first = system.first;
    for (selector, access) in [(READ, Access::WRITE), (WRITE, Access::READ)] {
        let request: Request = lend_copy(client, selector, 0, NOWHERE, 4);
        assert_eq!(system.act(server, request), None);
        assert_eq!(system.outcome(first), received(server, MessageInfo::new(kind::PAGE_FAULT, 5)));
        assert_eq!(&system.payload(first)[..2], &[NOWHERE as u64, access.0]);
        assert_eq!(system.kernel.machine.place(server.index()).repeat, Some(request));
        assert_eq!(system.act(first, reply_receive(server, info(0))), None);
        assert_eq!(system.running(), Some(server), "it makes the call again");
    }
}

#[test]
fn nobody_else_can_use_a_lend() {
    let (mut system, server, client) = lent();
    let first = system.first;
    system.act(server, notify(first, 1));
    assert_eq!(system.act(first, lend_copy(client, READ, 0, BUFFER, 1)), failed(Error::NotWaiting));
}

#[test]
fn a_lend_ends_with_the_reply() {
    let (mut system, server, client) = lent();
    system.act(server, reply(client, info(41)));
    assert_eq!(system.act(server, lend_copy(client, READ, 0, BUFFER, 1)), failed(Error::NotWaiting));
}

#[test]
fn a_lend_begins_when_the_call_is_received() {
    let (mut system, [client, server]) = System::peers([6, 5]);
    system.act(client, call(server, MessageInfo::new(40, 0).with_lends(1, 0)));
    assert_eq!(system.act(server, lend_copy(client, READ, 0, BUFFER, 0)), failed(Error::NotWaiting));
    system.act(server, receive());
    assert_eq!(system.act(server, lend_copy(client, READ, 0, BUFFER, 0)), done(0));
}

#[test]
fn a_lend_ends_with_the_lender() {
    let (mut system, server, client) = lent();
    let first = system.first;
    system.act(server, notify(first, 1));
    system.act(first, destroy(client));
    system.act(first, receive());
    assert_eq!(
        system.act(server, lend_copy(client, READ, 0, BUFFER, 1)),
        failed(Error::NotWaiting),
        "it is dying"
    );
    system.act(server, notify(first, 1));
    system.destroy(first, client);
    system.act(first, receive());
    assert_eq!(
        system.act(server, lend_copy(client, READ, 0, BUFFER, 1)),
        failed(Error::NoTask),
        "it is dead"
    );
}

#[test]
fn a_fault_lends_nothing() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, exit(0, false));
    assert_eq!(system.act(first, lend_copy(task, READ, 0, BUFFER, 1)), failed(Error::NotWaiting));
}
