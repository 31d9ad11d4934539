//! Property tests of the bounded tables against simple models.

use abi::TaskIndex;
use ipc::host::{Backend, install, payload, set_payload};
use ipc::{Error, Handle, Handles, MessageInfo, Outbox, TaskId};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

fn task(index: usize) -> TaskId {
    TaskId::new(TaskIndex::new(index), 1).unwrap()
}

#[derive(Clone, Debug)]
enum Operation {
    Insert { owner: usize },
    Remove { owner: usize, which: usize },
    Get { owner: usize, which: usize },
    Transfer { owner: usize, which: usize, new_owner: usize },
    FreeAll { owner: usize },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..3_usize).prop_map(|owner| Operation::Insert { owner }),
        2 => (0..3_usize, 0..32_usize).prop_map(|(owner, which)| Operation::Remove { owner, which }),
        2 => (0..3_usize, 0..32_usize).prop_map(|(owner, which)| Operation::Get { owner, which }),
        1 => (0..3_usize, 0..32_usize, 0..3_usize)
            .prop_map(|(owner, which, new_owner)| Operation::Transfer { owner, which, new_owner }),
        1 => (0..3_usize).prop_map(|owner| Operation::FreeAll { owner }),
    ]
}

proptest! {
    #[test]
    fn handles_behave_as_a_map(operations in prop::collection::vec(operation(), 1..200)) {
        let mut table = Handles::<u32, 6>::new();
        let mut model = BTreeMap::<Handle, (usize, u32)>::new();
        // Every handle that was ever given out, so that stale ones are tried too.
        let mut known = vec![Handle::from_raw(0)];
        let mut next = 0;
        for operation in operations {
            let pick = |which: usize| known[which % known.len()];
            match operation {
                Operation::Insert { owner } => {
                    next += 1;
                    match table.insert(task(owner), next) {
                        Ok(handle) => {
                            prop_assert!(!known.contains(&handle), "a handle was reused");
                            known.push(handle);
                            model.insert(handle, (owner, next));
                        }
                        Err(error) => {
                            prop_assert_eq!(error, Error::TableFull);
                            prop_assert_eq!(model.len(), 6);
                        }
                    }
                }
                Operation::Remove { owner, which } => {
                    let handle = pick(which);
                    let expected = model.get(&handle).filter(|entry| entry.0 == owner).map(|entry| entry.1);
                    prop_assert_eq!(table.remove(task(owner), handle), expected.ok_or(Error::BadHandle));
                    if expected.is_some() {
                        model.remove(&handle);
                    }
                }
                Operation::Get { owner, which } => {
                    let handle = pick(which);
                    let expected = model.get(&handle).filter(|entry| entry.0 == owner).map(|entry| entry.1);
                    prop_assert_eq!(table.get(task(owner), handle).copied(), expected.ok_or(Error::BadHandle));
                    prop_assert_eq!(
                        table.get_mut(task(owner), handle).copied(),
                        expected.ok_or(Error::BadHandle)
                    );
                }
                Operation::Transfer { owner, which, new_owner } => {
                    let handle = pick(which);
                    let expected = model.get(&handle).copied().filter(|entry| entry.0 == owner);
                    match table.transfer(handle, task(owner), task(new_owner)) {
                        Ok(moved) => {
                            prop_assert!(expected.is_some() && !known.contains(&moved));
                            model.remove(&handle);
                            model.insert(moved, (new_owner, expected.unwrap().1));
                            known.push(moved);
                        }
                        Err(error) => {
                            prop_assert_eq!(error, Error::BadHandle);
                            prop_assert!(expected.is_none());
                        }
                    }
                }
                Operation::FreeAll { owner } => {
                    let mut freed = BTreeSet::new();
                    table.free_all(task(owner), |value| { freed.insert(value); });
                    let expected = model.values().filter(|entry| entry.0 == owner).map(|entry| entry.1).collect();
                    prop_assert_eq!(freed, expected);
                    model.retain(|_, entry| entry.0 != owner);
                }
            }
            prop_assert_eq!(table.len(), model.len());
            let all: BTreeMap<_, _> = table.iter().map(|(owner, handle, value)| (handle, (owner, *value))).collect();
            let expected: BTreeMap<_, _> =
                model.iter().map(|(handle, (owner, value))| (*handle, (task(*owner), *value))).collect();
            prop_assert_eq!(all, expected);
        }
    }
}

/// Takes notifications; `ended` tasks are gone.
#[derive(Default)]
struct Notifications {
    ended: RefCell<BTreeSet<TaskId>>,
}

impl Backend for Notifications {
    fn notify(&self, to: TaskId, _: usize) -> Result<(), Error> {
        if self.ended.borrow().contains(&to) { Err(Error::NoTask) } else { Ok(()) }
    }
}

proptest! {
    #[test]
    fn the_outbox_keeps_each_receivers_messages_in_order(
        steps in prop::collection::vec((0..6_usize, any::<bool>(), 0..31_usize), 1..300)
    ) {
        let kernel = Rc::new(Notifications::default());
        let _installed = install(kernel);
        let mut outbox = Outbox::new();
        let mut model = vec![VecDeque::new(); 6];
        for (number, (receiver, send, words)) in steps.into_iter().enumerate() {
            let queued: usize = model.iter().map(VecDeque::len).sum();
            if send {
                set_payload(&[number as u64; 30]);
                let full = queued == Outbox::CAPACITY || model[receiver].len() == Outbox::CAPACITY_PER_RECEIVER;
                let expected = if full { Err(Error::QueueFull) } else { Ok(()) };
                prop_assert_eq!(outbox.send(task(receiver), 50, words), expected);
                if !full {
                    model[receiver].push_back((number as u64, words));
                }
            } else {
                set_payload(&[u64::MAX; 30]);
                let info = outbox.answer(task(receiver));
                match model[receiver].pop_front() {
                    Some((value, words)) => {
                        prop_assert_eq!(info, MessageInfo::new(50, words));
                        prop_assert!(payload()[..words].iter().all(|word| *word == value));
                        prop_assert!(payload()[words..].iter().all(|word| *word == u64::MAX));
                    }
                    None => prop_assert_eq!(info, MessageInfo::error(Error::Empty)),
                }
            }
            prop_assert_eq!(outbox.len(), model.iter().map(VecDeque::len).sum::<usize>());
        }
    }
}

#[test]
fn receivers_that_have_ended_do_not_fill_the_outbox() {
    let kernel = Rc::new(Notifications::default());
    let _installed = install(kernel.clone());
    let mut outbox = Outbox::new();
    for number in 0..Outbox::CAPACITY {
        outbox.send(task(number % 4), 50, 0).unwrap();
    }
    assert_eq!(outbox.send(task(7), 50, 0), Err(Error::QueueFull));
    kernel.ended.borrow_mut().insert(task(2));
    assert_eq!(outbox.send(task(7), 50, 0), Ok(()));
    assert_eq!(outbox.send(task(2), 50, 0), Err(Error::NoTask));
    assert_eq!(outbox.len(), Outbox::CAPACITY - Outbox::CAPACITY_PER_RECEIVER + 1);
}

#[test]
fn a_full_table_of_handles_says_so_and_recovers() {
    let mut table = Handles::<(), 2>::new();
    let first = table.insert(task(1), ()).unwrap();
    table.insert(task(1), ()).unwrap();
    assert_eq!(table.insert(task(1), ()), Err(Error::TableFull));
    table.remove(task(1), first).unwrap();
    assert_ne!(table.insert(task(1), ()), Ok(first), "a stale handle must not come back");
}
