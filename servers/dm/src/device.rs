//! A device that has a driver: what it has, and how it is switched off and on.
//!
//! Off, it neither accesses memory nor interrupts, whatever state its driver has left it in. That is all that dm needs to
//! know of any device.

use crate::bars::{self, BARS, Bar};
use crate::capabilities::{self, Messages, Msi, Msix};
use crate::configuration::{Configuration, Place, command, header};
use crate::enumerate::{Function, Kind};
use crate::ide;

/// In the control word of MSI, above its number and link: it is enabled; how many messages it may use (none: one).
const MSI_ENABLE: u32 = 1 << 16;
const MSI_SEVERAL: u32 = 7 << 20;
/// In the control word of MSI-X: it is enabled; all its messages are masked.
const MSIX_ENABLE: u32 = 1 << 31;
const MSIX_MASK: u32 = 1 << 30;

/// Interrupt lines are below this; what else stands in the register means that there is none.
const LINES: u8 = 32;

/// The message that raises an interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// The interrupt.
    pub irq: u32,
    /// Where the device writes.
    pub address: u64,
    /// What it writes.
    pub data: u32,
}

/// How a device interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupt {
    /// Not at all.
    None,
    /// By a line.
    Line(u8),
    /// By the one message of MSI.
    Msi(Msi, Message),
    /// By messages of MSI-X, all the same; the driver fills the table.
    Msix(Msix, Message),
    /// By the lines of the two channels of an IDE controller in compatibility mode.
    Ide,
}

impl Interrupt {
    /// The interrupt of the line that a device says it has.
    pub const fn of_line(line: u8) -> Self {
        match line {
            1..LINES => Self::Line(line),
            _ => Self::None,
        }
    }

    /// Its number; 0 if there is none.
    pub const fn irq(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Line(line) => line as u32,
            Self::Msi(_, message) | Self::Msix(_, message) => message.irq,
            Self::Ide => ide::LINES[0],
        }
    }

    /// How many numbers it has, from [`Interrupt::irq`] on.
    pub const fn count(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Line(_) | Self::Msi(..) | Self::Msix(..) => 1,
            Self::Ide => ide::LINES.len() as u32,
        }
    }

    /// Whether it comes as a message.
    pub const fn is_message(self) -> bool {
        matches!(self, Self::Msi(..) | Self::Msix(..))
    }
}

/// A device and what it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Device {
    /// Where it is.
    pub place: Place,
    /// Its ranges.
    pub bars: [Bar; BARS],
    /// The kind of thing that it is, for its driver.
    pub subsystem: u16,
    messages: Messages,
    wire: Interrupt,
    /// It is no PCI device: there is nothing to switch.
    is_platform: bool,
}

impl Device {
    /// Switches the device off and looks at it.
    pub fn examine(configuration: &mut impl Configuration, function: &Function) -> Self {
        let place = function.place;
        if function.kind == Kind::Ramdisk {
            let (bars, messages) = ([Bar::None; BARS], Messages::default());
            return Self { place, bars, subsystem: 0, messages, wire: Interrupt::None, is_platform: true };
        }
        command(configuration, place, header::BUS_MASTER, header::INTERRUPT_DISABLE);
        let mut bars = bars::read(configuration, place);
        let mut wire = Interrupt::of_line(function.line);
        if ide::is_compatible(function.class) {
            (bars, wire) = (ide::BARS, Interrupt::Ide);
        }
        let messages = capabilities::messages(configuration, place, &bars);
        let subsystem = (configuration.read(place, header::SUBSYSTEM) >> 16) as u16;
        let device = Self { place, bars, subsystem, messages, wire, is_platform: false };
        device.switch_off(configuration);
        device
    }

    /// Stops its accesses to memory and its interrupts.
    pub fn switch_off(&self, configuration: &mut impl Configuration) {
        if self.is_platform {
            return;
        }
        // First of all: messages are accesses to memory too.
        command(configuration, self.place, header::BUS_MASTER, header::INTERRUPT_DISABLE);
        if let Some(msi) = self.messages.msi {
            configuration.change(self.place, msi.offset, MSI_ENABLE, 0);
        }
        if let Some(msix) = self.messages.msix {
            configuration.change(self.place, msix.offset, MSIX_ENABLE, MSIX_MASK);
        }
    }

    /// How it interrupts, if `message` is the one that it gets. Without one it has to use its line.
    pub fn interrupt(&self, message: Option<Message>) -> Interrupt {
        match (message, self.messages) {
            (Some(message), Messages { msix: Some(msix), .. }) => Interrupt::Msix(msix, message),
            // The address of MSI that has only 32 bits.
            (Some(message), Messages { msi: Some(msi), .. }) if msi.wide || message.address >> 32 == 0 => {
                Interrupt::Msi(msi, message)
            }
            _ => self.wire,
        }
    }

    /// Whether it can send messages.
    pub const fn has_messages(&self) -> bool {
        self.messages.msi.is_some() || self.messages.msix.is_some()
    }

    /// Lets it answer, access memory and interrupt.
    pub fn switch_on(&self, configuration: &mut impl Configuration, interrupt: Interrupt) {
        if self.is_platform {
            return;
        }
        let place = self.place;
        let mut line = header::INTERRUPT_DISABLE;
        match interrupt {
            Interrupt::None => {}
            Interrupt::Line(_) | Interrupt::Ide => line = 0,
            Interrupt::Msi(msi, message) => {
                configuration.write(place, msi.offset + 4, message.address as u32);
                if msi.wide {
                    configuration.write(place, msi.offset + 8, (message.address >> 32) as u32);
                }
                configuration.change(place, msi.data_offset(), 0xffff, message.data & 0xffff);
                if msi.mask {
                    configuration.write(place, msi.mask_offset(), 0);
                }
                configuration.change(place, msi.offset, MSI_SEVERAL, MSI_ENABLE);
            }
            Interrupt::Msix(msix, _) => configuration.change(place, msix.offset, MSIX_MASK, MSIX_ENABLE),
        }
        let answer = header::IO | header::MEMORY | header::BUS_MASTER;
        command(configuration, place, header::INTERRUPT_DISABLE, answer | line);
    }
}
