//! The driver of the disk in memory: its content is the boot file `ramdisk.img`, and is gone when the machine is switched off.
//!
//! The content lies in memory that dm keeps, so that nothing is lost when the driver ends. There is no device: a request is
//! done when it is started.
#![no_std]
#![forbid(unsafe_code)]

use blocks::{Controller, Operation, SECTOR, Start, Transfer, Unit};
use core::convert::Infallible;
use core::fmt;
use driver::{Device, DmaMemory, DriverError};
use ipc::{Error, Region};
use resea::Never;

/// The boot file with the content.
const FILE: &str = "ramdisk.img";
/// Which piece of the device's memory holds it: behind those of the users.
const MEMORY: u32 = 7;
/// Largest content in bytes.
const LARGEST: usize = 8 << 20;
/// Pages of a user.
const PAGES: u16 = 254;
/// How much is copied at once, in bytes.
const PIECE: usize = 4096;

/// In the first word behind the content: it was copied.
const COPIED: u64 = 0x7265_7365_6120_2121;

/// Why the driver could not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// It could not get at its memory.
    Driver(DriverError),
    /// The boot file cannot be read, or is too large: its size.
    File(Error, usize),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(error) => error.fmt(f),
            Self::File(Error::TooLarge, size) => {
                write!(f, "{FILE} has {size} bytes, but a disk in memory has at most {LARGEST}")
            }
            Self::File(error, _) => write!(f, "{FILE} cannot be read from the boot image: {error}"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

/// The disk.
struct Ramdisk {
    memory: DmaMemory,
    size: usize,
}

impl Ramdisk {
    /// The disk with its content: what was copied in an earlier life, or else a copy of the file.
    fn new(device: &Device) -> Result<Self, Failure> {
        let file = resea::boot_file(FILE).map_err(|error| Failure::File(error, 0))?;
        let (index, length) = (file.index, file.size);
        let size = length.next_multiple_of(SECTOR);
        if size > LARGEST {
            return Err(Failure::File(Error::TooLarge, length));
        }
        let memory = device.memory(MEMORY, size + 8, true)?;
        let read = |error| Failure::File(error, length);
        if memory.region().load(size).map_err(read)? != COPIED {
            copy(index, memory.region()).map_err(read)?;
            memory.region().store(size, COPIED).map_err(read)?;
        }
        Ok(Self { memory, size })
    }

    /// Moves content.
    fn transfer(&self, transfer: &Transfer) -> Result<(), Error> {
        let mut at = transfer.sector() as usize * SECTOR;
        let mut buffer = [0; PIECE];
        for part in transfer.parts() {
            for offset in (0..part.memory.len()).step_by(PIECE) {
                let piece = buffer.get_mut(..PIECE.min(part.memory.len() - offset)).unwrap_or_default();
                if transfer.operation() == Operation::Read {
                    self.memory.region().read(at, piece)?;
                    part.memory.write(offset, piece)?;
                } else {
                    part.memory.read(offset, piece)?;
                    self.memory.region().write(at, piece)?;
                }
                at += piece.len();
            }
        }
        Ok(())
    }
}

fn copy(index: u32, to: &Region) -> Result<(), Error> {
    let mut buffer = [0; PIECE];
    let mut at = 0;
    while let length @ 1.. = resea::vm().boot_read(index, at, &mut buffer)? {
        to.write(at, buffer.get(..length).unwrap_or_default())?;
        at += length;
    }
    Ok(())
}

impl Controller for Ramdisk {
    type Fault = Infallible;

    fn interrupts(&self) -> u32 {
        0
    }

    fn unit(&self, unit: u32) -> Option<Unit> {
        let sectors = (self.size / SECTOR) as u64;
        (unit == 0).then_some(Unit { sectors, read_only: false, volatile: false })
    }

    fn start(&mut self, _: u16, transfer: &Transfer) -> Result<Start, Infallible> {
        Ok(Start::Done(self.transfer(transfer)))
    }

    fn finished(&mut self) -> Result<Option<(u16, Result<(), Error>)>, Infallible> {
        Ok(None)
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Serves for ever.
///
/// Errors: [`Failure`].
pub fn run() -> Result<Never, Failure> {
    let device = Device::claim()?;
    let disk = Ramdisk::new(&device)?;
    Ok(blocks::run(device, disk, PAGES)?)
}
