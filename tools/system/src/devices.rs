//! Who drives what: one manager of devices, one driver for each kind of device, and memory enough for all of them.
//!
//! The manager starts drivers by what their manifests say, and owns the memory that devices read and write, since that
//! has to outlive the drivers. What one driver's manifest alone can tell, `libs/manifest` checks.

use std::fmt;

use manifest::{DeviceId, Power};

use crate::text::{list, size};
use crate::{Place, Program, System};

/// What is wrong with devices and drivers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// There is a driver, but nobody to start it.
    NoManager {
        /// The driver.
        driver: String,
        /// Where its devices are written.
        place: Place,
    },
    /// Several programs have the power over devices.
    SeveralManagers {
        /// Who, and where that is written.
        managers: Vec<(String, Place)>,
    },
    /// Two programs drive the same kind of device.
    SameDevice {
        /// The device.
        device: DeviceId,
        /// The first, and where that is written.
        first: (String, Place),
        /// The second.
        second: (String, Place),
    },
    /// The manager cannot hold as much memory as the drivers may ask it for.
    TooMuchDma {
        /// The manager.
        manager: String,
        /// Where its `shared` is written.
        place: Place,
        /// Its `shared`, in bytes.
        shared: u64,
        /// What the drivers may ask for together, in bytes.
        dma: u64,
    },
    /// A driver that hangs would keep the manager from ending it.
    TooHigh {
        /// The driver.
        driver: String,
        /// Where its priority is written.
        place: Place,
        /// Its priority.
        priority: u8,
        /// The manager, and its priority.
        manager: (String, u8),
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoManager { driver, place } => write!(
                f,
                "{place}: {driver:?} drives devices, but no program has the power \"devices\", so nobody starts it: add the \
                 device manager, or remove `devices`"
            ),
            Self::SeveralManagers { managers } => write!(
                f,
                "{} {} have the power \"devices\", but each would start the drivers of all devices: remove it from all but one",
                list(managers.iter().map(|(name, place)| format!("{name:?} ({place})"))),
                if managers.len() == 2 { "both" } else { "all" }
            ),
            Self::SameDevice { device, first, second } => write!(
                f,
                "{:?} ({}) and {:?} ({}) both drive the device \"{device}\", but it can have only one of them: remove it from the \
                 `devices` of one",
                first.0, first.1, second.0, second.1
            ),
            Self::TooMuchDma { manager, place, shared, dma } => write!(
                f,
                "{place}: {manager:?} may hold {} of shared memory, but the `dma` of all drivers, which it keeps for them, is {}: \
                 raise its `shared`",
                size(*shared),
                size(*dma)
            ),
            Self::TooHigh { driver, place, priority, manager } => write!(
                f,
                "{place}: {driver:?} has the priority {priority}, but {:?}, which ends it if it hangs, has {}: lower it",
                manager.0, manager.1
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Checks devices and drivers.
pub fn check(system: &System) -> Vec<Error> {
    let mut errors = Vec::new();
    let drivers: Vec<_> = system.programs.iter().filter(|program| program.is_managed()).collect();
    let manages = |program: &&Program| program.manifest().has(Power::Devices);
    let managers: Vec<_> = system.programs.iter().filter(manages).collect();
    match managers.as_slice() {
        [] => errors.extend(drivers.iter().map(|driver| Error::NoManager {
            driver: driver.name.clone(),
            place: driver.place("devices", 0),
        })),
        [manager] => {
            errors.extend(too_much_dma(manager, &drivers));
            errors.extend(drivers.iter().filter_map(|driver| too_high(manager, driver)));
        }
        _ => errors.push(Error::SeveralManagers {
            managers: managers
                .iter()
                .map(|manager| (manager.name.clone(), place_of_power(manager)))
                .collect(),
        }),
    }
    for (index, first) in drivers.iter().enumerate() {
        let others = drivers.get(index + 1..).unwrap_or_default();
        errors.extend(others.iter().flat_map(|second| same_devices(first, second)));
    }
    errors
}

fn place_of_power(manager: &Program) -> Place {
    let member = manager.manifest().powers.iter().position(|power| *power == Power::Devices);
    manager.place("powers", member.unwrap_or_default())
}

fn too_much_dma(manager: &Program, drivers: &[&Program]) -> Option<Error> {
    let shared = manager.manifest().shared;
    let dma = drivers.iter().map(|driver| driver.manifest().dma).sum();
    let (name, place) = (manager.name.clone(), manager.place("shared", 0));
    (dma > shared).then_some(Error::TooMuchDma { manager: name, place, shared, dma })
}

fn too_high(manager: &Program, driver: &Program) -> Option<Error> {
    let (highest, priority) = (manager.manifest().priority, driver.manifest().priority);
    let (name, place) = (driver.name.clone(), driver.place("priority", 0));
    let manager = (manager.name.clone(), highest);
    (priority > highest).then_some(Error::TooHigh { driver: name, place, priority, manager })
}

fn same_devices(first: &Program, second: &Program) -> Vec<Error> {
    let place = |program: &Program, device: &DeviceId| {
        let member = program.manifest().devices.iter().position(|other| other == device);
        (program.name.clone(), program.place("devices", member.unwrap_or_default()))
    };
    let others = second.manifest().devices;
    let devices = first.manifest().devices;
    let same = devices.iter().filter(|device| others.contains(device));
    same.map(|device| Error::SameDevice {
        device: *device,
        first: place(first, device),
        second: place(second, device),
    })
    .collect()
}
