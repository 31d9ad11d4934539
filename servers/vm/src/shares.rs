//! Shared memory objects and the handles by which tasks name them.
//!
//! An object is a chain of frames; it lives as long as some task has a handle to it. A handle belongs to one task, says
//! whether that task may write, and has at most one mapping. Handles that were closed are not reused at once: their
//! place gets a new generation.
//!
//! Only bookkeeping: mapping and unmapping pages is up to [`crate::memory`].

use crate::frames::{Chain, Frame, PAGE};
use abi::{Error, MAX_TASKS, TaskId};
use ipc::Handle;

/// Objects at once.
pub const MAX_OBJECTS: usize = 256;
/// Handles at once.
pub const MAX_HANDLES: usize = 512;
/// Handles that one task can have at once.
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
    generation: u32,
    object: u16,
    writable: bool,
    address: u64,
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
    handles: [u16; MAX_TASKS],
    frames: u64,
}

impl Shares {
    /// No objects.
    pub const fn new() -> Self {
        const FREE: Entry = Entry { owner: None, generation: 0, object: 0, writable: false, address: 0 };
        Self {
            objects: [const { Object { frames: Chain::EMPTY, handles: 0 } }; MAX_OBJECTS],
            entries: [FREE; MAX_HANDLES],
            handles: [0; MAX_TASKS],
            frames: 0,
        }
    }

    /// Frames in all objects.
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Makes an object of `frames` (at least one), which are taken if it succeeds. `TableFull` if no object or handle is
    /// left, for all or for `owner`.
    pub fn create(&mut self, owner: TaskId, frames: &mut Chain) -> Result<Handle, Error> {
        let object = self.objects.iter().position(|object| object.handles == 0).ok_or(Error::TableFull)?;
        let handle = self.insert(owner, object, true)?;
        self.frames += u64::from(frames.count());
        self.objects[object].frames = core::mem::take(frames);
        Ok(handle)
    }

    /// Gives `to` a handle to the same object. `BadHandle`, `TableFull`, `NotPermitted` (`writable`, but the own handle
    /// is not).
    pub fn grant(
        &mut self,
        owner: TaskId,
        handle: Handle,
        to: TaskId,
        writable: bool,
    ) -> Result<Handle, Error> {
        let entry = self.entries[self.place(owner, handle)?];
        if writable && !entry.writable {
            return Err(Error::NotPermitted);
        }
        self.insert(to, usize::from(entry.object), writable)
    }

    fn insert(&mut self, owner: TaskId, object: usize, writable: bool) -> Result<Handle, Error> {
        let count = &mut self.handles[owner.index().get()];
        if *count >= MAX_HANDLES_PER_TASK {
            return Err(Error::TableFull);
        }
        let mut places = self.entries.iter_mut().enumerate();
        let (place, entry) = places.find(|(_, entry)| entry.owner.is_none()).ok_or(Error::TableFull)?;
        // Generations start at 1, so that handle 0 is nobody's.
        let generation = entry.generation % (u32::MAX >> PLACE_BITS) + 1;
        *entry = Entry { owner: Some(owner), generation, object: object as u16, writable, address: 0 };
        *count += 1;
        self.objects[object % MAX_OBJECTS].handles += 1;
        Ok(Handle::from_raw(generation << PLACE_BITS | place as u32))
    }

    fn place(&self, owner: TaskId, handle: Handle) -> Result<usize, Error> {
        let (place, generation) = (handle.raw() & ((1 << PLACE_BITS) - 1), handle.raw() >> PLACE_BITS);
        match self.entries.get(place as usize) {
            Some(entry) if entry.owner == Some(owner) && entry.generation == generation => Ok(place as usize),
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
            let in_the_way = self.of(owner).find_map(|entry| {
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

    fn of(&self, owner: TaskId) -> impl Iterator<Item = &Entry> {
        let count = usize::from(self.handles[owner.index().get()]);
        self.entries.iter().filter(move |entry| entry.owner == Some(owner)).take(count)
    }

    /// Closes a handle. `BadHandle` as in [`Shares::get`].
    pub fn close(&mut self, owner: TaskId, handle: Handle) -> Result<Closed, Error> {
        Ok(self.close_place(self.place(owner, handle)?))
    }

    /// Closes one of the handles of a task that has ended; `None` when there are no more.
    pub fn close_any(&mut self, owner: TaskId) -> Option<Closed> {
        if self.handles[owner.index().get()] == 0 {
            return None;
        }
        let place = self.entries.iter().position(|entry| entry.owner == Some(owner))?;
        Some(self.close_place(place))
    }

    fn close_place(&mut self, place: usize) -> Closed {
        let entry = &mut self.entries[place % MAX_HANDLES];
        if let Some(owner) = entry.owner.take() {
            self.handles[owner.index().get()] -= 1;
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
mod tests {
    extern crate std;
    use super::*;
    use crate::frames::tests::stock;
    use abi::TaskIndex;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn task(index: usize) -> TaskId {
        TaskId::new(TaskIndex::new(index), 1).unwrap()
    }

    fn chain(frames: &mut crate::frames::Frames, pages: usize) -> Chain {
        let mut chain = Chain::EMPTY;
        for _ in 0..pages {
            let frame = frames.take_outside(true).unwrap();
            frames.push(&mut chain, frame, 0);
        }
        chain
    }

    #[test]
    fn a_read_only_handle_grants_no_more_than_it_has() {
        let mut frames = stock(&[(0x1000, 0x4000)]);
        let mut shares = Shares::new();
        let mine = shares.create(task(1), &mut chain(&mut frames, 2)).unwrap();
        let theirs = shares.grant(task(1), mine, task(2), false).unwrap();
        assert!(!shares.get(task(2), theirs).unwrap().writable);
        assert_eq!(shares.grant(task(2), theirs, task(3), true), Err(Error::NotPermitted));
        assert_eq!(shares.get(task(3), theirs), Err(Error::BadHandle));
        assert_eq!(shares.close(task(1), mine).unwrap().frames, Chain::EMPTY, "the other handle keeps it");
        assert_eq!(shares.close(task(1), mine), Err(Error::BadHandle));
        assert_eq!(shares.close(task(2), theirs).unwrap().frames.count(), 2);
    }

    #[test]
    fn tables_are_bounded_for_each_task() {
        let mut frames = stock(&[(0x1000, 0x10_0000)]);
        let mut shares = Shares::new();
        for _ in 0..MAX_HANDLES_PER_TASK {
            shares.create(task(1), &mut chain(&mut frames, 1)).unwrap();
        }
        let mut one_more = chain(&mut frames, 1);
        assert_eq!(shares.create(task(1), &mut one_more), Err(Error::TableFull));
        assert_eq!(one_more.count(), 1, "a refused chain stays the caller's");
        assert!(shares.create(task(2), &mut one_more).is_ok());
    }

    proptest! {
        /// Mappings never overlap, frames come back exactly once, and handles are never somebody else's.
        #[test]
        fn objects_live_as_long_as_their_handles(
            steps in proptest::collection::vec((0..5u8, 0..4usize, 0..4usize, 1..4usize), 1..150)
        ) {
            let mut frames = stock(&[(0x1000, 0x40_0000)]);
            let total = frames.free();
            let mut shares = Shares::new();
            // Handle -> (owner, object number, pages, address)
            let mut model: BTreeMap<Handle, (TaskId, usize, usize, u64)> = BTreeMap::new();
            for (number, (action, first, second, pages)) in steps.into_iter().enumerate() {
                let (a, b) = (task(first), task(second));
                let own = model.iter().find(|entry| entry.1.0 == a).map(|entry| (*entry.0, *entry.1));
                match (action, own) {
                    (0, _) => {
                        let handle = shares.create(a, &mut chain(&mut frames, pages)).unwrap();
                        prop_assert!(model.insert(handle, (a, number, pages, 0)).is_none());
                    }
                    (1, Some((handle, (_, object, pages, _)))) => {
                        let new = shares.grant(a, handle, b, true).unwrap();
                        prop_assert!(model.insert(new, (b, object, pages, 0)).is_none());
                    }
                    (2, Some((handle, (_, _, pages, 0)))) => {
                        let address = shares.free_address(a, pages as u32);
                        let end = address + pages as u64 * PAGE;
                        for &(_, _, other, start) in model.values().filter(|entry| entry.0 == a && entry.3 != 0) {
                            prop_assert!(end <= start || start + other as u64 * PAGE <= address);
                        }
                        shares.set_address(a, handle, address).unwrap();
                        model.get_mut(&handle).unwrap().3 = address;
                    }
                    (3, Some((handle, (_, object, pages, address)))) => {
                        model.remove(&handle);
                        let mut closed = shares.close(a, handle).unwrap();
                        let last = model.values().all(|entry| entry.1 != object);
                        let expected = if last { pages } else { 0 };
                        prop_assert_eq!((closed.address, closed.frames.count() as usize), (address, expected));
                        frames.give_back_chain(&mut closed.frames, false);
                    }
                    (4, _) => {
                        while let Some(mut closed) = shares.close_any(a) {
                            frames.give_back_chain(&mut closed.frames, false);
                        }
                        model.retain(|_, entry| entry.0 != a);
                    }
                    _ => {}
                }
                let mut objects: Vec<(usize, usize)> = model.values().map(|entry| (entry.1, entry.2)).collect();
                objects.sort();
                objects.dedup();
                let used: usize = objects.iter().map(|object| object.1).sum();
                prop_assert_eq!(frames.free() as usize + used, total as usize);
                prop_assert_eq!(shares.frames() as usize, used);
                for (handle, entry) in &model {
                    prop_assert_eq!(shares.get(entry.0, *handle).map(|share| share.pages as usize), Ok(entry.2));
                }
            }
        }
    }
}
