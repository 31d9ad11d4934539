//! The device and the user do something in the middle of a round, after any one of the driver's writes: either the round
//! sees it, or the driver is woken.

mod support;

use ipc::Region;
use ipc::host::Backend;
use packets::Wake;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use support::{Wire, all, frame};
use virtio_net::Stop;

type Intruder = Box<dyn FnOnce()>;

/// Memory, and who comes in after so many more writes.
#[derive(Default)]
struct Machine {
    memory: RefCell<Vec<u8>>,
    left: Cell<usize>,
    intruder: RefCell<Option<Intruder>>,
}

impl Machine {
    fn range(address: usize, length: usize) -> std::ops::Range<usize> {
        address - Region::FIRST..address - Region::FIRST + length
    }
}

impl Backend for Machine {
    fn region_read(&self, address: usize, buffer: &mut [u8]) -> bool {
        buffer.copy_from_slice(&self.memory.borrow()[Self::range(address, buffer.len())]);
        true
    }

    fn region_write(&self, address: usize, data: &[u8]) -> bool {
        self.memory.borrow_mut()[Self::range(address, data.len())].copy_from_slice(data);
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0
            && let Some(intruder) = self.intruder.take()
        {
            intruder();
        }
        true
    }
}

/// What comes in between.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A frame from outside.
    Arrives,
    /// The user sends a frame.
    Transmits,
    /// The device has sent all that it had, which were many.
    HasSent,
}

/// Whether nothing is lost if `event` happens after the `at`-th write; `None`: the driver does not write so often.
fn survives(
    (layout, events, header): (virtio::Layout, bool, virtio_net::Header),
    event: Event,
    at: usize,
) -> Option<bool> {
    let machine = Rc::new(Machine::default());
    let _installed = ipc::host::install(machine.clone());
    let mut allocate = |length: usize| {
        let mut memory = machine.memory.borrow_mut();
        let first = memory.len().next_multiple_of(8);
        memory.resize(first + length, 0);
        Region::new(Region::FIRST + first, length).unwrap()
    };
    let mut wire = Wire::within(&mut allocate, layout, events, header);
    wire.device_sleeps();
    wire.fill(400);
    for number in 0..if matches!(event, Event::HasSent) { 60 } else { 0 } {
        wire.transmit(&frame(number, 60));
    }
    let Wire { mut traffic, user, net, memory, .. } = wire;
    let outside = Rc::new(RefCell::new((user, net, memory)));
    let woken = Rc::new(Cell::new(false));
    let (others, wakes) = (outside.clone(), woken.clone());
    *machine.intruder.borrow_mut() = Some(Box::new(move || {
        let (user, net, memory) = &mut *others.borrow_mut();
        match event {
            Event::Arrives => {
                net.waiting.push_back(frame(1, 60));
                net.deliver(memory);
                wakes.set(net.receive.interrupts(memory));
            }
            Event::Transmits => {
                let buffer = user.allocate().unwrap().unwrap();
                user.write(buffer, &frame(1, 60)).unwrap();
                user.transmit(buffer, 60).unwrap();
                wakes.set(user.must_wake(Wake::FRAMES).unwrap());
            }
            Event::HasSent => {
                net.send(memory, usize::MAX);
                wakes.set(net.transmit.interrupts(memory));
            }
        }
    }));
    machine.left.set(at);
    let mut work = || -> Result<(), Stop> {
        while traffic.round(|_| {})?.more {}
        Ok(())
    };
    work().unwrap();
    if machine.intruder.take().is_some() {
        return None;
    }
    if woken.get() {
        work().unwrap();
    }
    let (user, net, memory) = &mut *outside.borrow_mut();
    Some(match event {
        // No buffer may have been there yet: then it is delivered when the driver says so.
        Event::Arrives => user.receive().unwrap().is_some() || !net.waiting.is_empty(),
        Event::Transmits => {
            net.send(memory, usize::MAX);
            net.sent.len() == 1
        }
        Event::HasSent => {
            let before = user.free();
            user.collect().unwrap();
            // What was not there yet is not sent; a few sent ones may stay with the driver.
            user.free() - before + 32 >= net.sent.len()
        }
    })
}

#[test]
fn nothing_that_happens_meanwhile_is_lost() {
    for kind in all(64) {
        for event in [Event::Arrives, Event::Transmits, Event::HasSent] {
            let mut writes = 0;
            for at in 1.. {
                match survives(kind, event, at) {
                    Some(survives) => assert!(survives, "{event:?} after write {at} is lost: {kind:?}"),
                    None => break,
                }
                writes = at;
            }
            assert!(writes > 100, "{writes}");
        }
    }
}
