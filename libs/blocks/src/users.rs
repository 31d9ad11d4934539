//! The users of a driver, and their memory. A user is a task and the disk that it uses.
//!
//! Who has which memory stands in a page that is kept over the driver's lives: a user's memory is never given to another
//! one while its task lives, and is zeroed in between.

use crate::{Driver, size};
use driver::{Device, DmaMemory, DriverError};
use interfaces::blk::WaitCall;
use ipc::{Error, Handle, TaskId};

/// Most users of a driver, of all its disks together.
pub const USERS: usize = 4;
/// Which of the driver's memory is the page that says who has which; those of the users follow.
const REGISTER: u32 = 0;
const PAGE: usize = 4096;

/// A user that has attached in this life of the driver.
#[derive(Debug)]
pub struct User {
    pub task: TaskId,
    pub unit: u32,
    /// `None`: it has broken the rules.
    pub rings: Option<Driver>,
    pub waiting: Option<WaitCall>,
    /// Where its memory begins for the device.
    pub physical: u64,
}

/// All users.
pub struct Users {
    register: DmaMemory,
    memory: [Option<DmaMemory>; USERS],
    /// The handles that they were given last.
    granted: [Option<Handle>; USERS],
    pub users: [Option<User>; USERS],
    pages: u16,
}

impl Users {
    /// No user yet in this life; each will have so many data pages.
    ///
    /// Errors: `Memory`.
    pub fn new(device: &Device, pages: u16) -> Result<Self, DriverError> {
        let mut users = Self {
            register: device.memory(REGISTER, PAGE, true)?,
            memory: [const { None }; USERS],
            granted: [None; USERS],
            users: [const { None }; USERS],
            pages,
        };
        // Nearly every disk is used, and its first user shall not wait for memory. If there is none, that is told to the user.
        let _ = users.memory_at(device, 0);
        Ok(users)
    }

    /// The place of this user, which it has already or which is free.
    ///
    /// Errors: `TableFull`.
    pub fn place(&self, task: TaskId, unit: u32) -> Result<usize, Error> {
        let owned = |place: &usize| self.owner(*place) == Some((task, unit));
        let free = |place: &usize| self.owner(*place).is_none_or(|(owner, _)| is_gone(owner));
        let found = (0..USERS).find(owned).or_else(|| (0..USERS).find(free));
        found.ok_or(Error::TableFull)
    }

    /// Whether the user at this place has ended.
    pub fn has_ended(&self, place: usize) -> bool {
        self.users.get(place).and_then(Option::as_ref).is_some_and(|user| is_gone(user.task))
    }

    /// Makes the task the user at this place, with empty rings. None of the place's requests is in flight.
    ///
    /// Errors: those of dm's `memory` and vm's `share_grant`.
    pub fn attach(
        &mut self,
        device: &Device,
        place: usize,
        task: TaskId,
        unit: u32,
    ) -> Result<Handle, Error> {
        let memory = self.memory_at(device, place)?;
        let (region, physical) = (*memory.region(), memory.physical());
        let owner = self.owner(place);
        if owner != Some((task, unit)) {
            // What nobody has had yet is zero since dm made it.
            if owner.is_some() {
                region.zero();
            }
            // Only now: should the driver die in between, the next one zeroes it again.
            self.register.region().store(place * 8, task.raw() as u64 | u64::from(unit) << 32)?;
        }
        let rings = Some(Driver::new(region, self.pages).map_err(|_| Error::TooLarge)?);
        let user = User { task, unit, rings, waiting: None, physical };
        *self.users.get_mut(place).ok_or(Error::TableFull)? = Some(user);
        self.take_back(place);
        let handle = self.memory_at(device, place)?.grant(task)?;
        if let Some(granted) = self.granted.get_mut(place) {
            *granted = Some(handle);
        }
        Ok(handle)
    }

    /// Takes back the handle that was given last, so that those that nobody maps do not become many: until the user has mapped
    /// it, it counts against the driver.
    fn take_back(&mut self, place: usize) {
        if let Some(handle) = self.granted.get_mut(place).and_then(Option::take) {
            // What is mapped is the user's, and stays: `BadHandle`.
            let _ = resea::vm().share_close(handle);
        }
    }

    /// The user that is this task with this disk.
    pub fn of(&mut self, task: TaskId, unit: u32) -> Option<&mut User> {
        self.users.iter_mut().flatten().find(|user| (user.task, user.unit) == (task, unit))
    }

    /// A task has 32 bits in the register; above them is the disk.
    fn owner(&self, place: usize) -> Option<(TaskId, u32)> {
        let word = self.register.region().load(place * 8).unwrap_or(0);
        Some((TaskId::from_raw(word as u32 as usize)?, (word >> 32) as u32))
    }

    fn memory_at(&mut self, device: &Device, place: usize) -> Result<&DmaMemory, Error> {
        let slot = self.memory.get_mut(place).ok_or(Error::TableFull)?;
        match slot {
            Some(memory) => Ok(memory),
            None => match device.memory(REGISTER + 1 + place as u32, size(self.pages), true) {
                Ok(memory) => Ok(slot.insert(memory)),
                Err(DriverError::Memory { error, .. }) => Err(error),
                Err(_) => Err(Error::OutOfMemory),
            },
        }
    }
}

/// To notify nothing tells whether the task is there.
fn is_gone(task: TaskId) -> bool {
    ipc::notify(task, 0) == Err(Error::NoTask)
}
