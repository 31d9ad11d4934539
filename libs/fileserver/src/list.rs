//! Entries of a directory on their way to a client: many at a time, packed.

use crate::FileSystem;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use entries::Entry;
use interfaces::fs::{ListReply, NAME_MAX};
use ipc::{Error, WriteLend};

/// Bytes of entries that are copied to the client at once: a multiple of 8, as entries are.
const PIECE: usize = 4096;

/// What is kept between two calls, so that they allocate nothing.
pub struct Lister {
    piece: Box<[u8]>,
    name: String,
}

impl Lister {
    pub fn new() -> Self {
        Self { piece: vec![0; PIECE].into(), name: String::with_capacity(NAME_MAX) }
    }

    /// Packs entries from `position` on for a client, as many as it has room for.
    ///
    /// Errors: `TooLarge` (no room for the first), and those of the file system and of the client's memory.
    pub fn list<F: FileSystem>(
        &mut self,
        filesystem: &mut F,
        directory: &mut F::Open,
        position: u64,
        room: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let (mut next, mut copied, mut used) = (position, 0, 0);
        while let Some((following, attributes)) = filesystem.entry(directory, next, &mut self.name)? {
            let entry = Entry {
                name: &self.name,
                kind: attributes.kind,
                size: attributes.size,
                modified: attributes.modified,
                read_only: attributes.read_only,
            };
            let pack = |piece: &mut [u8], copied, used| {
                let end = PIECE.min(room.len() - copied);
                entries::pack(&entry, piece.get_mut(used..end)?)
            };
            let mut length = pack(&mut self.piece, copied, used);
            if length.is_none() && used > 0 {
                room.write(copied, self.piece.get(..used).unwrap_or_default())?;
                (copied, used) = (copied + used, 0);
                length = pack(&mut self.piece, copied, used);
            }
            match length {
                Some(length) => used += length,
                None if copied == 0 => return Err(Error::TooLarge),
                None => break,
            }
            next = following;
        }
        room.write(copied, self.piece.get(..used).unwrap_or_default())?;
        Ok(ListReply { next, entries: copied + used })
    }
}
