//! Nothing is allocated while frames go to and fro.

mod support;

use allocation_counter::measure;
use support::{Wire, all, frame};

#[test]
fn ten_thousand_frames_each_way_allocate_nothing() {
    for (layout, events, header) in all(256) {
        let mut wire = Wire::new(layout, events, header);
        wire.fill(256);
        let (mut allocated, mut received) = (0, 0);
        for number in 0..2500 {
            for _ in 0..4 {
                wire.transmit(&frame(number, 100));
                wire.net.waiting.push_back(frame(number, 100));
            }
            allocated += measure(|| while wire.traffic.round(|_| {}).unwrap().more {}).count_total;
            wire.net.deliver(&mut wire.memory);
            wire.net.send(&mut wire.memory, 4);
            received += wire.received().len();
            wire.net.sent.clear();
        }
        while wire.traffic.round(|_| {}).unwrap().more {}
        received += wire.received().len();
        assert_eq!((received, wire.traffic.counts().sent), (10_000, 10_000));
        assert_eq!(allocated, 0);
    }
}
