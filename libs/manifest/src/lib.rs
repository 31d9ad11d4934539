//! A program's manifest: what it provides and uses, what it may do, and how it is started.
//!
//! A person writes it in the program's `Cargo.toml`, under `[package.metadata.resea]`; `cargo resea` reads it there
//! (module `host`, feature `host`), checks it, and stores it in the boot image in a compact form; vm reads that with
//! [`Manifest::decode`] and gives the program the rights written there, no others.
//!
//! Relies on serde and postcard for the compact form. Never allocates and never panics in the reader, so vm can use it
//! on any bytes.
//!
//! # Keys
//!
//! | key | value | default |
//! |---|---|---|
//! | `description` | one line for people | the package's description |
//! | `provides` | names of the services that it provides | none |
//! | `uses` | names of the services that it talks to; vm is implied | none |
//! | `powers` | of `"create"`, `"map"`, `"console"`, `"inspect"`, `"power"`, `"launch"`, `"kill"`, `"devices"` ([`Power`]) | none |
//! | `irqs` | interrupt numbers, as `[4]` | none |
//! | `ports` | x86 I/O ports, as `["0x3f8-0x3ff"]`, last one included | none |
//! | `mmio` | physical addresses of devices, written like ports | none |
//! | `devices` | devices that it drives: those of PCI by vendor and device ID in hexadecimal, as `["pci:1af4:1000"]`, or `"platform:ramdisk"`; at most 8 | none |
//! | `class` | what its devices are: `"network"`, `"block"` or `"other"`; for drivers only | `"other"` |
//! | `dma` | most memory that its device may read and write; at most 16 MiB; for drivers only | 0 |
//! | `stack` | size of its stack, as `"16KiB"`; at most 1 MiB | 16 KiB |
//! | `heap` | size of its heap; at most 4 GiB | 64 KiB |
//! | `shared` | most shared memory that it may hold at once, made by itself or mapped; at most 1 GiB | 1 MiB |
//! | `priority` | 0 to 31; higher runs first | 8 |
//! | `start` | `"boot"`, or `"demand"`: when its service is looked up or someone launches it | `"demand"` |
//! | `restart` | `"never"` or `"always"` after it ended | `"never"` |
//!
//! A program with `devices` is a driver. The device manager, service `dm`, starts it (again), and gives it the rights to
//! the one device that it is started for; so it uses `dm`, starts on demand, and has neither `restart` nor `irqs`,
//! `ports` or `mmio` of its own.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "host"))]
extern crate std;

#[cfg(feature = "host")]
pub mod host;

use core::fmt;

use heapless::Vec;
use serde::{Deserialize, Serialize};

/// Most services that one program can provide.
pub const MAX_PROVIDES: usize = 4;
/// Most services that one program can use.
pub const MAX_USES: usize = 16;
/// Most interrupts, port ranges and MMIO ranges, each, that one program can have.
pub const MAX_RANGES: usize = 4;
/// Most devices that one program can drive.
pub const MAX_DEVICES: usize = 8;
/// Longest name of a service in bytes.
pub const MAX_SERVICE_NAME: usize = 32;
/// Longest description in bytes.
pub const MAX_DESCRIPTION: usize = 120;
/// Priorities are below this.
pub const PRIORITIES: u8 = 32;
/// No manifest takes more bytes in its compact form.
pub const MAX_ENCODED: usize = 1024;

/// How many powers there are.
const POWERS: usize = Power::ALL.len();

/// The priority of programs whose manifest does not tell.
pub const DEFAULT_PRIORITY: u8 = 8;
/// The stack of programs whose manifest does not tell, in bytes.
pub const DEFAULT_STACK: u32 = 16 << 10;
/// The heap of programs whose manifest does not tell, in bytes.
pub const DEFAULT_HEAP: u64 = 64 << 10;
/// The shared memory that programs whose manifest does not tell may hold, in bytes.
pub const DEFAULT_SHARED: u64 = 1 << 20;

/// A power over the system; the same as in the kernel's and vm's rights.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Power {
    /// Create tasks, and be their pager.
    Create,
    /// Map physical memory.
    Map,
    /// Read console input.
    Console,
    /// Inspect tasks and read the kernel log.
    Inspect,
    /// Halt or restart the machine.
    Power,
    /// Launch programs.
    Launch,
    /// End tasks that it did not launch.
    Kill,
    /// Hand devices to drivers: what the device manager does.
    Devices,
}

impl Power {
    /// Every power.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Map,
        Self::Console,
        Self::Inspect,
        Self::Power,
        Self::Launch,
        Self::Kill,
        Self::Devices,
    ];

    /// Its name in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Map => "map",
            Self::Console => "console",
            Self::Inspect => "inspect",
            Self::Power => "power",
            Self::Launch => "launch",
            Self::Kill => "kill",
            Self::Devices => "devices",
        }
    }
}

/// When a program is started.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// When the system starts.
    Boot,
    /// When someone looks up a service that it provides, or launches it.
    #[default]
    Demand,
}

/// What happens after a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Restart {
    /// Nothing.
    #[default]
    Never,
    /// It is started again.
    Always,
}

/// The numbers from `start` to before `end`: I/O ports or physical addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Range {
    /// First number in the range.
    pub start: u64,
    /// First number past the range; above `start`.
    pub end: u64,
}

/// A kind of device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DeviceId {
    /// A PCI device, by its numbers in the configuration space (PCI local bus specification 3.0, 6.2.1).
    Pci {
        /// Who makes it.
        vendor: u16,
        /// Which of the vendor's devices it is.
        device: u16,
    },
    /// The disk in memory: there is one if the boot image has its content.
    Ramdisk,
}

impl fmt::Display for DeviceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pci { vendor, device } => write!(formatter, "pci:{vendor:04x}:{device:04x}"),
            Self::Ramdisk => formatter.write_str("platform:ramdisk"),
        }
    }
}

/// What the devices of a driver are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Network cards.
    Network,
    /// Disks.
    Block,
    /// Anything else.
    #[default]
    Other,
}

/// A program's manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest<'a> {
    /// What the program is, in one line.
    pub description: &'a str,
    /// The services that it provides.
    #[serde(borrow)]
    pub provides: Vec<&'a str, MAX_PROVIDES>,
    /// The services that it talks to, other than vm.
    #[serde(borrow)]
    pub uses: Vec<&'a str, MAX_USES>,
    /// Its powers over the system.
    pub powers: Vec<Power, POWERS>,
    /// The interrupts that it may acquire.
    pub irqs: Vec<u32, MAX_RANGES>,
    /// The x86 I/O ports that it may access.
    pub ports: Vec<Range, MAX_RANGES>,
    /// The physical addresses of devices that may be mapped into it.
    pub mmio: Vec<Range, MAX_RANGES>,
    /// The devices that it drives; if there are any, it is a driver, which the device manager starts.
    pub devices: Vec<DeviceId, MAX_DEVICES>,
    /// What these devices are.
    pub class: Class,
    /// Most bytes of memory that its device may read and write; a multiple of 4 KiB.
    pub dma: u64,
    /// Size of its stack in bytes; a multiple of 4 KiB.
    pub stack: u32,
    /// Size of its heap in bytes; a multiple of 4 KiB.
    pub heap: u64,
    /// Most bytes of shared memory that it may hold at once; a multiple of 4 KiB.
    pub shared: u64,
    /// Its priority: below [`PRIORITIES`], higher runs first.
    pub priority: u8,
    /// When it is started.
    pub start: Start,
    /// What happens after it ended.
    pub restart: Restart,
}

impl Default for Manifest<'_> {
    fn default() -> Self {
        Self {
            description: "",
            provides: Vec::new(),
            uses: Vec::new(),
            powers: Vec::new(),
            irqs: Vec::new(),
            ports: Vec::new(),
            mmio: Vec::new(),
            devices: Vec::new(),
            class: Class::default(),
            dma: 0,
            stack: DEFAULT_STACK,
            heap: DEFAULT_HEAP,
            shared: DEFAULT_SHARED,
            priority: DEFAULT_PRIORITY,
            start: Start::default(),
            restart: Restart::default(),
        }
    }
}

/// Why bytes are not a manifest, or a manifest does not fit into the bytes given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The bytes are damaged, or written by another version of the tool.
    Damaged,
    /// There is not enough room for the compact form.
    NoRoom,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Damaged => "the manifest is damaged or of another version: rebuild the image",
            Self::NoRoom => "the manifest does not fit into the room given: shorten it",
        })
    }
}

impl core::error::Error for Error {}

impl<'a> Manifest<'a> {
    /// Reads the compact form; texts stay where they are.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if `bytes` is not exactly one manifest with a priority and ranges that make sense.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let (manifest, rest) = postcard::take_from_bytes::<Self>(bytes).map_err(|_| Error::Damaged)?;
        let mut ranges = manifest.ports.iter().chain(&manifest.mmio);
        let sane =
            rest.is_empty() && manifest.priority < PRIORITIES && ranges.all(|range| range.start < range.end);
        if sane { Ok(manifest) } else { Err(Error::Damaged) }
    }

    /// Writes the compact form to `buffer` ([`MAX_ENCODED`] bytes are enough) and returns the part used.
    ///
    /// # Errors
    ///
    /// [`Error::NoRoom`] if it does not fit.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], Error> {
        postcard::to_slice(self, buffer).map_err(|_| Error::NoRoom)
    }

    /// Whether the program has this power.
    pub fn has(&self, power: Power) -> bool {
        self.powers.contains(&power)
    }
}
