//! A model of the clock chip: registers that count, and what they must not be read for while they do.

#![allow(dead_code, reason = "each test uses a part of it")]

use rtc::registers::{
    A, B, BINARY, CENTURY, D, HOURS_24, Raw, SET, STOPPED, TIME, UPDATING, VALID, decode, encode,
};
use std::sync::{Arc, Mutex};

pub const SECOND: u64 = 1_000_000_000;
/// An update ends at the full second. So long it takes, and so much earlier it is announced.
const UPDATE: u64 = 1_984_000;
const ANNOUNCED: u64 = UPDATE + 244_000;

/// The chip.
pub struct Chip {
    pub memory: [u8; 128],
    /// What the registers say, while the chip counts.
    pub seconds: i64,
    /// The second that comes next, by the machine's clock.
    next: u64,
    noise: fastrand::Rng,
}

impl Chip {
    /// A chip in these modes; its first second lasts so many nanoseconds.
    pub fn new(seconds: i64, modes: u8, first: u64) -> Self {
        let mut chip =
            Self { memory: [0; 128], seconds, next: first, noise: fastrand::Rng::with_seed(first) };
        (chip.memory[usize::from(B)], chip.memory[usize::from(D)]) = (modes, VALID);
        chip.memory[usize::from(A)] = 0x26;
        chip.show();
        chip
    }

    fn modes(&self) -> u8 {
        self.memory[usize::from(B)]
    }

    fn runs(&self) -> bool {
        self.modes() & SET == 0 && self.memory[usize::from(A)] & STOPPED != STOPPED
    }

    fn show(&mut self) {
        if let Some((raw, _)) = encode(self.seconds, self.modes()) {
            TIME.into_iter()
                .zip(raw.time)
                .for_each(|(register, value)| self.memory[usize::from(register)] = value);
            self.memory[usize::from(CENTURY)] = raw.century;
        }
    }

    /// Time passes.
    pub fn pass(&mut self, now: u64) {
        while self.next <= now {
            self.next += SECOND;
            if self.runs() {
                self.seconds += 1;
                self.show();
            }
        }
    }

    pub fn read(&mut self, register: u8, now: u64) -> u8 {
        self.pass(now);
        let runs = self.runs();
        match register {
            A if runs && now + ANNOUNCED >= self.next => self.memory[usize::from(A)] | UPDATING,
            // Whoever has read that it was without power is not told again.
            D => std::mem::replace(&mut self.memory[usize::from(D)], VALID),
            _ if TIME.contains(&register) && runs && now + UPDATE >= self.next => self.noise.u8(..),
            _ => self.memory[usize::from(register)],
        }
    }

    pub fn write(&mut self, register: u8, value: u8, now: u64) {
        self.pass(now);
        let was_set = self.modes() & SET != 0;
        assert!(was_set || !TIME.contains(&register), "written while it counts");
        self.memory[usize::from(register)] = value;
        if was_set && self.modes() & SET == 0 {
            let raw = Raw {
                time: TIME.map(|register| self.memory[usize::from(register)]),
                century: self.memory[usize::from(CENTURY)],
            };
            self.seconds = decode(&raw, self.modes()).expect("a date was written");
        }
    }
}

/// The chip at its two ports, shared with the test. It knows the time by its own events.
#[derive(Clone)]
pub struct Shared(pub Arc<Mutex<Chip>>, u8, u64);

impl Shared {
    pub fn new(chip: Chip) -> Self {
        Self(Arc::new(Mutex::new(chip)), 0, 0)
    }
}

impl sim::Device for Shared {
    fn read(&mut self, offset: usize, buffer: &mut [u8]) {
        assert_eq!((offset, buffer.len()), (1, 1));
        buffer[0] = self.0.lock().unwrap().read(self.1, self.2);
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        assert_eq!(data.len(), 1);
        match offset {
            0 => self.1 = data[0] & 0x7f,
            _ => self.0.lock().unwrap().write(self.1, data[0], self.2),
        }
    }

    /// A tenth of a millisecond is fine enough to see updates come and go.
    fn next_event(&self) -> Option<u64> {
        let next = self.0.lock().unwrap().next;
        Some(if self.2 + ANNOUNCED >= next { self.2 + 100_000 } else { next - ANNOUNCED })
    }

    fn event(&mut self, now: u64) {
        self.2 = now;
        self.0.lock().unwrap().pass(now);
    }
}

pub const ALL_MODES: [u8; 4] = [0, BINARY, HOURS_24, BINARY | HOURS_24];
