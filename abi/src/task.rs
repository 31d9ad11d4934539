//! Task IDs: a table index and a generation, so that an ID is never silently reused.

use core::fmt;
use core::num::NonZeroU32;
use core::str::FromStr;

/// How many tasks there can be at once on one CPU. A power of two, 4096 at most ([`TaskId`] has 12 index bits).
pub const MAX_TASKS: usize = 512;

/// How many priorities there are: 0 (lowest) to `PRIORITIES - 1` (highest, runs first).
pub const PRIORITIES: usize = 32;

const INDEX_BITS: u32 = 12;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;

const _: () = assert!(MAX_TASKS.is_power_of_two() && MAX_TASKS <= 1 << INDEX_BITS);

/// A place in the task table. Says nothing about whether a task lives there: that takes a [`TaskId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskIndex(u16);

impl TaskIndex {
    /// The index `index`, reduced to the size of the table: an index can never point outside of it.
    pub const fn new(index: usize) -> Self {
        Self((index & (MAX_TASKS - 1)) as u16)
    }

    /// The index as a number below [`MAX_TASKS`].
    pub const fn get(self) -> usize {
        self.0 as usize & (MAX_TASKS - 1)
    }
}

/// A task's name for life: its place in the task table and how many tasks lived there up to it.
///
/// A dead task's ID names nobody until the place has been used 2^20 times; the kernel retires a place before its
/// generations would start again. Printed and parsed as `INDEX` or, past the first generation, `INDEX.GENERATION`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct TaskId(NonZeroU32);

impl TaskId {
    /// The last generation of a place; the kernel does not use the place again after it.
    pub const LAST_GENERATION: u32 = u32::MAX >> INDEX_BITS;

    /// The ID of the `generation`-th task (from 1) at `index`; `None` if the generation is 0 or past the last.
    pub const fn new(index: TaskIndex, generation: u32) -> Option<Self> {
        if generation > Self::LAST_GENERATION {
            return None;
        }
        match NonZeroU32::new(generation << INDEX_BITS | index.0 as u32) {
            Some(id) if generation > 0 => Some(Self(id)),
            _ => None,
        }
    }

    /// The ID in `raw`, as it stands in registers and messages; `None` unless it is one that [`TaskId::new`] makes.
    pub const fn from_raw(raw: usize) -> Option<Self> {
        if raw > u32::MAX as usize {
            return None;
        }
        let index = raw as u32 & INDEX_MASK;
        if index as usize >= MAX_TASKS {
            return None;
        }
        Self::new(TaskIndex(index as u16), raw as u32 >> INDEX_BITS)
    }

    /// The ID as it stands in registers and messages; never 0.
    pub const fn raw(self) -> usize {
        self.0.get() as usize
    }

    /// The place in the task table.
    pub const fn index(self) -> TaskIndex {
        TaskIndex::new((self.0.get() & INDEX_MASK) as usize)
    }

    /// How many tasks lived at this place up to this one, from 1.
    pub const fn generation(self) -> u32 {
        self.0.get() >> INDEX_BITS
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generation() {
            1 => write!(f, "{}", self.index().get()),
            generation => write!(f, "{}.{generation}", self.index().get()),
        }
    }
}

/// The text was not a task ID: `INDEX` or `INDEX.GENERATION`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseTaskIdError;

impl FromStr for TaskId {
    type Err = ParseTaskIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (index, generation) = text.split_once('.').unwrap_or((text, "1"));
        let index: usize = index.parse().map_err(|_| ParseTaskIdError)?;
        let generation = generation.parse().map_err(|_| ParseTaskIdError)?;
        if index >= MAX_TASKS {
            return Err(ParseTaskIdError);
        }
        Self::new(TaskIndex::new(index), generation).ok_or(ParseTaskIdError)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_id_survives_registers_and_text() {
        for (index, generation) in [(0, 1), (511, 7), (3, TaskId::LAST_GENERATION)] {
            let id = TaskId::new(TaskIndex::new(index), generation).unwrap();
            assert_eq!(TaskId::from_raw(id.raw()), Some(id));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!((id.index().get(), id.generation()), (index, generation));
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for raw in [0, 1, 4095, (1 << 12) + MAX_TASKS, usize::MAX, 1 << 32] {
            assert_eq!(TaskId::from_raw(raw), None, "{raw:#x}");
        }
        for text in ["", "x", "512", "1.0", "1.1048576", "-1", "1.2.3"] {
            assert_eq!(text.parse::<TaskId>(), Err(ParseTaskIdError), "{text}");
        }
    }
}
