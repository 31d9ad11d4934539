//! Why a driver could not get at its device.

use core::fmt;
use ipc::Error;

/// Why a driver could not get at its device, or at a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DriverError {
    /// dm cannot be found: why.
    NoManager(Error),
    /// dm has no device for this task: why.
    NoDevice(Error),
    /// The device has no base address register with this number, or nothing behind it.
    NoRegisters(u8),
    /// The registers behind this base address register cannot be mapped: why.
    Registers {
        /// Its number.
        bar: u8,
        /// What vm said.
        error: Error,
    },
    /// The device has no interrupt.
    NoInterrupt,
    /// The interrupt cannot be acquired: why.
    Interrupt {
        /// Its number, as the kernel counts.
        irq: u32,
        /// What the kernel said.
        error: Error,
    },
    /// There is no memory of this size for the device: why.
    Memory {
        /// In bytes.
        size: usize,
        /// What dm or vm said.
        error: Error,
    },
    /// The configuration space cannot be read: why.
    Configuration(Error),
    /// dm did not take note of the driver: why.
    Ready(Error),
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoManager(error) => {
                write!(
                    f,
                    "cannot use `dm`: {error}; is it in the image, and in `uses` of the driver's manifest?"
                )
            }
            Self::NoDevice(error) => {
                write!(f, "dm has no device for this task: {error}; only dm starts drivers")
            }
            Self::NoRegisters(bar) => write!(f, "the device has nothing behind base address register {bar}"),
            Self::Registers { bar, error } => {
                write!(f, "cannot map the registers behind base address register {bar}: {error}")
            }
            Self::NoInterrupt => {
                write!(f, "the device has no interrupt; firmware or dm has not given it one")
            }
            Self::Interrupt { irq, error } => write!(f, "cannot acquire interrupt {irq}: {error}"),
            Self::Memory { size, error } => {
                write!(f, "cannot get {size} bytes of memory for the device: {error}")?;
                match error {
                    Error::TooLarge => write!(f, "; raise `dma` or `shared` in the driver's manifest"),
                    _ => Ok(()),
                }
            }
            Self::Configuration(error) => write!(f, "cannot read the device's configuration space: {error}"),
            Self::Ready(error) => write!(f, "dm does not take note that the driver works: {error}"),
        }
    }
}

impl core::error::Error for DriverError {}
