//! Comparing everything with the model, and listing it.

use alloc::format;
use alloc::string::{String, ToString};

use interfaces::fs::Kind;
use resea::println;

use crate::operations::{Checked, Test};

impl Test {
    /// Compares everything: each directory's entries, each file's content, what is known of open files.
    ///
    /// Errors: what is not as it should be.
    pub fn verify(&self) -> Checked<()> {
        self.verify_directory("")?;
        for open in &self.open {
            let known = open.file.metadata().map_err(|error| error.to_string())?;
            if known.is_dir() != self.is_directory(open.place) || known.len() != self.model.size(open.place) {
                return Err(format!("{} is open, and is {known:?}", open.file.path()));
            }
        }
        Ok(())
    }

    fn is_directory(&self, place: usize) -> bool {
        self.model.kind(place) == Kind::Directory
    }

    fn verify_directory(&self, path: &str) -> Checked<()> {
        let mut expected = self.model.entries(path);
        let entries = fs::read_dir(self.full(path)).map_err(|error| error.to_string())?;
        for entry in entries {
            let entry = entry.map_err(|error| error.to_string())?;
            let inner = format!("{path}/{}", entry.name());
            let index = expected.iter().position(|(name, _)| name == entry.name());
            let index = index.ok_or_else(|| format!("{inner} is listed, and should not be there"))?;
            let (_, place) = expected.swap_remove(index);
            let is_directory = self.is_directory(place);
            if entry.is_dir() != is_directory || entry.len() != self.model.size(place) {
                return Err(format!("{inner} has {} bytes, not {}", entry.len(), self.model.size(place)));
            }
            if is_directory {
                self.verify_directory(&inner)?;
            } else if fs::read(self.full(&inner)).map_err(|error| error.to_string())?
                != self.model.content(place)
            {
                return Err(format!("{inner} has not what was written"));
            }
        }
        match expected.first() {
            Some((name, _)) => Err(format!("{path}/{name} is not listed")),
            None => Ok(()),
        }
    }

    /// Lists what there is.
    pub fn list(&self) {
        let directory = fs::Path::new(&self.directory).file_name().unwrap_or_default();
        for path in self.model.paths() {
            let Ok(place) = self.model.find(path) else { continue };
            if self.is_directory(place) {
                println!("fstest: directory {directory}{path}");
            } else {
                let content = self.model.content(place);
                println!("fstest: {} {} {directory}{path}", content.len(), checksum(content));
            }
        }
    }
}

/// FNV-1a of 64 bits, in hexadecimal digits.
fn checksum(content: &[u8]) -> String {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}", content.iter().fold(0xcbf2_9ce4_8422_2325, step))
}
