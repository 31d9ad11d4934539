//! The stock of frames, alone and against a model of sets.

extern crate std;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

/// A stock of the regions given as (start, length).
pub fn stock(regions: &[(u64, u64)]) -> Frames {
    let regions: Vec<Region> = regions.iter().map(|&(start, length)| Region { start, length }).collect();
    let bare = Bare::new(&regions, 1 << 40);
    let words = vec![0; bare.total() as usize].into();
    Frames::new(bare, words)
}

#[test]
fn only_whole_frames_below_the_limit_count() {
    let regions = [
        Region { start: 0x1001, length: 0x2fff },
        Region { start: 0x10_0000, length: 0x1fff },
        Region { start: 0x20_0000, length: 0x2000 },
        Region { start: u64::MAX - 10, length: 100 },
    ];
    let mut bare = Bare::new(&regions, 0x20_1000);
    assert_eq!(bare.total(), 2 + 1 + 1);
    let all: Vec<u64> = core::iter::from_fn(|| bare.take()).collect();
    assert_eq!(all, [0x2000, 0x3000, 0x10_0000, 0x20_0000]);
}

#[test]
fn frames_are_counted_through_the_regions() {
    let mut frames = stock(&[(0x1000, 0x3000), (0x10_0000, 0x2000)]);
    let mut seen = Vec::new();
    while let Some(frame) = frames.take_outside(true) {
        seen.push(frames.address(frame));
    }
    assert_eq!(seen, [0x1000, 0x2000, 0x3000, 0x10_0000, 0x10_1000]);
}

#[test]
fn a_chain_keeps_its_order_and_comes_back_whole() {
    let mut frames = stock(&[(0x1000, 0x8000)]);
    let mut chain = Chain::EMPTY;
    let mut order = Vec::new();
    for page in 1..=5 {
        let frame = frames.take_outside(true).unwrap();
        frames.push(&mut chain, frame, page << 40);
        assert_eq!(frames.find(&chain, (page << 40) + 8), Some(frame));
        order.push(frame);
    }
    assert_eq!(frames.find(&chain, 6 << 40), None);
    let walked: Vec<Frame> = core::iter::successors(chain.first(), |&frame| frames.next(frame)).collect();
    assert_eq!(walked, order);
    assert_eq!((frames.free(), chain.count()), (3, 5));
    frames.give_back_chain(&mut chain, false);
    assert_eq!((frames.free(), chain), (8, Chain::EMPTY));
}

#[derive(Clone, Debug)]
enum Step {
    Take { outside: bool, reused: bool, owner: usize },
    ToWindow,
    Release { owner: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<bool>(), any::<bool>(), 0..3usize).prop_map(|(outside, reused, owner)| Step::Take {
            outside,
            reused,
            owner
        }),
        Just(Step::ToWindow),
        (0..3usize).prop_map(|owner| Step::Release { owner }),
    ]
}

proptest! {
    /// Against a model of sets: no frame is ever handed out twice, none is lost, sorts are kept apart.
    #[test]
    fn no_frame_is_lost_or_given_twice(steps in proptest::collection::vec(step(), 1..200)) {
        let mut frames = stock(&[(0x1000, 0x5000), (0x10_0000, 0x7000)]);
        let mut owned: [(Chain, Chain, BTreeSet<Frame>); 3] = Default::default();
        for step in steps {
            match step {
                Step::Take { outside, reused, owner } => {
                    let frame =
                        if outside { frames.take_outside(reused) } else { frames.take_in_window() };
                    let Some(frame) = frame else { continue };
                    prop_assert_eq!(frames.is_in_window(frame), !outside);
                    prop_assert!(owned.iter().all(|(_, _, set)| !set.contains(&frame)));
                    let (inner, outer, set) = &mut owned[owner];
                    frames.push(if outside { outer } else { inner }, frame, 0);
                    set.insert(frame);
                }
                Step::ToWindow => {
                    if let Some(frame) = frames.take_outside(false) {
                        frames.set_in_window(frame, true);
                        frames.give_back(frame);
                    }
                }
                Step::Release { owner } => {
                    let (inner, outer, set) = &mut owned[owner];
                    frames.give_back_chain(inner, true);
                    frames.give_back_chain(outer, false);
                    set.clear();
                }
            }
            let used: usize = owned.iter().map(|(_, _, set)| set.len()).sum();
            prop_assert_eq!(frames.free() as usize + used, 12);
            for (inner, outer, set) in &owned {
                prop_assert_eq!((inner.count() + outer.count()) as usize, set.len());
            }
        }
    }
}
