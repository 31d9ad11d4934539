//! The registers of the 8254x: offsets in the memory of base address register 0, and their bits.
//!
//! Names and sections are those of Intel's "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's
//! Manual" (317453-006), chapter 13.

/// Device control (13.4.1).
pub const CTRL: usize = 0x0000;
/// Device status (13.4.2).
pub const STATUS: usize = 0x0008;
/// EEPROM read (13.4.4).
pub const EERD: usize = 0x0014;
/// Flow control address low (13.4.7), high (13.4.8), type (13.4.9), transmit timer value (13.4.11).
pub const FLOW_CONTROL: [usize; 4] = [0x0028, 0x002c, 0x0030, 0x0170];
/// Interrupt causes; reading clears them (13.4.17).
pub const ICR: usize = 0x00c0;
/// Interrupt throttling (13.4.18).
pub const ITR: usize = 0x00c4;
/// Interrupt mask: set (13.4.20).
pub const IMS: usize = 0x00d0;
/// Interrupt mask: clear (13.4.21).
pub const IMC: usize = 0x00d8;
/// Receive control (13.4.22).
pub const RCTL: usize = 0x0100;
/// Transmit control (13.4.33).
pub const TCTL: usize = 0x0400;
/// Transmit inter-packet gap (13.4.34).
pub const TIPG: usize = 0x0410;
/// The receive descriptors' address, length, head and tail (13.4.25 to 13.4.29).
pub const RECEIVE: Descriptors =
    Descriptors { low: 0x2800, high: 0x2804, length: 0x2808, head: 0x2810, tail: 0x2818 };
/// Receive delay timers: per packet (13.4.30), absolute (13.4.31).
pub const RECEIVE_DELAYS: [usize; 2] = [0x2820, 0x282c];
/// The transmit descriptors' address, length, head and tail (13.4.36 to 13.4.40).
pub const TRANSMIT: Descriptors =
    Descriptors { low: 0x3800, high: 0x3804, length: 0x3808, head: 0x3810, tail: 0x3818 };
/// Frames with a wrong checksum, with a wrong symbol, with a wrong length; reading clears them (13.7.1, 13.7.4, 13.7.14).
pub const FAULTY_FRAMES: [usize; 3] = [0x4000, 0x400c, 0x4040];
/// Frames that were lost since no buffer was free; reading clears it (13.7.5).
pub const MPC: usize = 0x4010;
/// Multicast table: 128 registers (13.5.1).
pub const MTA: usize = 0x5200;
/// How many registers the multicast table has.
pub const MTA_COUNT: usize = 128;
/// The own address: four bytes (13.5.2).
pub const RAL: usize = 0x5400;
/// The own address: the last two bytes, and [`RAH_VALID`] (13.5.3).
pub const RAH: usize = 0x5404;

/// The registers of a ring of descriptors.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors {
    /// Low half of its physical address, a multiple of 16.
    pub low: usize,
    /// High half of the address.
    pub high: usize,
    /// Its length in bytes, a multiple of 128.
    pub length: usize,
    /// The descriptor that the device uses next.
    pub head: usize,
    /// The first descriptor that the device must not use.
    pub tail: usize,
}

/// CTRL: auto-speed detection; set link up; reset.
pub const CTRL_ASDE: u32 = 1 << 5;
/// See [`CTRL_ASDE`].
pub const CTRL_SLU: u32 = 1 << 6;
/// See [`CTRL_ASDE`].
pub const CTRL_RST: u32 = 1 << 26;
/// CTRL bits to be clear: link reset, invert loss of signal, VLAN mode, PHY reset.
pub const CTRL_CLEAR: u32 = 1 << 3 | 1 << 7 | 1 << 30 | 1 << 31;
/// STATUS: link up.
pub const STATUS_LU: u32 = 1 << 1;
/// EERD: start; done. The address is in bits 8 up, the word in bits 16 up.
pub const EERD_START: u32 = 1 << 0;
/// See [`EERD_START`].
pub const EERD_DONE: u32 = 1 << 4;
/// ICR, IMS, IMC: a transmitted descriptor was written back.
pub const CAUSE_TXDW: u32 = 1 << 0;
/// ICR, IMS, IMC: the link has changed.
pub const CAUSE_LSC: u32 = 1 << 2;
/// ICR, IMS, IMC: a frame was lost since no buffer was free.
pub const CAUSE_RXO: u32 = 1 << 6;
/// ICR, IMS, IMC: a frame was received.
pub const CAUSE_RXT0: u32 = 1 << 7;
/// RCTL: enable; take all multicast; take broadcast; strip the frame's checksum. Buffers have 2048 bytes (bits 17:16 are
/// 0), frames at most 1522 (bit 5 is 0).
pub const RCTL_ON: u32 = 1 << 1 | 1 << 4 | 1 << 15 | 1 << 26;
/// TCTL: enable; pad short packets; collision threshold 15 and distance 64, which the manual wants (13.4.33).
pub const TCTL_ON: u32 = 1 << 1 | 1 << 3 | 15 << 4 | 64 << 12;
/// TIPG: what the manual wants for copper: 10, 8, 6 (13.4.34).
pub const TIPG_COPPER: u32 = 10 | 8 << 10 | 6 << 20;
/// RAH: the address is valid.
pub const RAH_VALID: u32 = 1 << 31;
