//! What can go wrong with a drive.

use crate::identity::Unusable;
use core::fmt;

/// Why a drive has not done a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It says so: its status, and the reason.
    Failed(u8, u8),
    /// It has data when it should have none, or the other way round: its status.
    Confused(u8),
    /// It took too long.
    Late,
    /// It cannot be used.
    Unusable(Unusable),
    /// Its channel does not work any more.
    Dead,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(status, error) => {
                write!(f, "it fails with status {status:#04x}, error {error:#04x}")
            }
            Self::Confused(status) => write!(f, "its status {status:#04x} is impossible now"),
            Self::Late => write!(f, "it does not answer"),
            Self::Unusable(why) => why.fmt(f),
            Self::Dead => write!(f, "its channel does not work any more"),
        }
    }
}

impl core::error::Error for Trouble {}
