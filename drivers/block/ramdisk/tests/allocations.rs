//! Nothing is allocated for requests.

#[path = "../../tests/allocations.rs"]
mod allocations;

use sim::System;

#[test]
fn ten_thousand_requests_allocate_nothing() {
    System::new()
        .memory(32 << 20)
        .file("ramdisk.img", vec![7; 500 * 512])
        .program(sim::program!(dm::run))
        .program(allocations::driver("ramdisk", ramdisk::run))
        .run(|| allocations::nothing_is_allocated("ramdisk0"));
}
