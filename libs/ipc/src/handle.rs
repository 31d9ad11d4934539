//! Handles: numbers by which clients name objects in a server.
//!
//! A handle belongs to the client that it was made for, and works only for it. A handle that was closed is not reused
//! at once: its place gets a new generation, so a stale handle is an error and not somebody else's object.

use crate::{Error, TaskId};

/// A client's name for an object in a server. Only the server that made it knows what it means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Handle(u32);

impl Handle {
    /// The handle in a message.
    #[inline]
    pub const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The number for a message.
    #[inline]
    pub const fn raw(self) -> u32 {
        self.0
    }

    const fn new(place: usize, generation: u16) -> Self {
        Self((generation as u32) << 16 | place as u32)
    }

    const fn place(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    const fn generation(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

impl core::fmt::Display for Handle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.0)
    }
}

struct Place<T> {
    /// Which use of the place this is; never 0, so that handle 0 is nobody's.
    generation: u16,
    content: Content<T>,
}

enum Content<T> {
    /// The next free place.
    Free(Option<u16>),
    Taken {
        owner: TaskId,
        value: T,
    },
}

/// The objects that a server keeps for its clients: at most `N` in all, 65,536 at most.
///
/// Every operation takes constant time but [`Handles::free_all`] and [`Handles::iter`], which look at each place.
pub struct Handles<T, const N: usize> {
    places: [Place<T>; N],
    free: Option<u16>,
    length: usize,
}

impl<T, const N: usize> Handles<T, N> {
    const FITS: () = assert!(N <= 1 << 16, "a handle has 16 bits for its place");

    /// An empty table.
    pub fn new() -> Self {
        let () = Self::FITS;
        let next = |place: usize| (place < N).then_some(place as u16);
        let place = |index| Place { generation: 1, content: Content::Free(next(index + 1)) };
        Self { places: core::array::from_fn(place), free: next(0), length: 0 }
    }

    /// How many objects there are.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Keeps `value` for `owner`. `TableFull` if no place is left.
    pub fn insert(&mut self, owner: TaskId, value: T) -> Result<Handle, Error> {
        let index = self.free.ok_or(Error::TableFull)? as usize;
        let place = self.places.get_mut(index).ok_or(Error::TableFull)?;
        let Content::Free(next) = place.content else { return Err(Error::TableFull) };
        place.content = Content::Taken { owner, value };
        self.free = next;
        self.length += 1;
        Ok(Handle::new(index, place.generation))
    }

    /// The object that `owner` names by `handle`. `BadHandle` if it is not one of the owner's.
    #[inline]
    pub fn get(&self, owner: TaskId, handle: Handle) -> Result<&T, Error> {
        match self.places.get(handle.place()) {
            Some(Place { generation, content: Content::Taken { owner: actual, value } })
                if *generation == handle.generation() && *actual == owner =>
            {
                Ok(value)
            }
            _ => Err(Error::BadHandle),
        }
    }

    /// As [`Handles::get`], to change it.
    #[inline]
    pub fn get_mut(&mut self, owner: TaskId, handle: Handle) -> Result<&mut T, Error> {
        match self.places.get_mut(handle.place()) {
            Some(Place { generation, content: Content::Taken { owner: actual, value } })
                if *generation == handle.generation() && *actual == owner =>
            {
                Ok(value)
            }
            _ => Err(Error::BadHandle),
        }
    }

    /// Frees the handle and gives the object back. `BadHandle` as in [`Handles::get`].
    pub fn remove(&mut self, owner: TaskId, handle: Handle) -> Result<T, Error> {
        self.get(owner, handle)?;
        self.take(handle.place()).ok_or(Error::BadHandle)
    }

    /// Makes the object another task's. The old handle no longer works; the new owner gets a new one.
    /// `BadHandle` as in [`Handles::get`].
    pub fn transfer(&mut self, handle: Handle, owner: TaskId, new_owner: TaskId) -> Result<Handle, Error> {
        self.get(owner, handle)?;
        let place = self.places.get_mut(handle.place()).ok_or(Error::BadHandle)?;
        if let Content::Taken { owner, .. } = &mut place.content {
            *owner = new_owner;
        }
        place.generation = next_generation(place.generation);
        Ok(Handle::new(handle.place(), place.generation))
    }

    /// Frees everything of a client, such as one that has ended; `freed` gets each object.
    pub fn free_all(&mut self, owner: TaskId, mut freed: impl FnMut(T)) {
        for index in 0..N {
            let is_owned = matches!(
                self.places.get(index),
                Some(Place { content: Content::Taken { owner: actual, .. }, .. }) if *actual == owner
            );
            if is_owned && let Some(value) = self.take(index) {
                freed(value);
            }
        }
    }

    /// All objects with their owners and handles.
    pub fn iter(&self) -> impl Iterator<Item = (TaskId, Handle, &T)> {
        self.places.iter().enumerate().filter_map(|(index, place)| match &place.content {
            Content::Taken { owner, value } => Some((*owner, Handle::new(index, place.generation), value)),
            Content::Free(_) => None,
        })
    }

    fn take(&mut self, index: usize) -> Option<T> {
        let place = self.places.get_mut(index)?;
        if matches!(place.content, Content::Free(_)) {
            return None;
        }
        place.generation = next_generation(place.generation);
        let content = core::mem::replace(&mut place.content, Content::Free(self.free));
        self.free = Some(index as u16);
        self.length -= 1;
        match content {
            Content::Taken { value, .. } => Some(value),
            Content::Free(_) => None,
        }
    }
}

impl<T, const N: usize> Default for Handles<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// 1 to 65,535, then 1 again.
const fn next_generation(generation: u16) -> u16 {
    if generation == u16::MAX { 1 } else { generation + 1 }
}
