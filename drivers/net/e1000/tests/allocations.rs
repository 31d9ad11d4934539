//! Nothing is allocated while frames go to and fro.

mod model;
mod support;

use allocation_counter::measure;
use model::{Manner, Model};
use support::{Bench, frame};

#[test]
fn ten_thousand_frames_each_way_allocate_nothing() {
    // The card sends between the rounds, since the model allocates when it does.
    let mut bench = Bench::new(Model::new(Manner { sends_at_once: false, ..Manner::default() }));
    bench.fill(200);
    let (mut allocated, mut received) = (0, 0);
    bench.work();
    for number in 0..2_501 {
        for part in 0..4 {
            assert!(number == 2_500 || bench.transmit(&frame(100, part)) && bench.receive(&frame(200, part)));
        }
        let counted = measure(|| {
            bench.work();
            bench.nic.must_wake();
        });
        // What the model allocates for a register that was not written before happens in the first round.
        allocated += if number == 0 { 0 } else { counted.count_total };
        bench.send();
        while let Some((buffer, _)) = bench.next() {
            received += 1;
            bench.user.fill(buffer).unwrap();
        }
    }
    let counts = bench.nic.counts();
    assert_eq!((received, counts.received, counts.sent, counts.dropped), (10_000, 10_000, 10_000, 0));
    assert_eq!(allocated, 0);
}
