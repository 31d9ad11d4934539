//! What drivers have in common. docs/drivers.md tells how to write one.
//!
//! ```ignore
//! fn run() -> Result<Never, Box<dyn Error>> {
//!     let device = driver::Device::claim()?;              // the one that dm started this driver for
//!     let registers = device.registers(0)?;               // base address register 0: ports or memory
//!     let rings = device.memory(0, 8192, false)?;         // memory that the device can access
//!     let interrupt = device.interrupt(NOTIFY_IRQ)?;      // from now on a notification
//!     // … reset and start the device, with `rings.physical()` …
//!     device.ready()?;                                    // dm tells those who use it
//!     ipc::server::run(&mut server, dispatch)             // answers heartbeats in `Events::notified`
//! }
//! ```
//!
//! * [`Device`]: the device that the task is the driver of, as dm (the device manager) describes it.
//! * [`Registers`]: registers, the same for I/O ports and for memory.
//! * [`DmaMemory`]: memory that the device reads and writes; it outlives the driver.
//! * [`Interrupt`]: the device's interrupt, a notification.
//! * [`Configuration`]: a copy of the device's PCI configuration space, and the capabilities in it.
//!
//! A driver has rights to this one device and nothing else. Nothing here trusts what the device says.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

mod configuration;
mod device;
mod error;
mod interrupt;
mod memory;
mod msix;
mod registers;

pub use configuration::{Capability, Configuration};
pub use device::Device;
pub use error::DriverError;
pub use interrupt::Interrupt;
pub use memory::DmaMemory;
pub use registers::Registers;
