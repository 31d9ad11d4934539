//! Registers of a device, the same whether they are I/O ports or memory.

use ipc::{Error, Region, port};

/// A range of registers. A plain value: copying it copies no registers.
///
/// Each access is one access of this width to the device, in the order of the program, and little-endian as PCI is. Where
/// there is no register (past the end of the range, or not at a multiple of the width) reads give ones and writes do nothing,
/// as where there is no device; so no offset that comes from a device can lead elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registers(Space);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Space {
    /// The first, and how many.
    Ports(u16, usize),
    Memory(Region),
}

macro_rules! access {
    ($($read:ident, $write:ident, $type:ty, $port_read:ident, $port_write:ident;)+) => {$(
        #[doc = concat!("Reads the register of type `", stringify!($type), "` at `offset`, in bytes.")]
        #[inline(always)]
        pub fn $read(&self, offset: usize) -> $type {
            match &self.0 {
                Space::Memory(region) => match region.$port_read(offset) {
                    Ok(value) => <$type>::from_le(value),
                    Err(_) => <$type>::MAX,
                },
                Space::Ports(first, length) => match place(*first, *length, offset, size_of::<$type>()) {
                    Some(number) => port::$port_read(number),
                    None => <$type>::MAX,
                },
            }
        }

        #[doc = concat!("Writes the register of type `", stringify!($type), "` at `offset`, in bytes.")]
        #[inline(always)]
        pub fn $write(&self, offset: usize, value: $type) {
            match &self.0 {
                // Where there is no register nothing happens, as said above.
                Space::Memory(region) => drop(region.$port_write(offset, value.to_le())),
                Space::Ports(first, length) => {
                    if let Some(number) = place(*first, *length, offset, size_of::<$type>()) {
                        port::$port_write(number, value);
                    }
                }
            }
        }
    )+};
}

impl Registers {
    /// I/O ports: `length` from `first` on, as many as there are up to port 65535.
    pub const fn ports(first: u16, length: usize) -> Self {
        let room = 0x1_0000 - first as usize;
        Self(Space::Ports(first, if length < room { length } else { room }))
    }

    /// Memory that is mapped as a device's.
    pub const fn memory(region: Region) -> Self {
        Self(Space::Memory(region))
    }

    /// How many bytes the range has.
    pub const fn size(&self) -> usize {
        match &self.0 {
            Space::Ports(_, length) => *length,
            Space::Memory(region) => region.len(),
        }
    }

    /// The part of `length` bytes from `offset` on; `None` if it goes past the end.
    pub fn part(&self, offset: usize, length: usize) -> Option<Self> {
        if offset > self.size() || length > self.size() - offset {
            return None;
        }
        match &self.0 {
            // A part of no ports may begin past the last.
            Space::Ports(first, _) => Some(Self::ports(first.saturating_add(offset as u16), length)),
            Space::Memory(region) => region.part(offset, length).ok().map(Self::memory),
        }
    }

    /// Reads the 32-bit register at `offset` again and again, until `to` is full; its bytes are in the order in which the
    /// device gives them. Of registers in memory, and where there is none, it reads nothing.
    ///
    /// Errors: `InvalidArgument` (the length of `to` is not a multiple of 4), `NotSupported` (they are no ports, or there is
    /// no such register).
    pub fn read_all(&self, offset: usize, to: &Region) -> Result<(), Error> {
        port::read_all(self.number(offset)?, to)
    }

    /// Writes all of `from` to the 32-bit register at `offset`. Errors as [`Registers::read_all`].
    pub fn write_all(&self, offset: usize, from: &Region) -> Result<(), Error> {
        port::write_all(self.number(offset)?, from)
    }

    /// The port of a 32-bit register.
    fn number(&self, offset: usize) -> Result<u16, Error> {
        match &self.0 {
            Space::Ports(first, length) => place(*first, *length, offset, 4).ok_or(Error::NotSupported),
            Space::Memory(_) => Err(Error::NotSupported),
        }
    }

    access! {
        read8, write8, u8, read_u8, write_u8;
        read16, write16, u16, read_u16, write_u16;
        read32, write32, u32, read_u32, write_u32;
    }
}

/// The port at `offset` of a range, if `width` bytes are there and aligned.
#[inline(always)]
fn place(first: u16, length: usize, offset: usize, width: usize) -> Option<u16> {
    let end = offset.checked_add(width)?;
    let number = u16::try_from(usize::from(first).checked_add(offset)?).ok()?;
    (end <= length && usize::from(number).is_multiple_of(width)).then_some(number)
}
