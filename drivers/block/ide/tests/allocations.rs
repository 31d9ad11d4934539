//! Nothing is allocated for requests.

mod machine;
mod model;

#[path = "../../tests/allocations.rs"]
mod allocations;

use model::{Channel, Drive};

#[test]
fn ten_thousand_requests_allocate_nothing() {
    let (machine, _) = machine::machine(|| {
        [Channel::new([Some(Drive::new(600, true, 16)), None], 0), Channel::new([None, None], 0)]
    });
    machine.program(allocations::driver("ide", ide::run)).run(|| allocations::nothing_is_allocated("disk0"));
}
