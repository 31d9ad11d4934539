//! The device manager: finds PCI devices, starts their drivers with exactly the rights to them, and starts them again.
//!
//! * What there is: [`configuration`] is the space that devices describe themselves in, [`access`] the ways to it;
//!   [`enumerate`] finds the devices, [`bars`] and [`capabilities`] what one has.
//! * [`note`] keeps what must not be lost with a dm that is killed.
//! * [`ide`] is what controllers have that are older than PCI.
//! * [`device`] switches a device off and on. [`matching`] reads from the manifests who drives what.
//! * [`manager`] holds all devices, [`slot`] one with its driver, [`memory`] what the two share; `lives` starts drivers and
//!   starts them again as [`policy`] decides.
//! * [`server`] is the interface to all this, [`subscribers`] those who are told, `waiting` those who wait.
//!
//! Trusts neither devices nor drivers. Knows no kind of device: what one does is its driver's business; that it does
//! nothing when it has no driver is dm's.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod access;
pub mod bars;
pub mod capabilities;
pub mod configuration;
pub mod device;
pub mod enumerate;
pub mod ide;
mod lives;
pub mod manager;
pub mod matching;
pub mod memory;
pub mod note;
pub mod policy;
pub mod server;
pub mod slot;
pub mod subscribers;
mod waiting;

use access::Access;
use core::fmt;
use interfaces::dm;
use manager::Manager;
use note::Noted;

/// Why there is no device manager.
#[derive(Debug)]
pub enum Failure {
    /// The programs' manifests cannot be read.
    Manifests(ipc::Error),
    /// The service cannot be offered.
    Service(resea::ServeError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifests(error) => write!(f, "cannot read the programs' manifests: {error}"),
            Self::Service(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}

/// Serves for ever.
///
/// Errors: why it cannot.
pub fn run() -> Result<resea::Never, Failure> {
    // First of all: a second manager must end before it has touched a device of the first one's.
    let taken = |error| Failure::Service(resea::ServeError { service: dm::NAME, error });
    resea::vm().serve(dm::NAME).map_err(taken)?;
    let programs = matching::programs().map_err(Failure::Manifests)?;
    let note = note::memory();
    let space = Noted::new(Access::find(), note.as_ref().map(|memory| *memory.region()));
    let mut manager = Manager::new(space, &programs);
    manager.start_all();
    ipc::server::run(&mut manager, dm::dispatch)
}
