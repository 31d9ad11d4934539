//! The driver of virtio disks: modern and legacy, with split and packed queues.
//!
//! * `header`: what goes before and after the data of a request.
//! * [`Disk`]: the device: features, registers, queue, requests in flight.
//!
//! The server of the interface `blk` is that of [`blocks`]. The device reads and writes the pages of the users itself; headers
//! and results lie in memory of the driver's own. Section numbers are those of the standard: Virtual I/O Device (VIRTIO)
//! Version 1.2. Never trusts the device; allocates nothing for a request.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod disk;
mod fault;
mod header;

pub use disk::Disk;
pub use fault::Fault;

use driver::Device;
use resea::Never;
use virtio::Unusable;

/// Serves for ever.
///
/// Errors: why the device cannot be used.
pub fn run() -> Result<Never, Unusable> {
    let device = Device::claim()?;
    let disk = Disk::new(&device)?;
    Ok(blocks::run(device, disk, blocks::PAGES)?)
}
