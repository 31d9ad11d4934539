//! task_create: what it takes, what it refuses, and the table's limits.

use abi::{Error, MAX_TASKS, Powers, Range, Rights, ServiceSet, TaskId};

use crate::task::State;
use crate::tests::model::PAGE;
use crate::tests::requests::*;
use crate::tests::system::*;

#[test]
fn a_task_is_created_with_what_was_asked_for() {
    let mut system = System::new();
    let first = system.first;
    let rights = Rights { ports: [Range { start: 0x3f8, end: 0x400 }; 4], ..PEER };
    let parameters = system.parameters(rights);
    let id = system.create(first, &parameters).unwrap();
    assert_eq!((id.index().get(), id.generation()), (1, 1));
    assert_eq!(system.state(id), State::New, "it does not run yet");
    assert_eq!(system.kernel.task(id.index()).pager, Some(first));
    assert_eq!(system.kernel.task(id.index()).rights, rights);
    let place = system.kernel.machine.place(id.index());
    assert_eq!((place.entry, &place.ports[..]), (0x21_0000, &rights.ports[..]));
}

#[test]
fn creating_needs_the_powers_over_tasks_and_frames() {
    for missing in [Powers::CREATE, Powers::MAP] {
        let (mut system, [task]) = System::with([(5, peer_with(Powers(!missing.0)))]);
        assert_eq!(system.act(task, task_create(NOWHERE)), failed(Error::NotPermitted), "{missing:?}");
    }
}

#[test]
fn nobody_gives_rights_that_it_does_not_have() {
    let range = |start, end| [Range { start, end }, Range::default(), Range::default(), Range::default()];
    let (mut system, [task]) = System::with([(
        5,
        Rights {
            powers: Powers::CREATE.union(Powers::MAP),
            may_send: ServiceSet::EMPTY.with(1),
            provides: ServiceSet::EMPTY.with(2),
            irqs: range(4, 6),
            ports: range(0x60, 0x68),
            mmio: range(0x1000, 0x3000),
        },
    )]);
    let own = system.kernel.task(task.index()).rights;
    let wider = [
        Rights { powers: Powers::CONSOLE, ..own },
        Rights { may_send: ServiceSet::EMPTY.with(2), ..own },
        Rights { provides: ServiceSet::EMPTY.with(1), ..own },
        Rights { irqs: range(4, 7), ..own },
        Rights { ports: range(0x5f, 0x61), ..own },
        Rights { mmio: range(0, u64::MAX), ..own },
    ];
    for rights in wider {
        let parameters = system.parameters(rights);
        assert_eq!(system.create(task, &parameters), Err(Error::NotPermitted), "{rights:?}");
    }
    let narrower = Rights { irqs: range(5, 6), powers: Powers(0), ..own };
    for rights in [own, narrower, Rights::NONE] {
        let parameters = system.parameters(rights);
        assert!(system.create(task, &parameters).is_ok(), "{rights:?}");
    }
}

#[test]
fn bad_frames_and_addresses_are_refused_and_cost_no_place() {
    let mut system = System::new();
    let first = system.first;
    let good = system.parameters(PEER);
    let refused = [
        (abi::TaskCreate { root: good.root + 1, ..good }, Error::InvalidArgument),
        (abi::TaskCreate { message: 0, ..good }, Error::InvalidArgument),
        (abi::TaskCreate { entry: u64::MAX, ..good }, Error::InvalidArgument),
        (abi::TaskCreate { message: good.root, ..good }, Error::PageInUse),
    ];
    for (parameters, error) in refused {
        assert_eq!(system.create(first, &parameters), Err(error), "{parameters:?}");
    }
    assert_eq!(system.create(first, &good).map(|id| id.index().get()), Ok(1));
    let again = abi::TaskCreate { root: good.root + 16 * PAGE as u64, ..good };
    assert_eq!(system.create(first, &again), Err(Error::PageInUse), "the message page has an owner");
}

#[test]
fn a_full_table_is_an_error_and_destroying_makes_room() {
    let mut system = System::new();
    let first = system.first;
    let parameters = system.parameters(PEER);
    let mut last = system.create(first, &parameters).unwrap();
    for _ in 2..MAX_TASKS {
        let parameters = system.parameters(PEER);
        last = system.create(first, &parameters).unwrap();
    }
    let parameters = system.parameters(PEER);
    assert_eq!(last.index().get(), MAX_TASKS - 1);
    assert_eq!(system.create(first, &parameters), Err(Error::TableFull));
    system.destroy(first, last);
    let next = system.create(first, &parameters).unwrap();
    assert_eq!(
        (next.index(), next.generation()),
        (last.index(), 2),
        "the place is used again, the ID is not"
    );
}

#[test]
fn a_place_is_retired_after_its_last_generation() {
    let mut system = System::new();
    let first = system.first;
    let task = system.spawn(first, 5, PEER);
    system.destroy(first, task);
    system.kernel.tasks[task.index()].generation = TaskId::LAST_GENERATION - 1;
    let last = system.spawn(first, 5, PEER);
    assert_eq!((last.index(), last.generation()), (task.index(), TaskId::LAST_GENERATION));
    system.destroy(first, last);
    assert_ne!(system.spawn(first, 5, PEER).index(), task.index(), "no ID comes twice");
}

#[test]
fn a_task_that_is_not_started_can_be_told_and_waits() {
    let mut system = System::new();
    let first = system.first;
    let parameters = system.parameters(PEER);
    let task = system.create(first, &parameters).unwrap();
    assert_eq!(system.act(first, notify(task, 0x100)), done(0));
    assert_eq!(system.act(first, send_now(task, info(40))), failed(Error::WouldBlock));
    system.act(first, schedule(task, 5, 0, 0));
    system.act(first, receive());
    assert_eq!(system.act(task, receive()), notified());
}
