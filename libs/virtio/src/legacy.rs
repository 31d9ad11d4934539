//! Legacy PCI devices: one structure in the ports of base address register 0 (section 4.1.4, "Legacy Interfaces: A Note on PCI
//! Device Layout").

use crate::Unusable;
use crate::transport::Doorbell;
use driver::{Device, Registers};

/// Offsets in the structure.
const DEVICE_FEATURES: usize = 0;
const DRIVER_FEATURES: usize = 4;
const QUEUE_ADDRESS: usize = 8;
const QUEUE_SIZE: usize = 12;
const QUEUE_SELECT: usize = 14;
const QUEUE_NOTIFY: usize = 16;
const DEVICE_STATUS: usize = 18;
const ISR: usize = 19;
/// Only there if MSI-X is enabled; the device's own registers follow.
const CONFIG_VECTOR: usize = 20;
const QUEUE_VECTOR: usize = 22;
const DEVICE: usize = 20;
const DEVICE_AFTER_VECTORS: usize = 24;

/// Queue addresses are in units of this (section 4.1.5.1.3, "Legacy Interface: A Note on Virtqueue Configuration").
const PAGE_BITS: u32 = 12;

/// A legacy device's registers.
pub struct Legacy {
    ports: Registers,
    notify: Registers,
    device: Registers,
    /// Whether it uses MSI-X.
    vectors: bool,
}

impl Legacy {
    pub fn new(device: &Device, vectors: bool) -> Result<Self, Unusable> {
        let ports = device.registers(0).map_err(|_| Unusable::NoRegisters)?;
        let own = if vectors { DEVICE_AFTER_VECTORS } else { DEVICE };
        let rest = ports.size().checked_sub(own).ok_or(Unusable::NoRegisters)?;
        let notify = ports.part(QUEUE_NOTIFY, 2).ok_or(Unusable::NoRegisters)?;
        let device = ports.part(own, rest).ok_or(Unusable::NoRegisters)?;
        Ok(Self { ports, notify, device, vectors })
    }

    pub fn offered(&self) -> u32 {
        self.ports.read32(DEVICE_FEATURES)
    }

    pub fn accept(&self, features: u32) {
        self.ports.write32(DRIVER_FEATURES, features);
    }

    pub fn queue_size(&self, queue: u16) -> u16 {
        self.ports.write16(QUEUE_SELECT, queue);
        self.ports.read16(QUEUE_SIZE)
    }

    pub fn connect(&self, queue: u16, physical: u64) -> Result<Doorbell, Unusable> {
        let page = u32::try_from(physical >> PAGE_BITS).map_err(|_| Unusable::Address(physical))?;
        self.ports.write16(QUEUE_SELECT, queue);
        if self.vectors {
            // All vectors raise the same interrupt. What cannot be had reads as 0xffff (4.1.5.1.2).
            self.ports.write16(CONFIG_VECTOR, 0);
            self.ports.write16(QUEUE_VECTOR, 0);
            if self.ports.read16(QUEUE_VECTOR) != 0 {
                return Err(Unusable::NoVector(queue));
            }
        }
        self.ports.write32(QUEUE_ADDRESS, page);
        Ok(Doorbell { register: self.notify, queue })
    }

    pub fn status(&self) -> u8 {
        self.ports.read8(DEVICE_STATUS)
    }

    pub fn set_status(&self, status: u8) {
        self.ports.write8(DEVICE_STATUS, status);
    }

    pub fn lower_interrupt(&self) {
        self.ports.read8(ISR);
    }

    pub fn device(&self) -> &Registers {
        &self.device
    }
}
