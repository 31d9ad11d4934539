//! Files of the boot image, which are there before any file system is.

use crate::service::vm;
use ipc::Error;

/// A file of the boot image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BootFile {
    /// Its number, by which vm's `boot_read` reads it.
    pub index: u32,
    /// Its size in bytes.
    pub size: usize,
}

/// The file of the boot image with this path.
///
/// Errors: `NotFound`, and those of vm's `boot_file`.
pub fn boot_file(path: &str) -> Result<BootFile, Error> {
    let mut room = [0; interfaces::vm::NAME_MAX];
    for index in 0.. {
        match vm().boot_file(index, &mut room) {
            Ok(file) if file.path == path => return Ok(BootFile { index, size: file.size }),
            // A path that does not fit is another.
            Ok(_) | Err(Error::TooLarge) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::NotFound)
}
