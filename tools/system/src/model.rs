//! The parts of a system, as far as the checks and the graph need to know them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use manifest::host::Source;
use manifest::{Manifest, Power};

/// The program that the kernel starts, and that starts all others.
pub const FIRST_PROGRAM: &str = "vm";

/// The stack of [`FIRST_PROGRAM`] in bytes, which the kernel makes (kernel/x64/src/first_task.rs).
pub const FIRST_TASK_STACK: u64 = 64 << 10;

/// A whole system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct System {
    /// The programs in the boot image.
    pub programs: Vec<Program>,
    /// The interfaces that there are.
    pub interfaces: Vec<Interface>,
    /// What it is to run on.
    pub machine: Machine,
    /// How much memory the kernel takes, in bytes, once it is built.
    pub kernel: Option<u64>,
    /// The size of the boot image in bytes, once it is made.
    pub image: Option<u64>,
    /// The kernel's own stacks, once it is built.
    pub kernel_stacks: Vec<KernelStack>,
}

impl System {
    /// The programs that provide a service.
    pub fn providers<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Program> {
        self.programs.iter().filter(move |program| program.manifest().provides.contains(&service))
    }

    /// The device manager: the program with the power over devices.
    pub fn device_manager(&self) -> Option<&Program> {
        self.programs.iter().find(|program| program.manifest().has(Power::Devices))
    }

    /// The interface with a name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }
}

/// A program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// The file with its manifest, as people are to see it.
    pub file: PathBuf,
    /// Its manifest.
    pub source: Source,
    /// What it was built to, once it is.
    pub built: Option<Built>,
}

/// What a program is, by its rights and services.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// It has interrupts, I/O ports or MMIO, or drives devices.
    Driver,
    /// It provides services, or it is [`FIRST_PROGRAM`], which all talk to.
    Server,
    /// Neither.
    App,
}

impl Program {
    /// Its manifest.
    pub fn manifest(&self) -> Manifest<'_> {
        self.source.manifest()
    }

    /// Whether it is the one that the kernel starts.
    pub fn is_first(&self) -> bool {
        self.name == FIRST_PROGRAM
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        let manifest = self.manifest();
        let has_rights = !(manifest.irqs.is_empty() && manifest.ports.is_empty() && manifest.mmio.is_empty());
        if self.is_managed() || has_rights {
            Kind::Driver
        } else if self.is_first() || !manifest.provides.is_empty() {
            Kind::Server
        } else {
            Kind::App
        }
    }

    /// Whether it is a driver that the device manager starts.
    pub fn is_managed(&self) -> bool {
        !self.manifest().devices.is_empty()
    }

    /// The size of its stack in bytes.
    pub fn stack(&self) -> u64 {
        if self.is_first() { FIRST_TASK_STACK } else { self.manifest().stack.into() }
    }

    /// Where a member of one of its manifest's lists is written, or a key that is no list (with `member` 0); where the
    /// manifest begins if it is not written.
    pub fn place(&self, key: &str, member: usize) -> Place {
        let line = self.source.line_of(key, member).unwrap_or_else(|| self.source.line());
        Place { file: self.file.clone(), line }
    }

    /// Where a service stands in `provides` or `uses`.
    pub fn place_of_service(&self, key: &str, service: &str) -> Place {
        let manifest = self.manifest();
        let list: &[&str] = if key == "provides" { &manifest.provides } else { &manifest.uses };
        let member = list.iter().position(|member| *member == service).unwrap_or_default();
        self.place(key, member)
    }
}

/// A line of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file.display(), self.line)
    }
}

/// What a compiled program tells about itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Built {
    /// The parts of it that are loaded.
    pub segments: Vec<Segment>,
    /// The fingerprints of the interfaces that it was built with, by their names.
    pub interfaces: BTreeMap<String, u64>,
    /// How much stack it needs, if that was computed.
    pub stack: Option<StackUse>,
}

/// A part of a program in its address space.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// First address.
    pub start: u64,
    /// Size in memory, in bytes.
    pub size: u64,
    /// Whether it needs memory of its own; what is never written is used where it lies in the boot image.
    pub writable: bool,
}

/// How much stack a program needs, as far as its object code tells.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct StackUse {
    /// The most bytes, taken over all calls that could be followed.
    pub bytes: u64,
    /// The functions on the way to where it is deepest, outermost first.
    pub path: Vec<String>,
    /// The functions that could not be bounded: if there are any, more than `bytes` may be used.
    pub unbounded: Vec<Unbounded>,
}

/// A stack of the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelStack {
    /// Its name, as `kernel boot`.
    pub name: String,
    /// The variable that it is, by its path in the source.
    pub variable: String,
    /// Its size in bytes.
    pub size: u64,
    /// How much of it is needed.
    pub need: StackUse,
}

/// A function whose stack could not be bounded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unbounded {
    /// Its name.
    pub function: String,
    /// Why, as the end of a sentence that begins with the function: "calls itself".
    pub reason: String,
}

/// An interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its name, which is also that of the service.
    pub name: String,
    /// The file that it is in, as people are to see it.
    pub file: PathBuf,
    /// The fingerprint of its wire format (`idl::fingerprint`).
    pub fingerprint: u64,
}

/// What a system is to run on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Its name, as `q35`.
    pub name: String,
    /// Its memory in bytes.
    pub memory: u64,
    /// Where that lies, as physical addresses.
    pub ram: Vec<Range<u64>>,
    /// How many bits a physical address has.
    pub address_bits: u32,
    /// How many interrupts it has; their numbers are below this.
    pub irqs: u32,
    /// Whether it has I/O ports.
    pub ports: bool,
    /// Interrupts, by their numbers, that are the kernel's own.
    pub kernel_irqs: Vec<Reserved>,
    /// I/O ports that are the kernel's own.
    pub kernel_ports: Vec<Reserved>,
    /// Physical addresses of devices that are the kernel's own.
    pub kernel_mmio: Vec<Reserved>,
}

/// Numbers that the kernel keeps for itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reserved {
    /// The numbers.
    pub range: Range<u64>,
    /// What for, as "the console".
    pub what: String,
}
