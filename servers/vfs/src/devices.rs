//! The disks that dm knows.

use alloc::string::String;
use alloc::vec::Vec;
use interfaces::dm::{self, Class, NAME_MAX, State};
use ipc::{Error, TaskId};

/// How long to wait, in nanoseconds, before dm is looked for again.
pub const RETRY: u64 = 500_000_000;

/// PCI's class of mass storage, in the highest of the three bytes of a class code.
const STORAGE: u32 = 1;
/// Most devices that are looked at.
const MOST_DEVICES: u32 = 1024;

/// Whether a device can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Its driver, this task, works.
    Ready(TaskId),
    /// Its driver may be starting.
    Coming,
    /// There is none.
    Missing,
}

/// What is known of dm and its disks.
#[derive(Debug, Default)]
pub struct Devices {
    manager: Option<dm::Client>,
    ready: Vec<(String, TaskId)>,
    is_one_coming: bool,
}

impl Devices {
    /// Looks for dm. True if that has to be tried again, after [`RETRY`].
    pub fn find(&mut self) -> bool {
        self.is_one_coming = false;
        let manager = match resea::lookup(dm::NAME) {
            Ok(task) => dm::Client::new(task),
            // A system without dm has no devices.
            Err(failed) => return !matches!(failed.error, Error::NotFound | Error::NotPermitted),
        };
        // Its end is told; if that is not possible, it has ended already.
        match resea::watch(manager.task()).and_then(|()| manager.subscribe(Class::Block)) {
            Ok(()) | Err(Error::AlreadyExists) => {
                self.manager = Some(manager);
                self.look();
                false
            }
            Err(_) => {
                self.is_one_coming = true;
                true
            }
        }
    }

    /// Whether this task was dm, which has ended. Until the next one is found all disks may be coming.
    pub fn lose(&mut self, task: TaskId) -> bool {
        let is_lost = self.manager.is_some_and(|manager| manager.task() == task);
        if is_lost {
            *self = Self { is_one_coming: true, ..Self::default() };
        }
        is_lost
    }

    /// Asks dm for all disks.
    pub fn look(&mut self) {
        let Some(manager) = self.manager else { return };
        self.ready.clear();
        // It may end in the middle of it, which is told. Then nobody knows what there is.
        self.is_one_coming = self.collect(manager).and_then(|()| is_one_coming(manager)).unwrap_or(true);
    }

    fn collect(&mut self, manager: dm::Client) -> Result<(), Error> {
        let mut name = [0; NAME_MAX];
        for index in 0..MOST_DEVICES {
            match manager.driver(Class::Block, index, &mut name) {
                Ok(driver) => self.ready.push((driver.name.into(), driver.task)),
                Err(Error::TooLarge) => {}
                Err(Error::NotFound) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the device with this name can be used.
    pub fn presence(&self, device: &str) -> Presence {
        match self.ready.iter().find(|(name, _)| name == device) {
            Some((_, driver)) => Presence::Ready(*driver),
            // A controller's disks have no names before its driver has found them.
            None if self.is_one_coming => Presence::Coming,
            None => Presence::Missing,
        }
    }
}

/// Whether the driver of any storage device is starting, or is soon.
fn is_one_coming(manager: dm::Client) -> Result<bool, Error> {
    let (mut name, mut driver) = ([0; NAME_MAX], [0; NAME_MAX]);
    for index in 0..MOST_DEVICES {
        match manager.list(index, &mut name, &mut driver) {
            Ok(device) => {
                // The disk in memory is no PCI device: it has no vendor.
                let is_storage = device.class_code >> 16 == STORAGE || device.vendor == 0;
                if is_storage && matches!(device.state, State::Starting | State::Waiting) {
                    return Ok(true);
                }
            }
            // Names that are too long are people's problem.
            Err(Error::TooLarge) => {}
            Err(Error::NotFound) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
