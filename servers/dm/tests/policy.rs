//! When drivers are started again: what holds for every sequence of lives.

use dm::policy::{
    Beat, FIRST_WAIT, HEARTBEAT, Heartbeat, LONG_LIFE, MOST_QUICK_ENDS, PATIENCE, Record, Verdict,
};
use proptest::prelude::*;

#[test]
fn quick_ends_wait_longer_and_are_parked() {
    let mut record = Record::default();
    let verdicts: Vec<Verdict> = (0..6).map(|_| record.ended(5, false)).collect();
    let waits = [1, 2, 4, 8].map(|factor| Verdict::Wait(factor * FIRST_WAIT));
    assert_eq!(verdicts[0], Verdict::Start);
    assert_eq!(verdicts[1..5], waits);
    assert_eq!(verdicts[5], Verdict::Park);
    record.clear();
    assert_eq!(record.ended(5, false), Verdict::Start, "as new");
}

#[test]
fn a_driver_that_does_not_answer_is_late() {
    let mut heartbeat = Heartbeat::default();
    assert_eq!(heartbeat.beat(1), Beat::Ask);
    heartbeat.answered();
    assert_eq!(heartbeat.beat(1 + HEARTBEAT), Beat::Ask);
    assert_eq!(heartbeat.beat(1 + 2 * HEARTBEAT), Beat::Wait);
    assert_eq!(heartbeat.beat(1 + HEARTBEAT + PATIENCE), Beat::Late);
    heartbeat.answered();
    assert_eq!(heartbeat.beat(2 + HEARTBEAT + PATIENCE), Beat::Ask, "it has answered in the last moment");
}

proptest! {
    #[test]
    fn no_sequence_of_lives_is_a_storm(lives in prop::collection::vec((0..2 * LONG_LIFE, prop::bool::weighted(0.2)), 1..100)) {
        let mut record = Record::default();
        let mut quick_in_a_row = 0;
        for (life, wanted) in lives {
            let verdict = record.ended(life, wanted);
            quick_in_a_row = if wanted || life >= LONG_LIFE { 0 } else { quick_in_a_row + 1 };
            let expected = match quick_in_a_row {
                0 | 1 => Verdict::Start,
                MOST_QUICK_ENDS.. => Verdict::Park,
                number => Verdict::Wait(FIRST_WAIT * 2_u64.pow(number - 2)),
            };
            prop_assert_eq!(verdict, expected);
            if verdict == Verdict::Park {
                record.clear();
                quick_in_a_row = 0;
            }
        }
    }

    /// Who answers each question before the next is never late; who stops is late after the next two.
    #[test]
    fn only_who_stops_answering_is_late(answers in 0_u64..50, delay in 0..PATIENCE) {
        let mut heartbeat = Heartbeat::default();
        for number in 0..answers {
            prop_assert_ne!(heartbeat.beat(number * PATIENCE), Beat::Late);
            prop_assert_ne!(heartbeat.beat(number * PATIENCE + delay), Beat::Late);
            heartbeat.answered();
        }
        let asked = answers * PATIENCE;
        prop_assert_eq!(heartbeat.beat(asked), Beat::Ask);
        prop_assert_eq!(heartbeat.beat(asked + delay), Beat::Wait);
        prop_assert_eq!(heartbeat.beat(asked + PATIENCE), Beat::Late);
    }
}
