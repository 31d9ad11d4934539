//! The server that all drivers of disks are: users, their rings, deferred `wait`, time limits, heartbeats.
//!
//! Whatever a user writes into its rings, the controller gets only requests that are as they should be. A device that
//! breaks the rules ends the driver with a line that says how; whether to try again is for dm to decide.

use crate::request::Taken;
use crate::users::Users;
use crate::work::Work;
use crate::{Broken, Controller, Driver, Operation, Start, Transfer, size};
use abi::{NOTIFY_IRQ, NOTIFY_TIMER};
use driver::{Device, DriverError, Interrupt};
use interfaces::blk::{self, AttachReply, NOTIFY_DRIVER, StatusReply, WaitCall};
use ipc::server::Events;
use ipc::{Error, TaskId};
use resea::Never;

pub use crate::users::USERS;

/// Most disks of a driver.
pub const UNITS: u32 = 4;
/// Nanoseconds between looks at the time that requests take: a request has two to three of them.
const TICK: u64 = 5_000_000_000;
/// How many requests are taken before other messages have their turn.
const ROUND: usize = 256;

/// What was counted for a disk.
#[derive(Clone, Copy, Default)]
struct Counts {
    reads: u64,
    read_sectors: u64,
    writes: u64,
    written_sectors: u64,
    flushes: u64,
    errors: u64,
}

/// A driver of disks.
pub struct Server<C> {
    device: Device,
    controller: C,
    interrupts: [Option<Interrupt>; 2],
    users: Users,
    work: Work,
    pages: u16,
    /// Whose ring is looked at first.
    turn: usize,
    /// The disks (bits) for which the device has no room.
    busy: u32,
    /// There is more to do than was done at once; the timer is set for that.
    is_hurried: bool,
    is_ticking: bool,
    counts: [Counts; UNITS as usize],
    interrupted: u64,
}

/// Serves for ever: as [`Server::new`], and then what dm and users want. `pages` as there.
///
/// Errors: those of [`Server::new`].
pub fn run<C: Controller>(device: Device, controller: C, pages: u16) -> Result<Never, DriverError> {
    let mut server = Server::new(device, controller, pages)?;
    ipc::server::run(&mut server, blk::dispatch)
}

impl<C: Controller> Server<C> {
    /// The driver of a device that works, which dm is told. Each user gets so many data pages: the manifest's `dma` has room
    /// for a page, [`USERS`] times [`size`], and what the controller has, from index `USERS + 1` on.
    ///
    /// Errors: `Memory`, `NoInterrupt`, `Interrupt`, `Ready`.
    pub fn new(device: Device, controller: C, pages: u16) -> Result<Self, DriverError> {
        let users = Users::new(&device, pages)?;
        let mut interrupts = [const { None }; 2];
        for (number, place) in (0..controller.interrupts()).zip(&mut interrupts) {
            *place = Some(device.interrupt_at(number, NOTIFY_IRQ)?);
        }
        let units = (0..UNITS).filter(|&unit| controller.unit(unit).is_some());
        device.ready_units(units.fold(0, |units, unit| units | 1 << unit))?;
        let (work, counts) = (Work::new(), [Counts::default(); UNITS as usize]);
        let (turn, busy, is_hurried, is_ticking, interrupted) = (0, 0, false, false, 0);
        Ok(Self {
            device,
            controller,
            interrupts,
            users,
            work,
            pages,
            turn,
            busy,
            is_hurried,
            is_ticking,
            counts,
            interrupted,
        })
    }

    /// Does what there is to be done until the device or a user has to do something.
    fn work(&mut self) {
        let mut room = ROUND;
        loop {
            while let Some((token, result)) = self.or_end(C::finished) {
                self.end(token, result);
            }
            let taken = self.start_some(&mut room);
            self.controller.started();
            if room == 0 {
                // At once, but after what waits. A task has no right to notify itself.
                self.is_hurried = true;
                ipc::timer(1);
                break;
            }
            if !taken && self.all_sleep() {
                break;
            }
        }
        self.answer_waiting();
        if !self.is_ticking && !self.is_hurried && !self.work.is_empty() {
            self.is_ticking = true;
            ipc::timer(TICK);
        }
    }

    /// Starts requests as long as there are some, the device has room, and it is not too much. Whether any was taken.
    fn start_some(&mut self, room: &mut usize) -> bool {
        let mut taken = false;
        self.busy = 0;
        while *room > 0 {
            let token = match self.work.first_idle(self.busy) {
                Some(token) => token,
                None => match self.take() {
                    Some(token) => token,
                    None => break,
                },
            };
            let Some(job) = self.work.get(token) else { break };
            let transfer = job.transfer;
            let start = match self.refusal(&transfer) {
                Some(result) => Start::Done(result),
                None => self.or_end(|controller| controller.start(token, &transfer)),
            };
            match start {
                Start::Accepted => self.work.set_started(token),
                Start::Done(result) => self.end(token, result),
                Start::Busy => {
                    self.busy |= 1 << transfer.unit;
                    continue;
                }
            }
            (taken, *room) = (true, *room - 1);
        }
        taken
    }

    /// What a request comes to that the device need not see.
    fn refusal(&self, transfer: &Transfer) -> Option<Result<(), Error>> {
        let unit = self.controller.unit(transfer.unit)?;
        let end = transfer.sector().checked_add(transfer.sectors().into());
        match transfer.operation() {
            Operation::Flush if !unit.volatile => Some(Ok(())),
            Operation::Flush => None,
            _ if end.is_none_or(|end| end > unit.sectors) => Some(Err(Error::OutOfBounds)),
            Operation::Write if unit.read_only => Some(Err(Error::ReadOnly)),
            _ => None,
        }
    }

    /// Takes a request from a ring, each user in turn, if there is room for one of its disk; its token.
    fn take(&mut self) -> Option<u16> {
        if self.work.is_full() {
            return None;
        }
        for place in (self.turn..USERS).chain(0..self.turn) {
            if let Some(transfer) = self.take_from(place) {
                self.turn = (place + 1) % USERS;
                return self.work.add(place, transfer);
            }
        }
        None
    }

    fn take_from(&mut self, place: usize) -> Option<Transfer> {
        let busy = self.busy;
        let user = self.users.users.get_mut(place)?.as_mut().filter(|user| busy >> user.unit & 1 == 0)?;
        let rings = user.rings.as_mut()?;
        let memory = *rings.memory();
        match rings.take() {
            Ok(request) => Some(Transfer::new(user.unit, request?, memory, user.physical)),
            Err(Broken) => {
                self.drop_user(place);
                None
            }
        }
    }

    /// A request has ended: counts it, and tells its user unless that was dropped.
    fn end(&mut self, token: u16, result: Result<(), Error>) {
        let Some(job) = self.work.remove(token) else { return };
        if let Some(counts) = self.counts.get_mut(job.transfer.unit as usize) {
            counts.add(&job.transfer.request, result);
        }
        // Whose place is given to another one has no job any more.
        let user = self.users.users.get_mut(job.place).and_then(Option::as_mut);
        if let Some(rings) = user.and_then(|user| user.rings.as_mut())
            && rings.answer(job.transfer.request.tag, result).is_err()
        {
            self.drop_user(job.place);
        }
    }

    /// Whether all users have been asked to notify, and none has made a request meanwhile that there is room for.
    fn all_sleep(&mut self) -> bool {
        let mut all = true;
        for place in 0..USERS {
            let Some(Some(user)) = self.users.users.get(place) else { continue };
            // Where there is no room it goes on when a request has ended.
            let waits = self.work.is_full() || self.busy >> user.unit & 1 != 0;
            match user.rings.as_ref().map_or(Ok(true), Driver::sleep) {
                Ok(sleeps) => all &= sleeps || waits,
                Err(Broken) => self.drop_user(place),
            }
        }
        all
    }

    fn answer_waiting(&mut self) {
        for place in 0..USERS {
            let Some(Some(user)) = self.users.users.get_mut(place) else { continue };
            if user.waiting.is_none() {
                continue;
            }
            match user.rings.as_ref().map_or(Err(Broken), Driver::has_news) {
                Ok(false) => {}
                Ok(true) => {
                    if let Some(call) = user.waiting.take() {
                        call.reply();
                    }
                }
                Err(Broken) => self.drop_user(place),
            }
        }
    }

    /// A user has broken the rules: it is heard again when it attaches again.
    #[cold]
    fn drop_user(&mut self, place: usize) {
        let Some(Some(user)) = self.users.users.get_mut(place) else { return };
        resea::warn!("task {} is dropped: {Broken}", user.task.raw());
        // What the device still has of it ends unheard.
        user.rings = None;
        if let Some(call) = user.waiting.take() {
            call.fail(Error::BadMessage);
        }
    }

    /// A user's task has ended: nothing more of it is done.
    fn remove_user(&mut self, place: usize) {
        self.forget(place);
        if let Some(user) = self.users.users.get_mut(place) {
            *user = None;
        }
    }

    /// Takes back what the device may have of a user's requests.
    fn forget(&mut self, place: usize) {
        if self.work.first_of(place).is_some() {
            self.reset();
        }
        while let Some(token) = self.work.first_of(place) {
            self.work.remove(token);
        }
    }

    fn reset(&mut self) {
        self.or_end(C::reset);
        self.work.stopped();
    }

    /// Time has passed: resets the device if it takes too long with a request, which has failed then.
    fn tick(&mut self) {
        self.is_ticking = false;
        if !self.work.tick() {
            return;
        }
        resea::warn!("the device does not answer; it is reset");
        self.reset();
        while let Some(token) = self.work.first_late() {
            self.end(token, Err(Error::InputOutput));
        }
    }

    /// What the controller says, or the end of the driver.
    fn or_end<T>(&mut self, act: impl FnOnce(&mut C) -> Result<T, C::Fault>) -> T {
        match act(&mut self.controller) {
            Ok(value) => value,
            Err(fault) => {
                resea::warn!("{fault}; it is stopped");
                // If it does not stop either, dm takes its access to memory away.
                let _ = self.controller.reset();
                ipc::exit(1)
            }
        }
    }
}

impl Counts {
    fn add(&mut self, request: &Taken, result: Result<(), Error>) {
        let sectors = u64::from(request.sectors);
        match (request.operation, result) {
            // What the user should not have asked for is no error of the device.
            (_, Err(Error::OutOfBounds | Error::ReadOnly)) => {}
            (_, Err(_)) => self.errors += 1,
            (Operation::Read, Ok(())) => {
                (self.reads, self.read_sectors) = (self.reads + 1, self.read_sectors + sectors)
            }
            (Operation::Write, Ok(())) => {
                (self.writes, self.written_sectors) = (self.writes + 1, self.written_sectors + sectors);
            }
            (Operation::Flush, Ok(())) => self.flushes += 1,
        }
    }
}

impl<C: Controller> blk::Server for Server<C> {
    fn attach(&mut self, sender: TaskId, unit: u32) -> Result<AttachReply, Error> {
        let disk = self.controller.unit(unit).ok_or(Error::NotFound)?;
        // What is left of those that have ended must not come after what this user does.
        for place in 0..USERS {
            if self.users.has_ended(place) {
                self.remove_user(place);
            }
        }
        let place = self.users.place(sender, unit)?;
        // The device must not write what is not wanted any more.
        self.forget(place);
        let attached = self.users.attach(&self.device, place, sender, unit);
        // Even if that has failed: others may have requests that a reset has stopped.
        self.work();
        let blocks = attached?;
        let (sectors, read_only, volatile) = (disk.sectors, disk.read_only, disk.volatile);
        Ok(AttachReply { blocks, size: size(self.pages), sectors, read_only, volatile })
    }

    fn wait(&mut self, call: WaitCall) {
        match self.users.of(call.sender(), call.unit) {
            None => call.fail(Error::NotPermitted),
            Some(user) if user.rings.is_none() => call.fail(Error::BadMessage),
            Some(user) => {
                user.waiting = Some(call);
                self.work();
            }
        }
    }

    fn status(&mut self, _: TaskId, unit: u32) -> Result<StatusReply, Error> {
        let disk = self.controller.unit(unit).ok_or(Error::NotFound)?;
        let counts = self.counts.get(unit as usize).copied().unwrap_or_default();
        let Counts { reads, read_sectors, writes, written_sectors, flushes, errors } = counts;
        let (sectors, read_only, interrupts) = (disk.sectors, disk.read_only, self.interrupted);
        Ok(StatusReply {
            sectors,
            read_only,
            reads,
            read_sectors,
            writes,
            written_sectors,
            flushes,
            errors,
            interrupts,
        })
    }
}

impl<C: Controller> Events for Server<C> {
    fn notified(&mut self, bits: usize) {
        self.device.answer_heartbeat(bits);
        if bits & NOTIFY_IRQ != 0 {
            self.interrupted += 1;
            self.controller.interrupted();
            // Before the work: what the device does from now on interrupts again, unless the work finds it.
            self.interrupts.iter().flatten().for_each(Interrupt::acknowledge);
        }
        if bits & NOTIFY_TIMER != 0 && !core::mem::take(&mut self.is_hurried) {
            self.tick();
        } else if bits & NOTIFY_TIMER != 0 {
            self.is_ticking = false;
        }
        if bits & (NOTIFY_IRQ | NOTIFY_TIMER | NOTIFY_DRIVER as usize) != 0 {
            self.work();
        }
    }
}
