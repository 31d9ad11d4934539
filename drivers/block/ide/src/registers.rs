//! The registers of a channel and the commands (ATA/ATAPI-7 volume 1, 6 and volume 2, 7).

/// The command block: data.
pub const DATA: usize = 0;
/// When read: why a command has failed.
pub const ERROR: usize = 1;
/// How many sectors.
pub const COUNT: usize = 2;
/// The sector's number, 8 bits each.
pub const LBA: [usize; 3] = [3, 4, 5];
/// Which drive, and with 28 bits the highest four of the sector's number.
pub const DEVICE: usize = 6;
/// When read: the status, and the interrupt line is lowered. When written: the command.
pub const STATUS: usize = 7;

/// The control block: the status without an effect, or when written [`RESET`] and [`SILENT`].
pub const CONTROL: usize = 2;
/// In the control register: software reset.
pub const RESET: u8 = 1 << 2;
/// In the control register: no interrupts.
pub const SILENT: u8 = 1 << 1;

/// In the status: the drive works, and no other bit counts.
pub const BUSY: u8 = 1 << 7;
/// In the status: the drive has failed.
pub const FAULT: u8 = 1 << 5;
/// In the status: data is to be moved.
pub const DATA_READY: u8 = 1 << 3;
/// In the status: the command has failed.
pub const FAILED: u8 = 1 << 0;

/// In the device register: a sector's number follows, not a cylinder; and two bits that old drives want.
pub const BY_NUMBER: u8 = 0xe0;

/// Where nothing is, all bits are ones, except where a resistor pulls the highest one down.
pub const fn is_nothing(status: u8) -> bool {
    status & 0x7f == 0x7f
}

/// Commands. Those of a pair are for 28 and 48 bits.
pub const READ: [u8; 2] = [0x20, 0x24];
/// Reads, with one interrupt for several sectors.
pub const READ_MULTIPLE: [u8; 2] = [0xc4, 0x29];
/// Writes.
pub const WRITE: [u8; 2] = [0x30, 0x34];
/// Writes, with one interrupt for several sectors.
pub const WRITE_MULTIPLE: [u8; 2] = [0xc5, 0x39];
/// Writes out what the drive holds back.
pub const FLUSH: [u8; 2] = [0xe7, 0xea];
/// Says how many sectors one interrupt is for.
pub const SET_MULTIPLE: u8 = 0xc6;
/// Asks what the drive is.
pub const IDENTIFY: u8 = 0xec;
