//! The cache as what [`fat`] stores volumes in.

use crate::cache::Cache;
use crate::medium::Medium;
use fat::Class;
use ipc::Error;

impl<M: Medium> fat::Storage for Cache<M> {
    fn size(&self) -> u64 {
        self.grid.size()
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let memory = self.read_at(at + done as u64, rest.len() as u64)?;
            memory.read(0, rest.get_mut(..memory.len()).unwrap_or_default())?;
            done += memory.len();
        }
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8], class: Class) -> Result<(), Error> {
        let mut rest = data;
        while !rest.is_empty() {
            let done = (data.len() - rest.len()) as u64;
            let memory = self.write_at(at + done, rest.len() as u64, class)?.memory;
            let (now, later) = rest.split_at_checked(memory.len()).ok_or(Error::OutOfBounds)?;
            memory.write(0, now)?;
            rest = later;
        }
        Ok(())
    }

    fn write_out(&mut self, class: Class) -> Result<(), Error> {
        self.finish_writing(class)
    }

    fn is_pressed(&self) -> bool {
        self.is_pressed()
    }
}
