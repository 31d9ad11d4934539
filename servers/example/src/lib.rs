//! The service `example`, a small key-value store. Its interface, interfaces/example.idl, says what each message does.
//!
//! Never holds more than the interface's limits allow, and never keeps memory of a client: it copies.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use interfaces::example::{self, ENTRIES_MAX, KEY_MAX, VALUE_MAX};
use ipc::{Error, ReadLend, StrLend, TaskId, WriteLend};

/// The store.
#[derive(Default)]
pub struct Example {
    entries: BTreeMap<String, Vec<u8>>,
}

impl ipc::server::Events for Example {}

impl example::Server for Example {
    fn put(&mut self, _: TaskId, key: StrLend<'_>, value: ReadLend<'_>) -> Result<(), Error> {
        let (mut key_buffer, mut value_buffer) = ([0; KEY_MAX], [0; VALUE_MAX]);
        let key = key.read(&mut key_buffer)?;
        let copy = value_buffer.get_mut(..value.len()).ok_or(Error::TooLarge)?;
        value.read(0, copy)?;
        if self.entries.len() == ENTRIES_MAX && !self.entries.contains_key(key) {
            return Err(Error::TableFull);
        }
        self.entries.insert(key.into(), copy.to_vec());
        Ok(())
    }

    fn get(&mut self, _: TaskId, key: StrLend<'_>, room: WriteLend<'_>) -> Result<usize, Error> {
        let value = self.entries.get(key.read(&mut [0; KEY_MAX])?).ok_or(Error::NotFound)?;
        if value.len() > room.len() {
            return Err(Error::TooLarge);
        }
        room.write(0, value)?;
        Ok(value.len())
    }

    fn delete(&mut self, _: TaskId, key: StrLend<'_>) -> Result<(), Error> {
        self.entries.remove(key.read(&mut [0; KEY_MAX])?).map(drop).ok_or(Error::NotFound)
    }

    fn count(&mut self, _: TaskId) -> Result<usize, Error> {
        Ok(self.entries.len())
    }
}

/// Serves for ever.
pub fn run() -> Result<resea::Never, resea::ServeError> {
    resea::serve(example::NAME, example::dispatch, Example::default())
}
