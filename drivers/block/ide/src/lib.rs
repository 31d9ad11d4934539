//! The driver of IDE disks: ATA drives on a controller in compatibility mode, by programmed input and output.
//!
//! * `registers`, `identity`: what the registers and a drive's words mean.
//! * `channel`, `order`: two drives, and what they are told to do.
//! * [`run`]: the program; the server of the interface `blk` is that of [`blocks`].
//!
//! The processor moves all data itself: no address of memory is ever told to the device. Drives for CDs are left alone.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod channel;
pub mod identity;
mod order;
pub mod registers;
mod trouble;

pub use trouble::Trouble;

use blocks::{Controller, PAGES, Start, Transfer, UNITS, Unit};
use channel::Channel;
use core::convert::Infallible;
use driver::{Device, DriverError};
use ipc::Error;
use order::Order;
use resea::Never;

/// How many failures are told in the log, so that a broken disk does not fill it.
const MOST_TOLD: u32 = 16;

/// The controller: two channels.
struct Ide {
    channels: [Channel; 2],
    told: u32,
}

impl Ide {
    /// The controller of a device, after a reset.
    ///
    /// Errors: those of its registers.
    fn new(device: &Device) -> Result<Self, DriverError> {
        let channel = |number: u8| {
            let (command, control) = (device.registers(number * 2)?, device.registers(number * 2 + 1)?);
            let report = |place, trouble| {
                resea::warn!("the disk in place {place} of channel {number} is not used: {trouble}");
            };
            Ok(Channel::new(command, control, report))
        };
        let ide = Self { channels: [channel(0)?, channel(1)?], told: 0 };
        for unit in 0..UNITS {
            if let Some(drive) = ide.drive(unit) {
                let megabytes = drive.identity.sectors / 2048;
                resea::info!("unit {unit}: {}, {megabytes} MiB", drive.identity.model());
            }
        }
        Ok(ide)
    }

    fn drive(&self, unit: u32) -> Option<&channel::Drive> {
        self.channels.get(unit as usize / 2)?.drive(unit as usize % 2)
    }
}

/// What a request has come to, for its user and in the log.
fn told(result: Result<(), Trouble>, number: &mut u32) -> Result<(), Error> {
    result.map_err(|trouble| {
        if *number < MOST_TOLD {
            *number += 1;
            resea::warn!("a disk has failed: {trouble}");
        }
        Error::InputOutput
    })
}

impl Controller for Ide {
    /// What goes wrong ends requests, not the driver.
    type Fault = Infallible;

    fn interrupts(&self) -> u32 {
        2
    }

    fn unit(&self, unit: u32) -> Option<Unit> {
        let identity = self.drive(unit)?.identity;
        Some(Unit { sectors: identity.sectors, read_only: false, volatile: identity.volatile })
    }

    fn start(&mut self, token: u16, transfer: &Transfer) -> Result<Start, Infallible> {
        let unit = transfer.unit as usize;
        let Some(channel) = self.channels.get_mut(unit / 2) else {
            return Ok(Start::Done(Err(Error::NotFound)));
        };
        let order = Order::new(token, transfer);
        Ok(if channel.start(unit % 2, &order) { Start::Accepted } else { Start::Busy })
    }

    fn interrupted(&mut self) {
        self.channels.iter().for_each(Channel::lower);
    }

    fn finished(&mut self) -> Result<Option<(u16, Result<(), Error>)>, Infallible> {
        let ended = self.channels.iter_mut().find_map(Channel::proceed);
        Ok(ended.map(|(token, result)| (token, told(result, &mut self.told))))
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        self.channels.iter_mut().for_each(Channel::reset);
        Ok(())
    }
}

/// Serves for ever.
///
/// Errors: those of the device, its registers, memory and interrupts.
pub fn run() -> Result<Never, DriverError> {
    let device = Device::claim()?;
    let controller = Ide::new(&device)?;
    blocks::run(device, controller, PAGES)
}
