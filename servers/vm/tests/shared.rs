//! Shared memory and services, through the interface where memory is lent.

mod support;

use abi::{Access, Error, MapFlags, TaskId};
use interfaces::vm::{Client, Server};
use ipc::Handle;
use ipc::host::{Backend, Loopback};
use manifest::Manifest;
use std::cell::RefCell;
use std::rc::Rc;
use support::model::PAGE;
use support::{System, launcher};
use vm::kernel::Kernel;
use vm::shares::FIRST_ADDRESS;

fn system() -> System {
    System::new(400, &[("a", Manifest::default()), ("b", Manifest::default())])
}

#[test]
fn what_one_writes_the_other_reads() {
    let mut system = system();
    let (a, b) = (system.run("a").unwrap(), system.run("b").unwrap());
    let share = system.share_create(a, 5000).unwrap();
    let mapped = system.share_map(a, share, true).unwrap();
    assert_eq!((mapped.address, mapped.size), (0x10_0000_0000, 8192));
    let theirs = system.share_grant(a, share, b, false).unwrap();
    assert_eq!(system.share_map(b, theirs, true), Err(Error::NotPermitted));
    assert_eq!(system.share_map(b, share, false), Err(Error::BadHandle));
    let there = system.share_map(b, theirs, false).unwrap();
    assert_eq!(system.share_map(b, theirs, false), Err(Error::AlreadyExists));
    let model = system.model.clone();
    assert_eq!(model.byte(b, there.address as u64 + 4999), Some(0));
    model.poke(a, mapped.address as u64 + 4999, &[9]);
    assert_eq!(model.byte(b, there.address as u64 + 4999), Some(9));
    assert_eq!(model.flags(b, there.address as u64), Some(MapFlags::READ));
}

#[test]
fn memory_lives_until_its_last_handle() {
    let mut system = system();
    let (a, b) = (system.run("a").unwrap(), system.run("b").unwrap());
    let free = system.memory.free();
    let share = system.share_create(a, 1 << 20).unwrap();
    assert_eq!(system.memory.free(), free - 256);
    let theirs = system.share_grant(a, share, b, true).unwrap();
    system.share_map(a, share, true).unwrap();
    let there = system.share_map(b, theirs, true).unwrap().address as u64;
    assert!(!system.touch(a, 0, Access::READ), "the owner dies");
    let model = system.model.clone();
    model.poke(b, there, &[1]);
    system.share_close(b, theirs).unwrap();
    assert_eq!(model.byte(b, there), None);
    assert_eq!(system.share_close(b, theirs), Err(Error::BadHandle));
    assert!(!system.touch(b, 0, Access::READ));
    assert_eq!(system.model.0.borrow().tasks.len(), 1);
    let all = System::new(400, &[("a", Manifest::default()), ("b", Manifest::default())]).memory.free();
    assert_eq!(system.memory.free(), all);
}

#[test]
fn objects_that_cannot_be_are_refused() {
    let large = Manifest { shared: 64 << 20, ..Manifest::default() };
    let mut system = System::new(400, &[("a", large)]);
    let (a, stranger) = (system.run("a").unwrap(), system.own);
    let free = system.memory.free();
    assert_eq!(system.share_create(a, 0), Err(Error::InvalidArgument));
    assert_eq!(system.share_create(a, usize::MAX), Err(Error::TooLarge));
    assert_eq!(system.share_create(a, 16 << 20), Err(Error::OutOfMemory));
    assert_eq!(system.share_create(stranger, 1), Err(Error::NotPermitted));
    assert_eq!(system.memory.free(), free);
}

#[test]
fn shared_memory_is_limited_by_the_manifest() {
    let manifest = Manifest { shared: 4 * 4096, ..Manifest::default() };
    let mut system = System::new(400, &[("a", manifest.clone()), ("b", manifest)]);
    let (a, b) = (system.run("a").unwrap(), system.run("b").unwrap());
    assert_eq!(system.share_create(a, 4 * 4096 + 1), Err(Error::TooLarge));
    let share = system.share_create(a, 3 * 4096).unwrap();
    assert_eq!(system.share_create(a, 2 * 4096), Err(Error::TooLarge), "what it has counts too");
    let theirs = system.share_grant(a, share, b, true).unwrap();
    system.share_close(a, share).unwrap();
    assert_eq!(system.share_create(a, 2 * 4096), Err(Error::TooLarge), "it pays until b has accepted");
    let own = system.share_create(b, 2 * 4096).unwrap();
    assert_eq!(system.share_map(b, theirs, true), Err(Error::TooLarge));
    system.share_close(b, own).unwrap();
    system.share_map(b, theirs, true).unwrap();
    assert_eq!(system.share_create(b, 2 * 4096), Err(Error::TooLarge), "now b pays");
    let last = system.share_create(a, 4 * 4096).unwrap();
    system.share_close(a, last).unwrap();
    system.share_close(b, theirs).unwrap();
    assert_eq!(system.state.shares.frames(), 0);
}

#[test]
fn nobody_fills_the_handle_places_of_another() {
    let mut system = system();
    let (a, victim) = (system.run("a").unwrap(), system.run("b").unwrap());
    let mut granted = Vec::new();
    let refused = loop {
        let own = system.share_create(a, 4096).unwrap();
        match system.share_grant(a, own, victim, true) {
            Ok(handle) => granted.push(handle),
            Err(error) => break error,
        }
        system.share_close(a, own).unwrap();
    };
    assert_eq!((refused, granted.len()), (Error::TableFull, 63), "they fill the granter's own places");
    let own: Vec<_> = (0..64).map(|_| system.share_create(victim, 4096).unwrap()).collect();
    assert_eq!(system.share_map(victim, granted[0], true), Err(Error::TableFull));
    system.share_close(victim, own[0]).unwrap();
    system.share_map(victim, granted[0], true).unwrap();
    assert_eq!(system.share_close(a, granted[0]), Err(Error::BadHandle), "it is accepted");
    assert_eq!(system.share_close(a, granted[1]), Ok(()), "it is not: the granter takes it back");
    assert!(!system.touch(a, 0, Access::READ), "the granter dies");
    assert_eq!(system.share_map(victim, granted[2], true), Err(Error::BadHandle));
    assert_eq!(system.state.shares.frames(), 64, "only what the victim pays for is left");
}

#[test]
fn a_mapping_that_fails_halfway_leaves_nothing() {
    let mut system = System::new(64, &[("a", Manifest::default())]);
    let a = system.run("a").unwrap();
    let mut handles = Vec::new();
    while let Ok(handle) = system.share_create(a, 4096) {
        handles.push(handle);
    }
    assert_eq!(system.share_map(a, handles[0], true), Err(Error::OutOfMemory));
    system.share_close(a, handles.pop().unwrap()).unwrap();
    system.share_close(a, handles.pop().unwrap()).unwrap();
    let mapped = system.share_map(a, handles[0], true).map(|mapped| mapped.address);
    assert_eq!(mapped, Ok(0x10_0000_0000));
}

/// The frames of an object, in order.
fn frames(system: &System, task: TaskId, handle: Handle) -> Vec<u64> {
    let first = system.state.shares.get(task, handle).unwrap().first;
    let chain = std::iter::successors(first, |frame| system.memory.next(*frame));
    chain.map(|frame| system.memory.address(frame)).collect()
}

/// Whether exactly these frames are mapped one after the other.
fn is_mapped(system: &System, task: TaskId, address: u64, frames: &[u64]) -> bool {
    let at = |page: usize| system.model.frame(task, address + page as u64 * PAGE);
    (0..frames.len()).all(|page| at(page) == Some(frames[page])) && at(frames.len()).is_none()
}

#[test]
fn frames_are_mapped_in_the_order_of_their_object() {
    let large = Manifest { shared: 16 << 20, ..Manifest::default() };
    let mut system = System::new(1500, &[("a", large)]);
    let a = system.run("a").unwrap();
    let single: Vec<_> = (0..40).map(|_| system.share_create(a, 1).unwrap()).collect();
    // Frames that came back are in another order; and an object needs more than one page table.
    for step in [3, 2, 1] {
        for handle in single.iter().step_by(step) {
            // Some are closed already.
            let _ = system.share_close(a, *handle);
        }
    }
    let pages = 1100 * PAGE as usize;
    let share = system.share_create(a, pages).unwrap();
    let chain = frames(&system, a, share);
    let in_row = |pair: &&[u64]| pair[1] == pair[0] + PAGE;
    let jumps = chain.windows(2).filter(|pair| !in_row(pair)).count();
    assert!((10..1000).contains(&jumps), "there are runs of all lengths: {jumps}");
    let mapped = system.share_map(a, share, true).unwrap();
    assert_eq!((mapped.address as u64, mapped.size), (FIRST_ADDRESS, pages));
    assert!(is_mapped(&system, a, FIRST_ADDRESS, &chain));
    system.share_close(a, share).unwrap();
    assert!(is_mapped(&system, a, FIRST_ADDRESS, &[]));
}

#[test]
fn a_mapping_that_ends_within_a_run_leaves_only_what_was_in_the_way() {
    let mut system = system();
    let a = system.run("a").unwrap();
    let share = system.share_create(a, 100 * PAGE as usize).unwrap();
    system.share_map(a, share, true).unwrap();
    let chain = frames(&system, a, share);
    let mut model = system.model.clone();
    // Who has the power over memory can change its own.
    let last = chain.len() as u64 - 1;
    let away = FIRST_ADDRESS + last * PAGE;
    let again = system.share_grant(a, share, a, false).unwrap();
    let second = FIRST_ADDRESS + (last + 2) * PAGE;
    for in_the_way in [3, 64, 99] {
        let place = second + in_the_way * PAGE;
        model.unmap(a, away).unwrap();
        model.map(a, place, chain[chain.len() - 1], MapFlags::READ, 0).unwrap();
        assert_eq!(system.share_map(a, again, false), Err(Error::AlreadyExists));
        let mapped = (0..200).filter(|page| model.frame(a, second + page * PAGE).is_some());
        assert_eq!(mapped.collect::<Vec<_>>(), [in_the_way]);
        model.unmap(a, place).unwrap();
        model.map(a, away, chain[chain.len() - 1], MapFlags::WRITE, 0).unwrap();
    }
    assert_eq!(system.share_map(a, again, false).unwrap().address as u64, second);
    assert!(is_mapped(&system, a, second, &chain));
}

#[test]
fn a_mapping_that_lacks_its_second_table_leaves_nothing() {
    let large = Manifest { shared: 16 << 20, ..Manifest::default() };
    let mut system = System::new(600, &[("a", large)]);
    let a = system.run("a").unwrap();
    let share = system.share_create(a, 550 * PAGE as usize).unwrap();
    let mut rest = Vec::new();
    while let Ok(handle) = system.share_create(a, 1) {
        rest.push(handle);
    }
    // Each try has a frame more, which becomes a table: with all but the last one the first pages are mapped.
    let mut tries = 0;
    while let Err(error) = system.share_map(a, share, true) {
        assert_eq!(error, Error::OutOfMemory);
        assert!((0..550).all(|page| system.model.frame(a, FIRST_ADDRESS + page * PAGE).is_none()));
        system.share_close(a, rest.pop().unwrap()).unwrap();
        tries += 1;
    }
    assert!(tries > 1, "it has two tables, and three with the one above them");
    let chain = frames(&system, a, share);
    assert!(is_mapped(&system, a, FIRST_ADDRESS, &chain));
}

/// A system behind the loopback kernel, so that its generated client can be used.
fn served(system: System) -> (Rc<Loopback>, Rc<RefCell<System>>, Client) {
    let loopback = Loopback::new();
    let own = system.own;
    let system = Rc::new(RefCell::new(system));
    loopback.serve(own, Rc::clone(&system), |system, message| vm::events::dispatch(&mut system.vm, message));
    (loopback, system, Client::new(own))
}

#[test]
fn names_and_programs_can_be_asked_for() {
    let mut system = System::new(100, &[("zebra", launcher()), ("ant", Manifest::default())]);
    let ant = system.run("ant").unwrap();
    let own = system.own;
    let (loopback, _system, client) = served(system);
    let _installed = ipc::host::install(Rc::clone(&loopback) as Rc<dyn Backend>);
    let mut buffer = [0; 64];
    assert_eq!(client.task_name(ant, &mut buffer), Ok("ant"));
    assert_eq!(client.task_name(own, &mut buffer), Ok("vm"));
    assert_eq!(client.task_name(ant, &mut [0; 2]), Err(Error::TooLarge));
    let mut description = [0; 120];
    assert_eq!(client.program(1, &mut buffer, &mut description).map(|program| program.name), Ok("zebra"));
    assert_eq!(client.program(2, &mut buffer, &mut description), Err(Error::NotFound));
    let memory = client.memory().unwrap();
    assert_eq!(memory.total, 100 * 4096);
    assert_eq!(memory.free + memory.used + memory.tables + memory.shared + memory.vm, memory.total);
}

#[test]
fn a_short_message_of_a_kernel_type_is_not_filled_from_another_client() {
    let mut system = system();
    let a = system.run("a").unwrap();
    let mut send = |sender, info| {
        for word in 0..5 {
            ipc::set_payload_word(word, 0xdead_0000);
        }
        vm::events::dispatch(&mut system.vm, &ipc::Incoming { sender, info })
    };
    let kinds = [abi::kind::PAGE_FAULT, abi::kind::EXCEPTION, abi::kind::EXIT, abi::kind::QUANTUM];
    for kind in kinds {
        for words in [0, 1, 4, 6] {
            assert_eq!(send(a, ipc::MessageInfo::new(kind, words)), ipc::Answer::Unknown, "{kind}, {words}");
        }
        let lends = ipc::MessageInfo::new(kind, 5).with_lends(1, 0);
        assert_eq!(send(a, lends), ipc::Answer::Unknown, "{kind} with a lend");
        let stranger = abi::TaskId::new(abi::TaskIndex::new(40), 1).unwrap();
        let full = ipc::MessageInfo::new(kind, 5);
        assert_eq!(send(stranger, full), ipc::Answer::Unknown, "{kind} from another pager's task");
    }
    assert_eq!(send(a, ipc::MessageInfo::new(abi::kind::EXIT, 5)), ipc::Answer::Nothing);
    assert!(system.state.tasks.get(a).is_none(), "the kernel itself is believed");
}

#[test]
fn messages_that_are_nothing_are_refused() {
    let mut system = system();
    let a = system.run("a").unwrap();
    let free = system.memory.free();
    for kind in 0..80 {
        for (words, lends) in [(0, 0), (30, 0), (1, 1), (2, 4)] {
            let info = ipc::MessageInfo::new(kind, words).with_lends(lends, 0xf);
            ipc::set_payload_word(0, u64::MAX);
            let _ = vm::events::dispatch(&mut system.vm, &ipc::Incoming { sender: a, info });
        }
    }
    assert_eq!(system.memory.free(), free);
    assert_eq!(system.state.tasks.iter().count(), 1);
}
