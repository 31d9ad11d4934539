//! A channel: two drives that share registers, of which one at a time executes a command (ATA/ATAPI-7 volume 2, 9).
//!
//! The channel's state is read from its registers and never from the fact that an interrupt has come: that only says when to
//! look. So interrupts may come twice, late, or for the other channel. Never waits for a drive for longer than a start or a
//! reset may take.

use crate::identity::{Identity, SHORT, SIZE};
use crate::order::Order;
use crate::registers::{
    BUSY, BY_NUMBER, CONTROL, COUNT, DATA, DATA_READY, DEVICE, ERROR, FAILED, FAULT, FLUSH, IDENTIFY, LBA,
    READ, READ_MULTIPLE, RESET, SET_MULTIPLE, SILENT, STATUS, WRITE, WRITE_MULTIPLE, is_nothing,
};
use crate::trouble::Trouble;
use blocks::{Operation, SECTOR};
use core::time::Duration;
use driver::Registers;

const MICROSECOND: u64 = 1_000;
/// How long the reset bit is set, and when the drives have noticed that it is no more (ATA/ATAPI-7 volume 2, 9.2).
const RESETTING: u64 = 5 * MICROSECOND;
const SETTLING: u64 = 2_000 * MICROSECOND;
/// How long drives may take after a reset. They may take 31 s to spin up; whoever boots from them has waited for that.
const RESET_PATIENCE: u64 = 2_000_000 * MICROSECOND;
/// How long a command may take that moves no sectors.
const PATIENCE: u64 = 1_000_000 * MICROSECOND;
/// How long a drive may take until it wants the first data of a write. It does not interrupt for that.
const FIRST_DATA: u64 = 10_000 * MICROSECOND;

/// A drive, and how many sectors it moves for one interrupt.
#[derive(Clone, Copy, Debug)]
pub struct Drive {
    /// What it says about itself.
    pub identity: Identity,
    block: u16,
}

/// A command that is executed.
#[derive(Clone, Copy, Debug)]
struct Active {
    order: Order,
    /// Sectors that were moved.
    moved: u16,
    /// How many at once.
    block: u16,
}

/// A channel.
#[derive(Debug)]
pub struct Channel {
    command: Registers,
    control: Registers,
    drives: [Option<Drive>; 2],
    active: Option<Active>,
    /// A command that has failed before it began.
    failed: Option<Ended>,
    /// It does not come back from a reset.
    is_dead: bool,
}

/// A request that has ended: its token, and what was wrong.
pub type Ended = (u16, Result<(), Trouble>);

impl Channel {
    /// The channel with these registers, after a reset, and its drives. For each place that has a drive that cannot be used
    /// `report` says why.
    pub fn new(command: Registers, control: Registers, mut report: impl FnMut(usize, Trouble)) -> Self {
        let mut channel =
            Self { command, control, drives: [None; 2], active: None, failed: None, is_dead: false };
        if is_nothing(command.read8(STATUS)) || !channel.pulse(sleep) {
            channel.is_dead = true;
            return channel;
        }
        for place in 0..2 {
            match channel.identify(place) {
                Ok(Some(identity)) => {
                    if let Some(drive) = channel.drives.get_mut(place) {
                        *drive = Some(Drive { identity, block: 1 });
                    }
                }
                Ok(None) => {}
                Err(trouble) => report(place, trouble),
            }
        }
        channel.begin();
        channel
    }

    /// The drive in a place, 0 or 1.
    pub fn drive(&self, place: usize) -> Option<&Drive> {
        self.drives.get(place)?.as_ref()
    }

    /// Lowers the interrupt line.
    pub fn lower(&self) {
        self.command.read8(STATUS);
    }

    /// Resets the channel, which forgets its command.
    pub fn reset(&mut self) {
        (self.active, self.failed) = (None, None);
        if self.drives.iter().all(Option::is_none) {
            return;
        }
        self.is_dead = !self.pulse(look_at_the_clock);
        if self.is_dead {
            resea::warn!(
                "a channel does not come back from a reset; its disks fail until the driver is restarted"
            );
        }
        self.begin();
    }

    /// Starts an order for the drive in a place, if no other one is executed; whether it did. [`Channel::proceed`] tells of its
    /// end.
    pub fn start(&mut self, place: usize, order: &Order) -> bool {
        if self.active.is_some() || self.failed.is_some() {
            return false;
        }
        if let Err(trouble) = self.try_start(place, order) {
            self.failed = Some((order.token, Err(trouble)));
        }
        true
    }

    fn try_start(&mut self, place: usize, order: &Order) -> Result<(), Trouble> {
        let drive = *self.drive(place).filter(|_| !self.is_dead).ok_or(Trouble::Dead)?;
        // It may have had something to do after the last data of a read.
        let is_idle = self.wait(FIRST_DATA).is_some_and(|status| status & DATA_READY == 0);
        if !is_idle {
            let status = self.status();
            self.reset();
            return Err(Trouble::Confused(status));
        }
        self.select(place);
        self.active = Some(Active { order: *order, moved: 0, block: drive.block });
        self.issue(&drive, order, place);
        if order.operation == Operation::Write {
            self.wait(FIRST_DATA);
        }
        Ok(())
    }

    /// Moves data as far as the drive lets it; the request, if it has ended with this. Else there is an interrupt when there is
    /// more to do.
    pub fn proceed(&mut self) -> Option<Ended> {
        if let Some(ended) = self.failed.take() {
            return Some(ended);
        }
        let mut active = self.active?;
        let (token, total) = (active.order.token, active.order.sectors);
        // Each turn moves a sector or is the last.
        loop {
            let status = self.status();
            if status & BUSY != 0 && !is_nothing(status) {
                self.active = Some(active);
                return None;
            }
            let status = self.command.read8(STATUS);
            if status & (FAILED | FAULT) != 0 {
                let error = self.command.read8(ERROR);
                return Some(self.end(token, Err(Trouble::Failed(status, error)), status));
            }
            match (status & DATA_READY != 0, active.moved < total) {
                (false, false) => return Some(self.end(token, Ok(()), status)),
                (true, true) => self.move_block(&mut active),
                _ => return Some(self.end(token, Err(Trouble::Confused(status)), status)),
            }
            // After the last data of a read there is no interrupt, and nothing that could go wrong.
            if active.moved == total && active.order.operation == Operation::Read {
                return Some(self.end(token, Ok(()), 0));
            }
        }
    }

    /// The command has ended. A drive that still has data for nobody is reset.
    fn end(&mut self, token: u16, result: Result<(), Trouble>, status: u8) -> Ended {
        self.active = None;
        if status & DATA_READY != 0 {
            self.reset();
        }
        (token, result)
    }

    /// Moves the next block between the drive and the user's memory.
    fn move_block(&self, active: &mut Active) {
        let end = active.order.sectors.min(active.moved.saturating_add(active.block));
        // 32 bits at a time, which the controller divides into two.
        while let Some(memory) = active.order.memory(active.moved, end) {
            // Cannot fail: they are ports, and the memory has whole sectors.
            let _ = match active.order.operation {
                Operation::Read => self.command.read_all(DATA, &memory),
                _ => self.command.write_all(DATA, &memory),
            };
            active.moved += (memory.len() / SECTOR) as u16;
        }
        self.pause();
    }

    /// Writes the registers of a command for the selected drive, and the command.
    fn issue(&self, drive: &Drive, order: &Order, place: usize) {
        let [short, long] = match (order.operation, drive.block) {
            (Operation::Read, 1) => READ,
            (Operation::Read, _) => READ_MULTIPLE,
            (Operation::Write, 1) => WRITE,
            (Operation::Write, _) => WRITE_MULTIPLE,
            (Operation::Flush, _) => FLUSH,
        };
        let is_long = match order.operation {
            Operation::Flush => drive.identity.long_flush,
            _ => order.sector + u64::from(order.sectors) > SHORT,
        };
        let bits = |shift: u32| (order.sector >> shift) as u8;
        if is_long {
            // The upper half is written first; the registers remember two values.
            self.address((order.sectors >> 8) as u8, [24, 32, 40].map(bits));
        } else {
            self.command.write8(DEVICE, device(place) | (bits(24) & 15));
        }
        self.address(order.sectors as u8, [0, 8, 16].map(bits));
        self.command.write8(STATUS, if is_long { long } else { short });
        self.pause();
    }

    fn address(&self, count: u8, sector: [u8; 3]) {
        self.command.write8(COUNT, count);
        LBA.into_iter().zip(sector).for_each(|(register, value)| self.command.write8(register, value));
    }

    /// Selects a drive; its registers are there after this. The one that was selected may have something to do yet.
    fn select(&self, place: usize) {
        self.wait(FIRST_DATA);
        self.command.write8(DEVICE, device(place));
        self.pause();
    }

    /// 400 ns: so long a drive may take until its status is right. A register is read in 100 ns at the least.
    fn pause(&self) {
        for _ in 0..4 {
            self.status();
        }
    }

    fn status(&self) -> u8 {
        self.control.read8(CONTROL)
    }

    /// Waits until the selected drive is not busy: its status. `None` if it is too long.
    fn wait(&self, nanoseconds: u64) -> Option<u8> {
        let end = ipc::clock().saturating_add(nanoseconds);
        loop {
            // The clock first: the task may be interrupted between the two.
            let is_late = ipc::clock() >= end;
            match self.status() {
                status if status & BUSY == 0 => return Some(status),
                status if is_late || is_nothing(status) => return None,
                _ => {}
            }
        }
    }

    /// Resets both drives, without interrupts from then on; whether they come back. `pause` lets so many nanoseconds pass.
    fn pulse(&self, pause: fn(u64)) -> bool {
        self.control.write8(CONTROL, SILENT | RESET);
        pause(RESETTING);
        self.control.write8(CONTROL, SILENT);
        pause(SETTLING);
        self.wait(RESET_PATIENCE).is_some()
    }

    /// After a reset: tells the drives how to move data, and lets them interrupt.
    fn begin(&mut self) {
        for place in 0..2 {
            let Some(drive) = self.drives.get(place).copied().flatten().filter(|_| !self.is_dead) else {
                continue;
            };
            let multiple = drive.identity.multiple;
            self.select(place);
            self.command.write8(COUNT, multiple);
            let taken = multiple > 1 && self.simple(SET_MULTIPLE).is_ok();
            if let Some(Some(drive)) = self.drives.get_mut(place) {
                drive.block = if taken { multiple.into() } else { 1 };
            }
        }
        self.command.read8(STATUS);
        self.control.write8(CONTROL, 0);
    }

    /// Executes a command of the selected drive and waits for it; the status.
    fn simple(&self, command: u8) -> Result<u8, Trouble> {
        self.command.write8(STATUS, command);
        self.pause();
        let status = self.wait(PATIENCE).ok_or(Trouble::Late)?;
        if status & (FAILED | FAULT) == 0 {
            Ok(status)
        } else {
            Err(Trouble::Failed(status, self.command.read8(ERROR)))
        }
    }

    /// What the drive in a place is; `None` if there is none, or none for disks.
    ///
    /// Errors: why it cannot be used.
    fn identify(&self, place: usize) -> Result<Option<Identity>, Trouble> {
        self.select(place);
        let status = self.status();
        // Where one drive is missing, the other answers for it with zeros.
        if is_nothing(status) || status == 0 {
            return Ok(None);
        }
        self.address(0, [0; 3]);
        let status = match self.simple(IDENTIFY) {
            Ok(0) => return Ok(None),
            Ok(status) => status,
            // Drives for CDs refuse, and show what they are.
            Err(Trouble::Failed(..))
                if self.command.read8(LBA[1]) != 0 || self.command.read8(LBA[2]) != 0 =>
            {
                return Ok(None);
            }
            Err(trouble) => return Err(trouble),
        };
        if status & DATA_READY == 0 {
            return Err(Trouble::Confused(status));
        }
        let mut bytes = [0; SIZE];
        bytes.as_chunks_mut().0.iter_mut().for_each(|word| *word = self.command.read32(DATA).to_le_bytes());
        self.pause();
        self.command.read8(STATUS);
        Identity::parse(&bytes).map(Some).map_err(Trouble::Unusable)
    }
}

/// The device register for the drive in a place.
const fn device(place: usize) -> u8 {
    BY_NUMBER | ((place as u8 & 1) << 4)
}

/// Lets time pass before there are users.
fn sleep(nanoseconds: u64) {
    resea::sleep(Duration::from_nanos(nanoseconds));
}

/// Lets time pass later: sleeping would refuse requests and swallow notifications meanwhile.
fn look_at_the_clock(nanoseconds: u64) {
    let end = ipc::clock() + nanoseconds;
    while ipc::clock() < end {}
}
