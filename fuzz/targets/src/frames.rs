//! TCP/IP: whatever frames come, and whatever programs do meanwhile, the stack goes on, finds an end, and keeps nothing.
//!
//! The input is a list of steps: frames, raw or with the right lengths and checksums, so that they get far; what owners of
//! sockets do; time that passes. The stack is the server's, without the system around it.

mod build;

use crate::input::Input;
use build::{Kind, frame};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use tcpip::stack::port::{FRAME_MAX, Port};
use tcpip::stack::{PLACES, Property, Stack};

/// The most steps of an input.
const STEPS: usize = 200;

/// Frames that may be sent for each one that came, and for each step.
const ANSWERS: usize = 80;

#[derive(Default)]
struct Frames {
    incoming: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    is_full: bool,
}

#[derive(Clone, Default)]
struct Cable(Rc<RefCell<Frames>>);

impl Port for Cable {
    fn has_room(&mut self) -> bool {
        !self.0.borrow().is_full
    }

    fn send(&mut self, frame: &[u8]) {
        self.0.borrow_mut().sent.push(frame.to_vec());
    }

    fn receive(&mut self, buffer: &mut [u8; FRAME_MAX]) -> Option<usize> {
        let frame = self.0.borrow_mut().incoming.pop_front()?;
        buffer.get_mut(..frame.len())?.copy_from_slice(&frame);
        Some(frame.len())
    }
}

struct Bench {
    stack: Stack,
    cable: Cable,
    link: usize,
    now: Instant,
    /// Sockets that the test owns.
    places: Vec<u16>,
    /// The numbers of the last segment that was sent: what a peer would answer to.
    last: build::Numbers,
    allowed: usize,
}

/// Runs the steps.
pub fn run(data: &[u8]) {
    let input = Input::new(data);
    let now = Instant::from_millis(1_000);
    let (mut stack, cable) = (Stack::new(7, now), Cable::default());
    let hardware = EthernetAddress(build::OURS);
    let link = stack.add("net0", Some(hardware), 1500, Box::new(cable.clone()), now);
    if input.byte() & 1 == 0 {
        let address = IpCidr::new(IpAddress::Ipv4(build::OURS4), 24);
        stack.configure(link, address, Some(IpAddress::Ipv4(build::PEER4)), now);
        stack.configure(link, IpCidr::new(IpAddress::Ipv6(build::OURS6), 64), None, now);
    } else {
        stack.enable_dhcp(link, now);
        stack.enable_slaac(link, now);
    }
    let last = build::Numbers::default();
    let mut bench = Bench { stack, cable, link, now, places: Vec::new(), last, allowed: ANSWERS };
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        bench.step(&input);
    }
    bench.end();
}

impl Bench {
    fn step(&mut self, input: &Input) {
        self.allowed += ANSWERS;
        match input.below(16) {
            0 => self.come(input.some(1600)),
            1..=5 => self.come(frame(Kind::Tcp, input, &self.last)),
            6 => self.come(frame(Kind::Udp, input, &self.last)),
            7 => self.come(frame(Kind::Icmp, input, &self.last)),
            8 => self.come(frame(Kind::Arp, input, &self.last)),
            9 => self.come(frame(Kind::Dhcp, input, &self.last)),
            10..=12 => self.own(input),
            13 => self.pass(input.value::<u16>().into()),
            14 => self.cable.0.borrow_mut().is_full = input.byte() & 1 == 1,
            _ => {
                let port = Box::new(self.cable.clone());
                self.stack.resume(self.link, EthernetAddress(build::OURS), port, self.now);
            }
        }
        self.poll();
    }

    fn come(&mut self, frame: Vec<u8>) {
        self.cable.0.borrow_mut().incoming.push_back(frame);
    }

    /// Does what an owner of sockets can do.
    fn own(&mut self, input: &Input) {
        let (what, now) = (input.below(12), self.now);
        let peer =
            if input.byte() & 1 == 0 { IpAddress::Ipv4(build::PEER4) } else { IpAddress::Ipv6(build::PEER6) };
        let port = 80 + (input.byte() & 3) as u16;
        let place = self.places.get(input.below(self.places.len().max(1))).copied();
        match (what, place) {
            (0, _) => {
                let backlog = 1 + u32::from(input.byte() & 3);
                self.places.extend(self.stack.listen(None, port, backlog).map(|it| it.0));
            }
            (1, _) => self.places.extend(self.stack.connect(peer, port, now)),
            (2, _) => self.places.extend(self.stack.bind(None, port).map(|it| it.0)),
            (3, Some(place)) => {
                if let Ok(Some(connection)) = self.stack.accept(place) {
                    self.places.push(connection);
                }
            }
            (4, Some(place)) => {
                let _ = self.stack.send(place, input.value::<u16>().into(), |_, room| {
                    room.fill(1);
                    Ok(())
                });
            }
            (5, Some(place)) => {
                let _ = self.stack.receive(place, input.value::<u16>().into(), |_, _| Ok(()));
            }
            (6, Some(place)) => {
                let _ = self.stack.shutdown(place, input.byte() & 1 == 1, input.byte() & 1 == 1, now);
            }
            (7, Some(place)) => {
                let _ = self.stack.send_to(place, peer, port, input.below(1600), |room| {
                    room.fill(2);
                    Ok(())
                });
            }
            (8, Some(place)) => {
                let _ = self.stack.receive_from(place, |_, _| Ok(()));
            }
            (9, Some(place)) => {
                let time = Duration::from_millis(input.value::<u16>().into());
                let property = match input.below(4) {
                    0 => Property::KeepAlive(time),
                    1 => Property::Timeout(time),
                    2 => Property::DelaySmall(true),
                    _ => Property::HopLimit(input.byte()),
                };
                let _ = self.stack.set_property(place, property, now);
            }
            (10, _) => {
                let _ = self.stack.ask_echo(peer, 1, input.below(1100), now);
                let _ = self.stack.take_echo();
            }
            (_, Some(place)) => {
                self.places.retain(|it| *it != place);
                self.stack.close(place, now);
            }
            _ => {}
        }
    }

    fn poll(&mut self) {
        let mut rounds = 0;
        while self.stack.poll(self.now) || self.stack.is_busy() {
            rounds += 1;
            assert!(rounds < 1000, "the stack finds no end");
        }
        while let Some(place) = self.stack.changed() {
            let _ = self.stack.readiness(place);
        }
        let sent: Vec<_> = self.cable.0.borrow_mut().sent.drain(..).collect();
        assert!(sent.len() <= self.allowed, "{} frames were sent", sent.len());
        self.allowed -= sent.len().min(self.allowed - ANSWERS.min(self.allowed));
        for frame in &sent {
            assert!(frame.len() <= 1514, "a frame of {} bytes", frame.len());
            self.last.note(frame);
        }
        assert!(self.stack.places().taken() <= PLACES);
    }

    fn pass(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        self.poll();
        for rounds in 0.. {
            assert!(rounds < 20_000, "the stack is never idle");
            let Some(deadline) = self.stack.deadline().filter(|deadline| *deadline <= end) else { break };
            self.now = deadline.max(self.now + Duration::from_millis(1));
            self.allowed += ANSWERS;
            self.poll();
        }
        self.now = self.now.max(end);
        self.poll();
    }

    /// Nobody owns anything any more: after a while nothing is left.
    fn end(mut self) {
        self.cable.0.borrow_mut().is_full = false;
        for place in std::mem::take(&mut self.places) {
            self.stack.close(place, self.now);
        }
        self.pass(400_000);
        assert_eq!((self.stack.places().taken(), self.stack.half_open()), (0, 0), "something is left");
        assert_eq!(self.stack.time_wait(self.now), 0);
    }
}
