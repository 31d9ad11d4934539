//! Handles: numbers by which clients name objects in a server.
//!
//! A handle belongs to the client that it was made for, and works only for it. A handle that was closed is not reused
//! at once, so a stale handle is an error and not somebody else's object.

use crate::slab::{Key, Slab};
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

    const fn key(self) -> Key {
        Key::from_raw(self.0)
    }
}

impl From<Key> for Handle {
    fn from(key: Key) -> Self {
        Self(key.raw())
    }
}

impl core::fmt::Display for Handle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The objects that a server keeps for its clients: at most `N` in all, 65,536 at most.
///
/// Every operation takes constant time but [`Handles::free_all`] and [`Handles::iter`], which look at each place.
pub struct Handles<T, const N: usize> {
    objects: Slab<(TaskId, T), N>,
}

impl<T, const N: usize> Handles<T, N> {
    /// An empty table.
    pub fn new() -> Self {
        Self { objects: Slab::new() }
    }

    /// How many objects there are.
    pub const fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Keeps `value` for `owner`. `TableFull` if no place is left.
    pub fn insert(&mut self, owner: TaskId, value: T) -> Result<Handle, Error> {
        self.objects.insert((owner, value)).map(Handle::from).map_err(|_| Error::TableFull)
    }

    /// The object that `owner` names by `handle`. `BadHandle` if it is not one of the owner's.
    #[inline]
    pub fn get(&self, owner: TaskId, handle: Handle) -> Result<&T, Error> {
        match self.objects.get(handle.key()) {
            Some((actual, value)) if *actual == owner => Ok(value),
            _ => Err(Error::BadHandle),
        }
    }

    /// As [`Handles::get`], to change it.
    #[inline]
    pub fn get_mut(&mut self, owner: TaskId, handle: Handle) -> Result<&mut T, Error> {
        match self.objects.get_mut(handle.key()) {
            Some((actual, value)) if *actual == owner => Ok(value),
            _ => Err(Error::BadHandle),
        }
    }

    /// Frees the handle and gives the object back. `BadHandle` as in [`Handles::get`].
    pub fn remove(&mut self, owner: TaskId, handle: Handle) -> Result<T, Error> {
        self.get(owner, handle)?;
        self.objects.remove(handle.key()).map(|(_, value)| value).ok_or(Error::BadHandle)
    }

    /// Makes the object another task's. The old handle no longer works; the new owner gets a new one.
    /// `BadHandle` as in [`Handles::get`].
    pub fn transfer(&mut self, handle: Handle, owner: TaskId, new_owner: TaskId) -> Result<Handle, Error> {
        self.get(owner, handle)?;
        if let Some((actual, _)) = self.objects.get_mut(handle.key()) {
            *actual = new_owner;
        }
        self.objects.rename(handle.key()).map(Handle::from).ok_or(Error::BadHandle)
    }

    /// Frees everything of a client, such as one that has ended; `freed` gets each object.
    pub fn free_all(&mut self, owner: TaskId, mut freed: impl FnMut(T)) {
        self.objects.remove_if(|(actual, _)| *actual == owner, |(_, value)| freed(value));
    }

    /// All objects with their owners and handles.
    pub fn iter(&self) -> impl Iterator<Item = (TaskId, Handle, &T)> {
        self.objects.iter().map(|(key, (owner, value))| (*owner, Handle::from(key), value))
    }
}

impl<T, const N: usize> Default for Handles<T, N> {
    fn default() -> Self {
        Self::new()
    }
}
