//! Both sides of the rings together, and each with another side that writes anything.

use blocks::{Broken, Driver, Operation, PAGE, REQUESTS, Request, User, size};
use ipc::{Error, Region};
use proptest::prelude::*;
use std::collections::BTreeMap;

const PAGES: u16 = 30;

fn sides() -> (User, Driver, Region) {
    let memory = Region::leak(size(PAGES));
    let driver = Driver::new(memory, PAGES).unwrap();
    (User::new(memory).unwrap(), driver, memory)
}

fn read(sector: u64, sectors: u16, pages: &[u16]) -> Request<'_> {
    Request { operation: Operation::Read, sector, sectors, pages }
}

#[test]
fn requests_that_contradict_themselves_are_not_made() {
    let (mut user, mut driver, _) = sides();
    let many = [0; 25];
    let flush =
        |sector, sectors, pages| Request { operation: Operation::Flush, ..read(sector, sectors, pages) };
    let bad = [read(0, 0, &[]), read(0, 8, &[]), read(0, 9, &[1]), read(0, 8, &[1, 2]), read(0, 1, &[PAGES])];
    let flushes = [flush(0, 1, &[1]), flush(0, 0, &[1]), flush(1, 0, &[])];
    for request in bad.into_iter().chain(flushes).chain([read(0, 193, &many)]) {
        assert_eq!(user.submit(0, &request), Err(Error::InvalidArgument), "{request:?}");
    }
    assert_eq!(user.submit(REQUESTS as u16, &read(0, 1, &[1])), Err(Error::InvalidArgument));
    assert_eq!(driver.take(), Ok(None));
    assert!(!user.is_waiting());
    user.submit(5, &read(u64::MAX, 9, &[29, 0])).unwrap();
    assert_eq!(user.submit(5, &read(0, 1, &[1])), Err(Error::InvalidArgument), "the tag is in use");
    let taken = driver.take().unwrap().unwrap();
    assert_eq!((taken.tag, taken.sector, taken.sectors, taken.pages()), (5, u64::MAX, 9, &[29, 0][..]));
}

#[test]
fn memory_that_is_too_small_is_refused() {
    let memory = Region::leak(size(1) - 1);
    assert!(Driver::new(memory, 1).is_err() && User::new(memory).is_err());
    let (mut user, ..) = sides();
    assert_eq!(user.attached_again(Region::leak(size(PAGES - 1))), Err(Broken));
    assert!(user.page(PAGES).is_empty());
}

#[test]
fn a_tag_that_is_in_use_is_not_taken_again() {
    let (mut user, mut driver, memory) = sides();
    user.submit(5, &read(0, 1, &[1])).unwrap();
    let mut request = [0; 64];
    memory.read(4096, &mut request).unwrap();
    memory.write(4096 + 64, &request).unwrap();
    memory.store(0, 2).unwrap();
    assert_eq!(driver.take().unwrap().map(|taken| taken.tag), Some(5));
    assert_eq!(driver.take(), Err(Broken));
}

#[test]
fn a_sleeping_driver_is_woken_once() {
    let (mut user, driver, _) = sides();
    assert_eq!(user.must_wake(), Ok(false));
    assert_eq!(driver.sleep(), Ok(true));
    user.submit(0, &read(0, 1, &[1])).unwrap();
    assert_eq!((user.must_wake(), user.must_wake()), (Ok(true), Ok(false)));
    assert_eq!(driver.sleep(), Ok(false), "there is a request");
}

#[test]
fn other_memory_gets_the_data_of_the_old() {
    let (mut user, ..) = sides();
    for page in 0..PAGES {
        user.page(page).write(0, &[page as u8 + 1; PAGE]).unwrap();
    }
    let other = Region::leak(size(PAGES));
    let _driver = Driver::new(other, PAGES).unwrap();
    user.attached_again(other).unwrap();
    for page in 0..PAGES {
        let mut bytes = [0; PAGE];
        user.page(page).read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [page as u8 + 1; PAGE]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order, every request is answered once and with its own result; a new driver gets what is left.
    #[test]
    fn every_request_is_answered_once(steps in prop::collection::vec((0..4_u8, any::<u16>()), 0..400)) {
        let (mut user, mut driver, memory) = sides();
        let (mut held, mut open) = (Vec::new(), BTreeMap::new());
        for (step, number) in steps {
            let tag = number % REQUESTS as u16;
            match step {
                0 => {
                    let made = user.submit(tag, &read(number.into(), 8, &[number % PAGES]));
                    prop_assert_eq!(made.is_ok(), !open.contains_key(&tag));
                    open.entry(tag).or_insert(number);
                }
                1 => if let Some(taken) = driver.take().unwrap() {
                    let number = open.get(&taken.tag).copied();
                    prop_assert_eq!(Some(taken.sector), number.map(u64::from));
                    prop_assert_eq!(taken.pages(), &[number.unwrap() % PAGES]);
                    held.push(taken.tag);
                },
                2 if !held.is_empty() => {
                    let tag = held.swap_remove(usize::from(number) % held.len());
                    driver.answer(tag, if tag % 2 == 0 { Ok(()) } else { Err(Error::InputOutput) }).unwrap();
                    prop_assert_eq!(driver.answer(tag, Ok(())), Err(Broken), "once");
                    prop_assert_eq!(driver.has_news(), Ok(true));
                }
                3 if number % 16 == 0 => {
                    driver = Driver::new(memory, PAGES).unwrap();
                    user.attached_again(memory).unwrap();
                    held.clear();
                }
                _ => if let Some((tag, result)) = user.answer().unwrap() {
                    prop_assert_eq!(result.is_ok(), tag % 2 == 0);
                    prop_assert!(open.remove(&tag).is_some());
                },
            }
            prop_assert_eq!(user.is_waiting(), !open.is_empty());
        }
        // What is left is there, and is answered too.
        held.extend(std::iter::from_fn(|| driver.take().unwrap()).map(|taken| taken.tag));
        for tag in held {
            driver.answer(tag, Ok(())).unwrap();
        }
        while let Some((tag, _)) = user.answer().unwrap() {
            prop_assert!(open.remove(&tag).is_some());
        }
        prop_assert!(open.is_empty(), "{:?} is never answered", open);
    }

    /// Whatever the user writes, the driver takes requests as they should be or none, and no tag twice.
    #[test]
    fn no_content_breaks_the_driver(writes in prop::collection::vec((0..1024_usize, any::<u64>()), 1..200)) {
        let (_, mut driver, memory) = sides();
        let mut held = Vec::new();
        for (place, word) in writes {
            // Small numbers find more.
            let word = if place % 3 == 0 { word % 70 } else { word };
            memory.store(if place % 5 == 0 { 0 } else { place * 8 }, word).unwrap();
            while let Ok(Some(taken)) = driver.take() {
                prop_assert!(!held.contains(&taken.tag) && usize::from(taken.tag) < REQUESTS);
                prop_assert!(taken.pages().iter().all(|page| *page < PAGES));
                prop_assert_eq!(taken.pages().len(), usize::from(taken.sectors).div_ceil(8));
                prop_assert!(taken.operation != Operation::Flush || taken.sector == 0);
                held.push(taken.tag);
            }
            let _ = (driver.has_news(), driver.sleep());
            if place % 2 == 0 && let Some(tag) = held.pop() {
                driver.answer(tag, Ok(())).unwrap();
            }
        }
    }

    /// Whatever the driver writes, the user gets answers to what it has asked, each once, or none.
    #[test]
    fn no_content_breaks_the_user(writes in prop::collection::vec((0..256_usize, any::<u64>()), 1..200)) {
        let (mut user, _, memory) = sides();
        let mut open = Vec::new();
        for (place, word) in writes {
            let tag = (word % REQUESTS as u64) as u16;
            if user.submit(tag, &read(word, 8, &[3])).is_ok() {
                open.push(tag);
            }
            let word = if place % 3 == 0 { word % 70 } else { word };
            memory.store(if place % 5 == 0 { 64 } else { place * 8 }, word).unwrap();
            while let Ok(Some((tag, _))) = user.answer() {
                let place = open.iter().position(|open| *open == tag);
                prop_assert!(place.is_some(), "{} was not asked", tag);
                open.swap_remove(place.unwrap());
            }
            let _ = user.must_wake();
        }
    }
}
