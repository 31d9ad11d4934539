//! A simulated machine with an IDE controller and the device manager.

use crate::model::{Channel, Ports};
use sim::System;
use sim::pci::{Bus, Function, Header};
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

/// The controller's configuration space; its registers are at the ports of old.
struct Controller;

impl Function for Controller {
    fn header(&self) -> Header {
        Header { vendor: 0x8086, device: 0x7010, class: 0x01_0180, ..Header::default() }
    }

    fn read(&mut self, _: &mut Bus<'_>, _: usize, _: usize, buffer: &mut [u8]) {
        buffer.fill(0xff);
    }

    fn write(&mut self, _: &mut Bus<'_>, _: usize, _: usize, _: &[u8]) {}
}

/// A channel that the test sees as well.
pub type Shared = Arc<Mutex<Channel>>;

thread_local! {
    /// The channels of the run whose devices this thread is making.
    static MADE: RefCell<Vec<Shared>> = const { RefCell::new(Vec::new()) };
}

/// A machine with these drives, but not their driver; each run has its own. The result has the channels of the latest run.
pub fn machine(make: impl Fn() -> [Channel; 2] + Send + Sync + 'static) -> (System, Arc<Mutex<Vec<Shared>>>) {
    let told: Arc<Mutex<Vec<Shared>>> = Arc::default();
    let latest = Arc::clone(&told);
    // The devices of a run are made one after the other by one thread, the first of these first.
    let fresh = move || {
        let channels: Vec<_> = make().map(|channel| Arc::new(Mutex::new(channel))).into();
        MADE.set(channels.clone());
        *latest.lock().unwrap() = channels;
    };
    let of = |index: usize| move || MADE.with_borrow(|made| Arc::clone(&made[index]));
    let (first, first_control) = (of(0), of(0));
    let (second, second_control) = (of(1), of(1));
    let system = System::new()
        .memory(32 << 20)
        .pci(1, 0, || Controller)
        .ports(0x1f0..0x1f8, 14, move || {
            fresh();
            Ports::command(first())
        })
        .ports(0x3f4..0x3f8, 31, move || Ports::control(first_control()))
        .ports(0x170..0x178, 15, move || Ports::command(second()))
        .ports(0x374..0x378, 31, move || Ports::control(second_control()))
        .program(sim::program!(dm::run));
    (system, told)
}
