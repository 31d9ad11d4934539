//! A model of a channel with its two drives, as ATA/ATAPI-7 volumes 1 and 2 describe them.

#![allow(dead_code, reason = "each test uses a part of it")]

mod ports;

pub use ports::Ports;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub const SECTOR: usize = 512;
const BUSY: u8 = 0x80;
const READY: u8 = 0x50;
const DATA: u8 = 0x08;
const FAILED: u8 = 0x01;

/// How a drive misbehaves.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Manner {
    #[default]
    Good,
    /// After some commands it is busy for ever, until it is reset.
    Hangs(u32),
    /// Its status is random now and then.
    Random(u64),
    /// Reads end after the first sector.
    EndsEarly,
    /// It has data after the last sector of a write.
    WantsMore,
    /// After some commands it answers with ones everywhere, for ever.
    Vanishes(u32),
}

/// A drive.
#[derive(Clone, Default, Debug)]
pub struct Drive {
    pub sectors: u64,
    pub long: bool,
    pub multiple: u8,
    pub cache: bool,
    /// It is one for CDs.
    pub packet: bool,
    pub content: BTreeMap<u64, [u8; SECTOR]>,
    /// Written, and not flushed.
    pub held_back: BTreeSet<u64>,
    /// Sectors that cannot be read or written.
    pub bad: BTreeSet<u64>,
    /// The commands it was given, with the first sector and the count.
    pub log: Vec<(u8, u64, u32)>,
    pub manner: Manner,
    block: u32,
}

impl Drive {
    pub fn new(sectors: u64, long: bool, multiple: u8) -> Self {
        Self { sectors, long, multiple, cache: true, block: 0, ..Self::default() }
    }

    fn identity(&self) -> [u8; SECTOR] {
        let mut words = [0_u16; 256];
        for (index, pair) in b"MODEL OF A DISK ".chunks(2).enumerate() {
            words[27 + index] = u16::from_be_bytes([pair[0], pair[1]]);
        }
        words[47] = 0x8000 | u16::from(self.multiple);
        words[49] = 1 << 9;
        let short = self.sectors.min(0x0fff_ffff);
        (words[60], words[61]) = (short as u16, (short >> 16) as u16);
        (words[83], words[87]) = (0x4000 | 1 << 12, 0x4000);
        if self.long {
            words[83] |= 1 << 10 | 1 << 13;
            (0..4).for_each(|index| words[100 + index] = (self.sectors >> (16 * index)) as u16);
        }
        words[85] = u16::from(self.cache) << 5;
        let mut bytes = [0; SECTOR];
        bytes.chunks_mut(2).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        bytes
    }

    pub fn read(&self, sector: u64) -> [u8; SECTOR] {
        self.content.get(&sector).copied().unwrap_or([0; SECTOR])
    }
}

/// What the selected drive does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    Nothing,
    Reading,
    Writing,
}

/// A channel.
pub struct Channel {
    pub drives: [Option<Drive>; 2],
    /// Each register, and what was in it before; the second is used with 48 bits.
    registers: [[u8; 2]; 8],
    status: u8,
    error: u8,
    silent: bool,
    in_reset: bool,
    line: bool,
    doing: Doing,
    next: u64,
    left: u32,
    /// Sectors of a block.
    block: u32,
    data: VecDeque<u8>,
    /// How long a block takes, in nanoseconds.
    pub delay: u64,
    now: u64,
    busy_until: Option<u64>,
    /// What comes after being busy.
    then: (u8, u8),
    gone: bool,
    random: fastrand::Rng,
}

impl Channel {
    pub fn new(drives: [Option<Drive>; 2], delay: u64) -> Self {
        let seed = drives.iter().flatten().find_map(|drive| match drive.manner {
            Manner::Random(seed) => Some(seed),
            _ => None,
        });
        Self {
            drives,
            registers: [[0; 2]; 8],
            status: READY,
            error: 0,
            silent: false,
            in_reset: false,
            line: false,
            doing: Doing::Nothing,
            next: 0,
            left: 0,
            block: 1,
            data: VecDeque::new(),
            delay,
            now: 0,
            busy_until: None,
            then: (READY, 0),
            gone: false,
            random: fastrand::Rng::with_seed(seed.unwrap_or(0)),
        }
    }

    fn place(&self) -> usize {
        usize::from(self.registers[6][0] >> 4 & 1)
    }

    fn status(&mut self) -> u8 {
        if self.gone || self.drives.iter().all(Option::is_none) {
            return 0xff;
        }
        match &self.drives[self.place()] {
            None => 0,
            Some(Drive { manner: Manner::Random(_), .. }) if self.random.u8(..) < 8 => self.random.u8(..),
            Some(_) if self.busy_until.is_some() || self.in_reset => BUSY,
            Some(_) => self.status,
        }
    }

    /// The drive works for a while, and then has this status; it interrupts if it says so.
    fn become_status(&mut self, status: u8, interrupts: bool) {
        self.then = (status, u8::from(interrupts));
        if self.delay == 0 { self.ready() } else { self.busy_until = Some(0) }
    }

    fn ready(&mut self) {
        self.busy_until = None;
        self.status = self.then.0;
        self.line |= self.then.1 != 0;
    }

    fn reset(&mut self) {
        (self.status, self.error, self.line, self.doing) = (READY, 1, false, Doing::Nothing);
        (self.left, self.busy_until) = (0, None);
        self.data.clear();
        self.registers = [[0; 2]; 8];
        (self.registers[2], self.registers[3]) = ([1; 2], [1; 2]);
        for drive in self.drives.iter_mut().flatten() {
            drive.block = 0;
        }
        if self.drives[0].as_ref().is_some_and(|drive| drive.packet) {
            (self.registers[4], self.registers[5]) = ([0x14; 2], [0xeb; 2]);
        }
    }

    fn command(&mut self, command: u8) {
        let place = self.place();
        let long = matches!(command, 0x24 | 0x29 | 0x34 | 0x39 | 0xea);
        let at = |index: usize, age: usize| u64::from(self.registers[index][age]);
        let mut sector = at(3, 0) | at(4, 0) << 8 | at(5, 0) << 16;
        let mut count = at(2, 0) as u32;
        if long {
            sector |= at(3, 1) << 24 | at(4, 1) << 32 | at(5, 1) << 40;
            count |= (at(2, 1) as u32) << 8;
        } else {
            sector |= (at(6, 0) & 15) << 24;
        }
        let by_number = self.registers[6][0] & 0x40 != 0;
        assert!(
            self.busy_until.is_none() && !self.in_reset,
            "a command {command:#x} to a drive that is busy"
        );
        let Some(drive) = &mut self.drives[place] else { return };
        drive.log.push((command, sector, count));
        self.line = false;
        if let Manner::Hangs(after) | Manner::Vanishes(after) = drive.manner
            && drive.log.len() as u32 > after
        {
            drive.log.clear();
            match drive.manner {
                Manner::Hangs(_) => (self.status, self.busy_until) = (BUSY, Some(u64::MAX)),
                _ => self.gone = true,
            }
            return;
        }
        self.doing = Doing::Nothing;
        self.block = if matches!(command, 0xc4 | 0x29 | 0xc5 | 0x39) { drive.block } else { 1 };
        let known = match command {
            0xec | 0xc6 | 0xe7 => true,
            0x20 | 0x30 => by_number,
            0xc4 | 0xc5 => by_number && drive.block != 0,
            0x24 | 0x34 | 0xea => drive.long,
            0x29 | 0x39 => drive.long && drive.block != 0,
            _ => false,
        };
        if !known || drive.packet || (command != 0xec && !long && sector + u64::from(count) > 0x0fff_ffff) {
            if drive.packet {
                (self.registers[4], self.registers[5]) = ([0x14; 2], [0xeb; 2]);
            }
            return self.fail(4);
        }
        match command {
            0xec => {
                self.data.extend(drive.identity());
                (self.doing, self.left, self.next) = (Doing::Reading, 0, 0);
                self.become_status(READY | DATA, true);
            }
            0xc6 if count.is_power_of_two() && count <= u32::from(drive.multiple) => {
                drive.block = count;
                self.become_status(READY, true);
            }
            0xc6 => self.fail(4),
            0xe7 | 0xea => {
                drive.held_back.clear();
                self.become_status(READY, true);
            }
            _ if sector + u64::from(count) > drive.sectors || count == 0 => self.fail(0x10),
            _ => {
                (self.next, self.left) = (sector, count);
                if matches!(command, 0x20 | 0x24 | 0xc4 | 0x29) {
                    self.doing = Doing::Reading;
                    self.next_block(true);
                } else {
                    self.doing = Doing::Writing;
                    self.become_status(READY | DATA, false);
                }
            }
        }
    }

    fn fail(&mut self, error: u8) {
        (self.error, self.doing, self.left) = (error, Doing::Nothing, 0);
        self.data.clear();
        self.become_status(READY | FAILED, true);
    }

    /// The next data to read, or the end.
    fn next_block(&mut self, interrupts: bool) {
        let place = self.place();
        let Some(drive) = &self.drives[place] else { return };
        let count = self.block.min(self.left);
        if count == 0 || drive.manner == Manner::EndsEarly && self.data.is_empty() && self.status & DATA != 0
        {
            self.doing = Doing::Nothing;
            return self.become_status(READY, drive.manner == Manner::EndsEarly && self.left > 0);
        }
        for sector in self.next..self.next + u64::from(count) {
            if drive.bad.contains(&sector) {
                return self.fail(0x40);
            }
            self.data.extend(drive.read(sector));
        }
        (self.next, self.left) = (self.next + u64::from(count), self.left - count);
        self.become_status(READY | DATA, interrupts);
    }

    /// Data was written; stores a whole block.
    fn store(&mut self) {
        let place = self.place();
        let count = self.block.min(self.left);
        if self.data.len() < count as usize * SECTOR {
            return;
        }
        let Some(drive) = &mut self.drives[place] else { return };
        for _ in 0..count {
            if drive.bad.contains(&self.next) {
                return self.fail(0x10);
            }
            let mut bytes = [0; SECTOR];
            bytes.iter_mut().zip(self.data.drain(..SECTOR)).for_each(|(to, byte)| *to = byte);
            drive.content.insert(self.next, bytes);
            drive.held_back.insert(self.next);
            (self.next, self.left) = (self.next + 1, self.left - 1);
        }
        let more = self.left > 0 || drive.manner == Manner::WantsMore;
        self.become_status(if more { READY | DATA } else { READY }, true);
    }

    fn read(&mut self, register: usize, buffer: &mut [u8]) {
        let status = self.status();
        match register {
            0 if !self.gone => {
                let is_strict =
                    !self.drives.iter().flatten().any(|drive| matches!(drive.manner, Manner::Random(_)));
                let may = self.doing == Doing::Reading && (status & (BUSY | DATA)) == DATA;
                assert!(may || !is_strict, "data is read that is not there");
                buffer.iter_mut().for_each(|byte| *byte = self.data.pop_front().unwrap_or(0xff));
                if self.data.is_empty() && self.doing == Doing::Reading {
                    self.next_block(true);
                }
            }
            7 => {
                buffer[0] = status;
                self.line = false;
            }
            1 if !self.gone => buffer[0] = self.error,
            2..7 if !self.gone => buffer[0] = self.registers[register][0],
            _ => buffer.fill(0xff),
        }
    }

    fn write(&mut self, register: usize, data: &[u8]) {
        if self.gone {
            return;
        }
        match register {
            0 if self.doing == Doing::Writing => {
                self.data.extend(data);
                self.store();
            }
            0 => {}
            7 if self.drives[self.place()].is_some() => self.command(data[0]),
            7 => {}
            _ => self.registers[register] = [data[0], self.registers[register][0]],
        }
    }

    fn control(&mut self, value: u8) {
        self.silent = value & 2 != 0;
        match (value & 4 != 0, self.in_reset) {
            (true, _) => self.in_reset = true,
            (false, true) => {
                self.in_reset = false;
                self.reset();
            }
            (false, false) => {}
        }
    }
}
