//! Handles and objects against a model of who has and pays for what.

extern crate std;
use super::*;
use crate::frames::tests::stock;
use abi::TaskIndex;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::vec::Vec;

fn task(index: usize) -> TaskId {
    TaskId::new(TaskIndex::new(index), 1).unwrap()
}

fn chain(frames: &mut crate::frames::Frames, pages: usize) -> Chain {
    let mut chain = Chain::EMPTY;
    for _ in 0..pages {
        let frame = frames.take_outside(true).unwrap();
        frames.push(&mut chain, frame, 0);
    }
    chain
}

#[test]
fn a_read_only_handle_grants_no_more_than_it_has() {
    let mut frames = stock(&[(0x1000, 0x4000)]);
    let mut shares = Shares::new();
    let mine = shares.create(task(1), &mut chain(&mut frames, 2)).unwrap();
    let theirs = shares.grant(task(1), mine, task(2), false, u64::MAX).unwrap();
    assert!(!shares.get(task(2), theirs).unwrap().writable);
    assert_eq!(shares.grant(task(2), theirs, task(3), true, u64::MAX), Err(Error::NotPermitted));
    assert_eq!(shares.get(task(3), theirs), Err(Error::BadHandle));
    assert_eq!(shares.close(task(1), mine).unwrap().frames, Chain::EMPTY, "the other handle keeps it");
    assert_eq!(shares.close(task(1), mine), Err(Error::BadHandle));
    assert_eq!(shares.close(task(2), theirs).unwrap().frames.count(), 2);
}

#[test]
fn tables_are_bounded_for_each_task() {
    let mut frames = stock(&[(0x1000, 0x10_0000)]);
    let mut shares = Shares::new();
    for _ in 0..MAX_HANDLES_PER_TASK {
        shares.create(task(1), &mut chain(&mut frames, 1)).unwrap();
    }
    let mut one_more = chain(&mut frames, 1);
    assert_eq!(shares.create(task(1), &mut one_more), Err(Error::TableFull));
    assert_eq!(one_more.count(), 1, "a refused chain stays the caller's");
    assert!(shares.create(task(2), &mut one_more).is_ok());
}

proptest! {
    /// Mappings never overlap, frames come back exactly once, and handles are never somebody else's.
    #[test]
    fn objects_live_as_long_as_their_handles(
        steps in proptest::collection::vec((0..5u8, 0..4usize, 0..4usize, 1..4usize), 1..150)
    ) {
        let mut frames = stock(&[(0x1000, 0x40_0000)]);
        let total = frames.free();
        let mut shares = Shares::new();
        // Handle -> (owner, object number, pages, address)
        let mut model: BTreeMap<Handle, (TaskId, usize, usize, u64)> = BTreeMap::new();
        // Handle -> who pays for it
        let mut payers: BTreeMap<Handle, TaskId> = BTreeMap::new();
        for (number, (action, first, second, pages)) in steps.into_iter().enumerate() {
            let (a, b) = (task(first), task(second));
            let own = model.iter().find(|entry| entry.1.0 == a).map(|entry| (*entry.0, *entry.1));
            match (action, own) {
                (0, _) => {
                    let handle = shares.create(a, &mut chain(&mut frames, pages)).unwrap();
                    prop_assert!(model.insert(handle, (a, number, pages, 0)).is_none());
                    payers.insert(handle, a);
                }
                (1, Some((handle, (_, object, pages, _)))) => {
                    let new = shares.grant(a, handle, b, true, u64::MAX).unwrap();
                    prop_assert!(model.insert(new, (b, object, pages, 0)).is_none());
                    payers.insert(new, a);
                }
                (2, Some((handle, (_, _, pages, 0)))) => {
                    shares.accept(a, handle, u64::MAX).unwrap();
                    payers.insert(handle, a);
                    let address = shares.free_address(a, pages as u32);
                    let end = address + pages as u64 * PAGE;
                    for &(_, _, other, start) in model.values().filter(|entry| entry.0 == a && entry.3 != 0) {
                        prop_assert!(end <= start || start + other as u64 * PAGE <= address);
                    }
                    shares.set_address(a, handle, address).unwrap();
                    model.get_mut(&handle).unwrap().3 = address;
                }
                (3, Some((handle, (_, object, pages, address)))) => {
                    model.remove(&handle);
                    let mut closed = shares.close(a, handle).unwrap();
                    let last = model.values().all(|entry| entry.1 != object);
                    let expected = if last { pages } else { 0 };
                    prop_assert_eq!((closed.address, closed.frames.count() as usize), (address, expected));
                    frames.give_back_chain(&mut closed.frames, false);
                }
                (4, _) => {
                    while let Some(mut closed) = shares.close_any(a) {
                        frames.give_back_chain(&mut closed.frames, false);
                    }
                    model.retain(|handle, entry| entry.0 != a && payers[handle] != a);
                }
                _ => {}
            }
            let mut objects: Vec<(usize, usize)> = model.values().map(|entry| (entry.1, entry.2)).collect();
            objects.sort();
            objects.dedup();
            let used: usize = objects.iter().map(|object| object.1).sum();
            prop_assert_eq!(frames.free() as usize + used, total as usize);
            prop_assert_eq!(shares.frames() as usize, used);
            for index in 0..4 {
                let paid = model.iter().filter(|entry| payers[entry.0] == task(index));
                let objects: BTreeMap<usize, usize> = paid.map(|(_, entry)| (entry.1, entry.2)).collect();
                let sum = objects.values().sum::<usize>() as u64;
                prop_assert_eq!(shares.check(task(index), 1, sum + 1), Ok(()));
                prop_assert_eq!(shares.check(task(index), 1, sum), Err(Error::TooLarge));
            }
            for (handle, entry) in &model {
                prop_assert_eq!(shares.get(entry.0, *handle).map(|share| share.pages as usize), Ok(entry.2));
            }
        }
    }
}
