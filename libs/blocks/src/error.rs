//! What is wrong with the other side.

use core::fmt;

/// The other side has written what cannot be: an answer to what was not asked, a tag that is in use, an index that jumps. Or
/// the memory is too small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other side of the request rings has written what cannot be")
    }
}

impl core::error::Error for Broken {}

impl From<ipc::Error> for Broken {
    fn from(_: ipc::Error) -> Self {
        Self
    }
}
