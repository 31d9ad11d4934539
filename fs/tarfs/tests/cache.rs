//! What is read through the cache is what is on the disk, whatever order it answers in and whichever of its sectors are bad; and
//! few requests do it.

#[path = "support/medium.rs"]
mod medium;

use ipc::Error;
use medium::Model;
use proptest::prelude::*;
use tarfs::cache::Cache;

fn image(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 512 * 7 + at % 512) as u8).collect()
}

#[derive(Clone, Debug)]
enum Step {
    /// Reads so much there.
    Read(usize, usize),
    /// Reads on from where the last one ended.
    Next(usize),
    /// A sector becomes bad, or all become good.
    Bad(Option<u64>),
    /// The disk is lost, or there again.
    Lose(bool),
}

const SECTORS: usize = 1500;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SECTORS * 512, 1..30_000_usize).prop_map(|(at, length)| Step::Read(at, length)),
        8 => (1..10_000_usize).prop_map(Step::Next),
        1 => prop::option::weighted(0.7, 0..SECTORS as u64).prop_map(Step::Bad),
        1 => prop::bool::weighted(0.3).prop_map(Step::Lose),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_cache_is_the_disk(
        steps in prop::collection::vec(step(), 1..60),
        pages in prop_oneof![1..10_u16, 90..130_u16],
        cut in 0..8_usize,
        seed: u64,
    ) {
        let image = image((SECTORS - cut) * 512);
        let model = Model::new(image.clone(), pages, seed);
        let mut cache = Cache::new(model.clone());
        prop_assert_eq!(cache.size(), image.len() as u64);
        let mut next = 0;
        for step in steps {
            let (at, length) = match step {
                Step::Read(at, length) => (at, length),
                Step::Next(length) => (next, length),
                Step::Bad(bad) => {
                    let mut inner = model.inner.borrow_mut();
                    match bad {
                        Some(bad) => inner.bad.push(bad),
                        None => inner.bad.clear(),
                    }
                    continue;
                }
                Step::Lose(is_lost) => {
                    model.inner.borrow_mut().is_lost = is_lost;
                    continue;
                }
            };
            let at = at.min(image.len() - 1);
            let length = length.min(image.len() - at);
            let mut data = vec![0; length];
            match cache.read(at as u64, &mut data) {
                Ok(()) => {
                    prop_assert!(data == image[at..at + length], "{at}, {length}");
                    next = (at + length) % image.len();
                }
                Err(error) => {
                    prop_assert_eq!(error, Error::InputOutput);
                    let inner = model.inner.borrow();
                    // A page that has a bad sector cannot be read.
                    let near = (at as u64 / 4096 * 8)..((at + length) as u64).div_ceil(4096) * 8;
                    prop_assert!(inner.is_lost || inner.bad.iter().any(|bad| near.contains(bad)), "{at}, {length}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_on_the_disk_is_out_of_bounds() {
    let mut cache = Cache::new(Model::new(image(5 * 512), 100, 1));
    assert_eq!(cache.memory(5 * 512, 1).err(), Some(Error::OutOfBounds));
    assert_eq!(cache.memory(u64::MAX, 1).err(), Some(Error::OutOfBounds));
    assert_eq!(cache.memory(5 * 512 - 1, 100).map(|memory| memory.len()), Ok(1), "clipped");
    assert_eq!(cache.read(4 * 512, &mut [0; 513]), Err(Error::OutOfBounds));
    assert_eq!(Cache::new(Model::new(Vec::new(), 100, 1)).memory(0, 1).err(), Some(Error::OutOfBounds));
}

#[test]
fn a_disk_that_is_read_on_is_asked_for_much_at_once() {
    let image = image(8 << 20);
    let model = Model::new(image.clone(), 254, 1);
    let mut cache = Cache::new(model.clone());
    let mut data = vec![0; image.len()];
    data.chunks_mut(512).enumerate().for_each(|(index, part)| cache.read(index as u64 * 512, part).unwrap());
    assert!(data == image);
    let inner = model.inner.borrow();
    // 24 pages are a request; nothing is read twice.
    let least = (8 << 20) / (24 * 4096);
    assert!((least..least + 5).contains(&inner.requests), "{} requests", inner.requests);
    assert_eq!(inner.sectors, (8 << 20) / 512);
}

#[test]
fn a_disk_that_is_read_here_and_there_is_asked_for_little() {
    let model = Model::new(image(8 << 20), 254, 1);
    let mut cache = Cache::new(model.clone());
    for step in 0..50 {
        cache.read(step * 150_000, &mut [0; 512]).unwrap();
    }
    let sectors = model.inner.borrow().sectors;
    assert!(sectors <= 50 * 16, "{sectors} sectors for 50");
    // What was read is there.
    cache.read(0, &mut [0; 512]).unwrap();
    assert_eq!(model.inner.borrow().sectors, sectors);
    cache.read(1_100_000, &mut [0; 64 << 10]).unwrap();
    assert_eq!(model.inner.borrow().requests, 51, "what is wanted at once is one request");
}

/// While what was asked for is used, more is on its way.
#[test]
fn more_is_asked_for_before_it_is_needed() {
    let model = Model::new(image(1 << 20), 254, 1);
    let mut cache = Cache::new(model.clone());
    cache.read(0, &mut [0; 4096]).unwrap();
    assert_eq!(model.inner.borrow().requests, 1);
    cache.read(4096, &mut [0; 4096]).unwrap();
    assert_eq!(model.inner.borrow().requests, 3, "the next ones, and those behind");
    cache.read(8192, &mut [0; 23 * 4096]).unwrap();
    assert_eq!(model.inner.borrow().requests, 3, "they are there");
    cache.read(25 * 4096, &mut [0; 1]).unwrap();
    assert_eq!(model.inner.borrow().requests, 4, "and so on");
}

/// One bad sector takes no more with it than its page.
#[test]
fn what_was_asked_for_with_a_bad_sector_is_asked_for_again() {
    let image = image(100 * 4096);
    let model = Model::new(image.clone(), 254, 1);
    model.inner.borrow_mut().bad = vec![20 * 8 + 3];
    let mut cache = Cache::new(model.clone());
    for page in 0..100_usize {
        let mut data = [0; 4096];
        let expected = if page == 20 { Err(Error::InputOutput) } else { Ok(()) };
        assert_eq!(cache.read(page as u64 * 4096, &mut data), expected, "page {page}");
        assert!(page == 20 || data == image[page * 4096..][..4096]);
    }
    model.inner.borrow_mut().bad.clear();
    assert_eq!(cache.read(20 * 4096, &mut [0; 4096]), Ok(()), "it is tried again");
}
