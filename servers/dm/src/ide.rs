//! IDE controllers in compatibility mode: registers and interrupts where the first PCs had them, whatever the base address
//! registers say (PCI IDE controller specification 1.0, 2).

use crate::bars::{self, Bar};

/// Class and subclass of an IDE controller, and the bits of its programming interface that say that a channel is not
/// in compatibility mode.
const CLASS: u32 = 0x0101;
const NATIVE: u32 = 1 << 0 | 1 << 2;

/// How many disks a controller can have: two on each of two channels.
pub const UNITS: u32 = 4;

/// The interrupts of the channels.
pub const LINES: [u32; 2] = [14, 15];

/// For each channel the command and the control block. What a controller has besides is for DMA.
pub const BARS: [Bar; bars::BARS] = [
    Bar::Fixed { first: 0x1f0, size: 8 },
    Bar::Fixed { first: 0x3f4, size: 4 },
    Bar::Fixed { first: 0x170, size: 8 },
    Bar::Fixed { first: 0x374, size: 4 },
    Bar::None,
    Bar::None,
];

/// Whether a function with this class code is an IDE controller with both channels in compatibility mode.
pub const fn is_compatible(class: u32) -> bool {
    class >> 8 == CLASS && class & NATIVE == 0
}
