//! Files as shared memory: the content is read into it once and kept until the file changes.

use crate::nodes::Nodes;
use crate::{FileSystem, Sink};
use ipc::{Error, Handle, Region, TaskId};
use resea::SharedMemory;

/// Bytes of the largest file that can be mapped: as much as shared memory can have.
const SIZE_MAX: u64 = 16 << 20;

/// Shared memory that a file is read into.
struct Memory<'a>(&'a Region);

impl Sink for Memory<'_> {
    fn put(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
        self.0.write(offset, data)
    }

    fn put_region(&mut self, offset: usize, region: &Region, at: usize, length: usize) -> Result<(), Error> {
        let mut piece = [0; 1024];
        let mut done = 0;
        while done < length {
            let count = piece.len().min(length - done);
            let (piece, _) = piece.split_at_mut(count);
            region.read(at + done, piece)?;
            self.0.write(offset + done, piece)?;
            done += count;
        }
        Ok(())
    }
}

/// Grants `task` shared memory with the content of the file at a place: the handle, and the file's size.
///
/// Errors: `Empty`, `TooLarge`, `OutOfMemory`, those of the file system and of granting.
pub fn map<F: FileSystem>(
    filesystem: &mut F,
    nodes: &mut Nodes<F>,
    place: u16,
    task: TaskId,
) -> Result<(Handle, u64), Error> {
    if nodes.get(place)?.map.is_none() {
        let size = filesystem.open_attributes(&nodes.get(place)?.open)?.size;
        let memory = match size {
            0 => return Err(Error::Empty),
            1..=SIZE_MAX => create(nodes, size as usize)?,
            _ => return Err(Error::TooLarge),
        };
        let opened = nodes.get(place)?;
        let read = filesystem.read(&mut opened.open, 0, size as usize, &mut Memory(memory.region()))?;
        if read as u64 != size {
            return Err(Error::Damaged);
        }
        opened.map = Some((memory, size));
    }
    let (memory, size) = nodes.get(place)?.map.as_ref().ok_or(Error::Unknown)?;
    Ok((memory.grant(task, false)?, *size))
}

/// Shared memory; if there is too little, what is kept for other files is given up for it.
fn create<F: FileSystem>(nodes: &mut Nodes<F>, size: usize) -> Result<SharedMemory, Error> {
    match SharedMemory::create(size) {
        Err(Error::TooLarge | Error::OutOfMemory | Error::TableFull) => {
            nodes.iter_mut().for_each(|opened| opened.map = None);
            SharedMemory::create(size)
        }
        created => created,
    }
}
