//! What a program is told at its start: its arguments and its environment.

use abi::Error;
use ipc::ReadLend;

/// Arguments and environment. Both are UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Told<'a> {
    /// The arguments, a NUL after each; if empty, the program's name.
    pub arguments: &'a [u8],
    /// `NAME=value`, with a NUL after each.
    pub environment: &'a [u8],
}

impl<'a> Told<'a> {
    /// What a launcher lends, copied to `buffer`.
    ///
    /// Errors: `TooLarge` (for the buffer), `BadText`, and those of reading lends.
    pub fn read(
        arguments: &ReadLend<'_>,
        environment: &ReadLend<'_>,
        buffer: &'a mut [u8],
    ) -> Result<Self, Error> {
        let length = arguments.len().checked_add(environment.len()).ok_or(Error::TooLarge)?;
        let bytes = buffer.get_mut(..length).ok_or(Error::TooLarge)?;
        let (first, second) = bytes.split_at_mut(arguments.len());
        arguments.read(0, first)?;
        environment.read(0, second)?;
        let told = Self { arguments: first, environment: second };
        if core::str::from_utf8(told.arguments).and(core::str::from_utf8(told.environment)).is_err() {
            return Err(Error::BadText);
        }
        // Where the environment begins must be told from the arguments, and where each of its texts ends.
        let is_ended = |bytes: &[u8]| bytes.last().is_none_or(|last| *last == 0);
        if is_ended(told.environment) { Ok(told) } else { Err(Error::BadText) }
    }

    /// How many bytes it is.
    pub const fn len(&self) -> usize {
        self.arguments.len() + self.environment.len()
    }

    /// Whether it is nothing.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
