//! Which program drives which device: what the manifests say.

use alloc::string::String;
use alloc::vec::Vec;
use interfaces::dm::{Class, NAME_MAX};
use ipc::Error;
use manifest::{DeviceId, MAX_ENCODED, Manifest};

/// A program that drives devices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// What it drives.
    pub devices: Vec<DeviceId>,
    /// What these devices are.
    pub class: Class,
    /// Most bytes of memory that its device may read and write.
    pub dma: u64,
}

impl Program {
    /// The program `name` with this manifest, if it is a driver.
    fn new(name: &str, manifest: &Manifest<'_>) -> Option<Self> {
        let class = match manifest.class {
            manifest::Class::Network => Class::Network,
            manifest::Class::Block => Class::Block,
            manifest::Class::Other => Class::Other,
        };
        let devices = manifest.devices.to_vec();
        (!devices.is_empty()).then(|| Self { name: name.into(), devices, class, dma: manifest.dma })
    }

    /// Whether it drives this device.
    pub fn drives(&self, device: DeviceId) -> bool {
        self.devices.contains(&device)
    }
}

/// All drivers of the image, in its order: of two that drive the same device, the first gets it.
///
/// Errors: those of vm's `manifest` and `program`, but that there are no more.
pub fn programs() -> Result<Vec<Program>, Error> {
    let mut programs = Vec::new();
    for index in 0.. {
        let mut buffer = [0; MAX_ENCODED];
        let length = match resea::vm().manifest(index, &mut buffer) {
            Ok(length) => length,
            Err(Error::NotFound) => break,
            Err(error) => return Err(error),
        };
        let Ok(manifest) = Manifest::decode(buffer.get(..length).unwrap_or_default()) else { continue };
        if manifest.devices.is_empty() {
            continue;
        }
        let (mut name, mut description) = ([0; NAME_MAX], [0; manifest::MAX_DESCRIPTION]);
        match resea::vm().program(index, &mut name, &mut description) {
            Ok(program) => programs.extend(Program::new(program.name, &manifest)),
            Err(Error::TooLarge) => {
                resea::warn!("driver {index} has a name of more than {NAME_MAX} bytes: it is not started");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(programs)
}
