//! Shared memory objects and the handles by which tasks name them.
//!
//! An object is a chain of frames; it lives as long as some task has a handle to it, or for ever if it is kept, which
//! counts as a handle of nobody's. A handle belongs to one task, says
//! whether that task may write, and has at most one mapping. Handles that were closed are not reused at once: their
//! place gets a new generation.
//!
//! Every handle has a payer, whose places and memory it counts against: who made it or, if it was granted, the granter
//! until the receiver has accepted it by mapping it. So nobody can fill another's places, and a granter that ends takes
//! back what was not accepted. A task pays once for each object that it has handles to; memory that nobody pays for is
//! free, so all objects together are never larger than what the manifests of the living tasks allow.
//!
//! Only bookkeeping: mapping and unmapping pages is up to [`crate::memory`].

use crate::frames::{Chain, Frame, PAGE};
use abi::{Error, MAX_TASKS, TaskId};
use ipc::Handle;

/// Objects at once.
pub const MAX_OBJECTS: usize = 256;
/// Handles at once.
pub const MAX_HANDLES: usize = 512;
/// Handles that one task can pay for at once.
pub const MAX_HANDLES_PER_TASK: u16 = 64;
/// Largest object in bytes: mapping it is one request, and requests must be short.
pub const MAX_SIZE: u64 = 16 << 20;
/// Where shared memory is mapped.
pub const FIRST_ADDRESS: u64 = 0x10_0000_0000;

const PLACE_BITS: u32 = 9;
const _: () = assert!(MAX_HANDLES <= 1 << PLACE_BITS);

struct Object {
    frames: Chain,
    handles: u16,
}

#[derive(Clone, Copy)]
struct Entry {
    owner: Option<TaskId>,
    /// The owner, or while the owner has not accepted it who granted it.
    payer: Option<TaskId>,
    generation: u32,
    object: u16,
    writable: bool,
    address: u64,
}

impl Entry {
    /// Whether the task has the handle or pays for it.
    fn concerns(&self, task: TaskId) -> bool {
        self.owner == Some(task) || self.payer == Some(task)
    }
}

/// What a handle stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// The object's first frame; the others follow in its chain.
    pub first: Option<Frame>,
    /// Its length in pages.
    pub pages: u32,
    /// Whether the owner of the handle may write to it.
    pub writable: bool,
    /// Where it is mapped; 0 if it is not.
    pub address: u64,
}

/// What is left after a handle was closed.
#[derive(PartialEq, Eq, Debug)]
pub struct Closed {
    /// Where it was mapped; 0 if it was not.
    pub address: u64,
    /// Length of the object in pages.
    pub pages: u32,
    /// The object's frames if this was its last handle.
    pub frames: Chain,
}

/// All objects and handles.
pub struct Shares {
    objects: [Object; MAX_OBJECTS],
    entries: [Entry; MAX_HANDLES],
    /// Per task: handles that it pays for. And: handles that it was granted and has not accepted.
    paid: [u16; MAX_TASKS],
    waiting: [u16; MAX_TASKS],
    frames: u64,
}

impl Shares {
    /// No objects.
    pub const fn new() -> Self {
        const FREE: Entry =
            Entry { owner: None, payer: None, generation: 0, object: 0, writable: false, address: 0 };
        Self {
            objects: [const { Object { frames: Chain::EMPTY, handles: 0 } }; MAX_OBJECTS],
            entries: [FREE; MAX_HANDLES],
            paid: [0; MAX_TASKS],
            waiting: [0; MAX_TASKS],
            frames: 0,
        }
    }

    /// Frames in all objects.
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Makes an object of `frames` (at least one), which are taken if it succeeds. `TableFull` if no object or handle is
    /// left, for all or for `owner`. That the owner may pay for it was checked with [`Shares::check`].
    pub fn create(&mut self, owner: TaskId, frames: &mut Chain) -> Result<Handle, Error> {
        let object = self.objects.iter().position(|object| object.handles == 0).ok_or(Error::TableFull)?;
        let handle = self.insert(owner, owner, object, true)?;
        self.frames += u64::from(frames.count());
        self.objects[object].frames = core::mem::take(frames);
        Ok(handle)
    }

    /// Has the object live for ever; its number for [`Shares::reopen`]. `BadHandle` as in [`Shares::get`].
    pub fn keep(&mut self, owner: TaskId, handle: Handle) -> Result<u16, Error> {
        let object = self.entries[self.place(owner, handle)?].object;
        self.objects[usize::from(object) % MAX_OBJECTS].handles += 1;
        Ok(object)
    }

    /// A new handle to an object that is kept. `InvalidArgument` if it has not `pages` pages; `TooLarge`, `TableFull` as
    /// in [`Shares::grant`].
    pub fn reopen(&mut self, owner: TaskId, object: u16, pages: u32, limit: u64) -> Result<Handle, Error> {
        if self.objects[usize::from(object) % MAX_OBJECTS].frames.count() != pages {
            return Err(Error::InvalidArgument);
        }
        self.check_object(owner, object, limit)?;
        self.insert(owner, owner, usize::from(object), true)
    }

    /// `TooLarge` if `pages` more than `task` pays for already are more than `limit`.
    pub fn check(&self, task: TaskId, pages: u64, limit: u64) -> Result<(), Error> {
        let mut counted = [false; MAX_OBJECTS];
        let mut sum = pages;
        for entry in self.paid_by(task) {
            let object = usize::from(entry.object) % MAX_OBJECTS;
            if !core::mem::replace(&mut counted[object], true) {
                sum = sum.saturating_add(u64::from(self.objects[object].frames.count()));
            }
        }
        if sum <= limit { Ok(()) } else { Err(Error::TooLarge) }
    }

    /// As [`Shares::check`], for an object that the task may pay for already.
    fn check_object(&self, task: TaskId, object: u16, limit: u64) -> Result<(), Error> {
        if self.paid_by(task).any(|entry| entry.object == object) {
            return Ok(());
        }
        let pages = self.objects[usize::from(object) % MAX_OBJECTS].frames.count();
        self.check(task, pages.into(), limit)
    }

    /// Gives `to` a handle to the same object, which `owner` pays for. `BadHandle`, `TableFull`, `TooLarge` (more than
    /// `limit` pages to pay for), `NotPermitted` (`writable`, but the own handle is not).
    pub fn grant(
        &mut self,
        owner: TaskId,
        handle: Handle,
        to: TaskId,
        writable: bool,
        limit: u64,
    ) -> Result<Handle, Error> {
        let entry = self.entries[self.place(owner, handle)?];
        if writable && !entry.writable {
            return Err(Error::NotPermitted);
        }
        self.check_object(owner, entry.object, limit)?;
        self.insert(to, owner, usize::from(entry.object), writable)
    }

    /// `owner` is going to map the handle and pays for it from now on. `BadHandle`, `TableFull` (it pays for too many
    /// handles), `TooLarge` (for more than `limit` pages).
    pub fn accept(&mut self, owner: TaskId, handle: Handle, limit: u64) -> Result<(), Error> {
        let place = self.place(owner, handle)?;
        let entry = self.entries[place];
        let Some(payer) = entry.payer.filter(|&payer| payer != owner) else { return Ok(()) };
        if self.paid[owner.index().get()] >= MAX_HANDLES_PER_TASK {
            return Err(Error::TableFull);
        }
        self.check_object(owner, entry.object, limit)?;
        self.paid[payer.index().get()] -= 1;
        self.waiting[owner.index().get()] -= 1;
        self.paid[owner.index().get()] += 1;
        self.entries[place].payer = Some(owner);
        Ok(())
    }

    fn insert(
        &mut self,
        owner: TaskId,
        payer: TaskId,
        object: usize,
        writable: bool,
    ) -> Result<Handle, Error> {
        let count = &mut self.paid[payer.index().get()];
        if *count >= MAX_HANDLES_PER_TASK {
            return Err(Error::TableFull);
        }
        let mut places = self.entries.iter_mut().enumerate();
        let (place, entry) = places.find(|(_, entry)| entry.owner.is_none()).ok_or(Error::TableFull)?;
        // Generations start at 1, so that handle 0 is nobody's.
        let generation = entry.generation % (u32::MAX >> PLACE_BITS) + 1;
        let (owned, paid) = (Some(owner), Some(payer));
        *entry = Entry { owner: owned, payer: paid, generation, object: object as u16, writable, address: 0 };
        *count += 1;
        self.waiting[owner.index().get()] += u16::from(owner != payer);
        self.objects[object % MAX_OBJECTS].handles += 1;
        Ok(Handle::from_raw(generation << PLACE_BITS | place as u32))
    }

    fn place(&self, owner: TaskId, handle: Handle) -> Result<usize, Error> {
        self.place_where(handle, |entry| entry.owner == Some(owner))
    }

    fn place_where(&self, handle: Handle, allowed: impl Fn(&Entry) -> bool) -> Result<usize, Error> {
        let (place, generation) = (handle.raw() & ((1 << PLACE_BITS) - 1), handle.raw() >> PLACE_BITS);
        match self.entries.get(place as usize) {
            Some(entry) if allowed(entry) && entry.generation == generation => Ok(place as usize),
            _ => Err(Error::BadHandle),
        }
    }

    /// What `owner` names by `handle`. `BadHandle` if it is not one of the owner's.
    pub fn get(&self, owner: TaskId, handle: Handle) -> Result<Share, Error> {
        let entry = &self.entries[self.place(owner, handle)?];
        let frames = &self.objects[usize::from(entry.object) % MAX_OBJECTS].frames;
        Ok(Share {
            first: frames.first(),
            pages: frames.count(),
            writable: entry.writable,
            address: entry.address,
        })
    }

    /// Notes where the handle is mapped; 0 for not any more. `BadHandle` as in [`Shares::get`].
    pub fn set_address(&mut self, owner: TaskId, handle: Handle, address: u64) -> Result<(), Error> {
        let place = self.place(owner, handle)?;
        self.entries[place].address = address;
        Ok(())
    }

    /// The lowest address where `pages` pages are free in the part of `owner`'s address space for shared memory. A page
    /// is left free behind each mapping, so that running past its end faults.
    pub fn free_address(&self, owner: TaskId, pages: u32) -> u64 {
        let length = |pages: u32| (u64::from(pages) + 1) * PAGE;
        let mut address = FIRST_ADDRESS;
        loop {
            let end = address + length(pages);
            // Who has mapped a handle pays for it.
            let in_the_way = self.paid_by(owner).find_map(|entry| {
                let object = &self.objects[usize::from(entry.object) % MAX_OBJECTS];
                let entry_end = entry.address + length(object.frames.count());
                (entry.address != 0 && entry.address < end && address < entry_end).then_some(entry_end)
            });
            match in_the_way {
                Some(end) => address = end,
                None => return address,
            }
        }
    }

    fn paid_by(&self, task: TaskId) -> impl Iterator<Item = &Entry> {
        let count = usize::from(self.paid[task.index().get()]);
        self.entries.iter().filter(move |entry| entry.payer == Some(task)).take(count)
    }

    /// Closes a handle that `task` has, or has granted and that was not accepted. `BadHandle` if it is none of these.
    pub fn close(&mut self, task: TaskId, handle: Handle) -> Result<Closed, Error> {
        let place = self.place_where(handle, |entry| entry.concerns(task))?;
        Ok(self.close_place(place))
    }

    /// Closes one of the handles that a task that has ended had or paid for; `None` when there are no more.
    pub fn close_any(&mut self, task: TaskId) -> Option<Closed> {
        if self.paid[task.index().get()] == 0 && self.waiting[task.index().get()] == 0 {
            return None;
        }
        let place = self.entries.iter().position(|entry| entry.concerns(task))?;
        Some(self.close_place(place))
    }

    fn close_place(&mut self, place: usize) -> Closed {
        let entry = &mut self.entries[place % MAX_HANDLES];
        if let (Some(owner), Some(payer)) = (entry.owner.take(), entry.payer.take()) {
            self.paid[payer.index().get()] -= 1;
            self.waiting[owner.index().get()] -= u16::from(owner != payer);
        }
        let object = &mut self.objects[usize::from(entry.object) % MAX_OBJECTS];
        let (address, pages) = (entry.address, object.frames.count());
        entry.address = 0;
        object.handles -= 1;
        let frames = if object.handles == 0 { core::mem::take(&mut object.frames) } else { Chain::EMPTY };
        self.frames -= u64::from(frames.count());
        Closed { address, pages, frames }
    }
}

impl Default for Shares {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
