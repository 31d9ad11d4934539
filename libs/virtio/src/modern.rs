//! Modern PCI devices: the structures that their capabilities name (4.1.4.3 to 4.1.4.6).

use crate::capabilities::{Capabilities, Place};
use crate::transport::Doorbell;
use crate::{Layout, Unusable};
use driver::{Device, Registers};

/// Offsets in the common configuration structure (4.1.4.3).
const DEVICE_FEATURE_SELECT: usize = 0;
const DEVICE_FEATURE: usize = 4;
const DRIVER_FEATURE_SELECT: usize = 8;
const DRIVER_FEATURE: usize = 12;
const CONFIG_VECTOR: usize = 16;
const QUEUES: usize = 18;
const DEVICE_STATUS: usize = 20;
const GENERATION: usize = 21;
const QUEUE_SELECT: usize = 22;
const QUEUE_SIZE: usize = 24;
const QUEUE_VECTOR: usize = 26;
const QUEUE_ENABLE: usize = 28;
const QUEUE_NOTIFY_OFFSET: usize = 30;
const QUEUE_DESCRIPTORS: usize = 32;
const QUEUE_DRIVER: usize = 40;
const QUEUE_DEVICE: usize = 48;

/// A modern device's registers.
pub struct Modern {
    common: Registers,
    notify: Registers,
    notify_place: Place,
    multiplier: usize,
    isr: Registers,
    device: Registers,
    /// Whether it uses MSI-X.
    vectors: bool,
}

impl Modern {
    pub fn new(device: &Device, found: &Capabilities, vectors: bool) -> Result<Self, Unusable> {
        let place = |place: Place| {
            let part = device.registers(place.bar)?.part(place.offset as usize, place.length as usize);
            part.ok_or(Unusable::Place(place.bar, place.offset))
        };
        Ok(Self {
            common: place(found.common)?,
            notify_place: found.notify,
            notify: place(found.notify)?,
            multiplier: found.multiplier as usize,
            isr: place(found.isr)?,
            device: place(found.device)?,
            vectors,
        })
    }

    pub fn offered(&self) -> u64 {
        let half = |select| {
            self.common.write32(DEVICE_FEATURE_SELECT, select);
            u64::from(self.common.read32(DEVICE_FEATURE))
        };
        half(0) | half(1) << 32
    }

    pub fn accept(&self, features: u64) {
        for (select, half) in [(0, features as u32), (1, (features >> 32) as u32)] {
            self.common.write32(DRIVER_FEATURE_SELECT, select);
            self.common.write32(DRIVER_FEATURE, half);
        }
    }

    pub fn queue_size(&self, queue: u16) -> u16 {
        if queue >= self.common.read16(QUEUES) {
            return 0;
        }
        self.common.write16(QUEUE_SELECT, queue);
        self.common.read16(QUEUE_SIZE)
    }

    pub fn connect(&self, queue: u16, layout: &Layout, physical: u64) -> Result<Doorbell, Unusable> {
        let common = &self.common;
        common.write16(QUEUE_SELECT, queue);
        common.write16(QUEUE_SIZE, layout.size);
        if self.vectors {
            // All vectors raise the same interrupt. What cannot be had reads as 0xffff (4.1.5.1.2).
            common.write16(CONFIG_VECTOR, 0);
            common.write16(QUEUE_VECTOR, 0);
            if common.read16(QUEUE_VECTOR) != 0 {
                return Err(Unusable::NoVector(queue));
            }
        }
        self.write_address(QUEUE_DESCRIPTORS, physical);
        self.write_address(QUEUE_DRIVER, physical + layout.driver as u64);
        self.write_address(QUEUE_DEVICE, physical + layout.device as u64);
        let offset = usize::from(common.read16(QUEUE_NOTIFY_OFFSET)) * self.multiplier;
        let place = self.notify_place;
        let wrong = Unusable::Place(place.bar, place.offset.saturating_add(offset as u32));
        let register = self.notify.part(offset, 2).ok_or(wrong)?;
        common.write16(QUEUE_ENABLE, 1);
        Ok(Doorbell { register, queue })
    }

    /// 4.1.3.1: fields of 64 bits are written as two of 32.
    fn write_address(&self, field: usize, address: u64) {
        self.common.write32(field, address as u32);
        self.common.write32(field + 4, (address >> 32) as u32);
    }

    /// Changes whenever the device changes its own registers (2.5.1).
    pub fn generation(&self) -> u8 {
        self.common.read8(GENERATION)
    }

    pub fn status(&self) -> u8 {
        self.common.read8(DEVICE_STATUS)
    }

    pub fn set_status(&self, status: u8) {
        self.common.write8(DEVICE_STATUS, status);
    }

    pub fn lower_interrupt(&self) {
        self.isr.read8(0);
    }

    pub fn device(&self) -> &Registers {
        &self.device
    }
}
