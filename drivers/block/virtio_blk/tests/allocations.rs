//! Nothing is allocated for requests, whatever kind of device it is.

mod model;
mod support;

#[path = "../../tests/allocations.rs"]
mod allocations;

use model::{card, manners};
use sim::System;

#[test]
fn ten_thousand_requests_allocate_nothing() {
    for kind in manners().into_iter().step_by(3) {
        System::new()
            .pci(3, 11, move || card(kind, false, &support::shared()))
            .memory(32 << 20)
            .program(sim::program!(dm::run))
            .program(allocations::driver("virtio_blk", virtio_blk::run))
            .run(|| allocations::nothing_is_allocated("disk0"));
    }
}
