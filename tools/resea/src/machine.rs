//! The machine that QEMU plays: from options to its command line.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::disks::DiskOptions;
use crate::network::{NetworkOptions, Unsaid};

/// The exit status of QEMU when the system halted with success: the kernel writes 0x10 to the isa-debug-exit device,
/// which exits with (value << 1) | 1.
pub const HALTED_WITH_SUCCESS: i32 = exit_code(0);

/// Where the isa-debug-exit device listens.
const DEBUG_EXIT: &str = "isa-debug-exit,iobase=0xf4,iosize=4";

/// The exit status of QEMU when the system halted with `status`.
pub const fn exit_code(status: i32) -> i32 {
    (0x10 + status) << 1 | 1
}

/// What the system halted with, if that is how QEMU ended with `code`.
pub fn halt_status(code: i32) -> Option<i32> {
    (code & 1 == 1 && code >> 1 >= 0x10).then_some((code >> 1) - 0x10)
}

/// A kind of PC.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum Machine {
    /// A PC of 2009, with PCI Express.
    #[default]
    Q35,
    /// A PC of 1996, with PCI.
    Pc,
    /// A virtual machine without any PCI, for the fastest start.
    Microvm,
}

impl Machine {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Q35, Self::Pc, Self::Microvm];

    /// QEMU's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q35 => "q35",
            Self::Pc => "pc",
            Self::Microvm => "microvm",
        }
    }

    /// Whether it can have PCI devices.
    pub fn has_pci(self) -> bool {
        self != Self::Microvm
    }
}

/// What to play.
#[derive(Clone, Debug, Args)]
pub struct MachineOptions {
    /// The kind of PC
    #[arg(long, value_enum, default_value_t)]
    pub machine: Machine,
    /// How many CPUs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=255))]
    pub smp: u32,
    /// How much memory, as QEMU writes it: 64M, 2G
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = memory_size)]
    pub mem: String,
    /// Count instructions: each one takes exactly 1 ns of the guest's time, so that runs can be compared
    #[arg(long)]
    pub icount: bool,
    /// What the network looks like
    #[command(flatten)]
    pub network: NetworkOptions,
    /// What disks there are
    #[command(flatten)]
    pub disks: DiskOptions,
    /// More arguments for QEMU
    #[arg(last = true, value_name = "QEMU-ARGS")]
    pub qemu_args: Vec<OsString>,
}

/// The least memory that the system boots in, in MiB.
const LEAST_MEMORY: u64 = 4;

impl MachineOptions {
    /// How much memory it has, in bytes.
    pub fn memory(&self) -> u64 {
        // What cannot be read was not checked, and is no memory.
        mebibytes(&self.mem).map_or(0, |size| size << 20)
    }

    /// Refuses what this machine cannot have.
    ///
    /// # Errors
    ///
    /// As [`NetworkOptions::check`] and [`DiskOptions::check`].
    pub fn check(&self) -> Result<()> {
        self.network.check(self.machine)?;
        self.disks.check(self.machine)
    }

    /// Decides what the options left open: see [`NetworkOptions::settle`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn settle(&mut self, unsaid: Unsaid) -> Result<Vec<String>> {
        self.network.settle(self.machine, unsaid)
    }
}

/// Checks a size of memory, and writes it with its unit.
fn memory_size(text: &str) -> Result<String, String> {
    mebibytes(text).map(|size| format!("{size}M"))
}

/// A size of memory, which QEMU takes in MiB if there is no unit.
fn mebibytes(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.find(|digit: char| !digit.is_ascii_digit()) {
        Some(place) => text.split_at(place),
        None => (text, "M"),
    };
    let shift = match unit.to_ascii_uppercase().as_str() {
        "M" => 0,
        "G" => 10,
        "T" => 20,
        _ => return Err("it must be a whole number of M, G or T, as 64M or 2G".into()),
    };
    let number: u64 = number.parse().map_err(|_| "it must be a whole number of M, G or T, as 64M or 2G")?;
    match number.checked_mul(1 << shift) {
        Some(size) if size >= LEAST_MEMORY => Ok(size),
        Some(_) => Err(format!("the system needs at least {LEAST_MEMORY}M")),
        None => Err("that is more than any machine has".into()),
    }
}

impl Default for MachineOptions {
    fn default() -> Self {
        Self {
            machine: Machine::default(),
            smp: 1,
            mem: "256M".into(),
            icount: false,
            network: NetworkOptions::default(),
            disks: DiskOptions::default(),
            qemu_args: Vec::new(),
        }
    }
}

/// Who is at the serial line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Console {
    /// A person at the terminal, who can also talk to QEMU by Ctrl-A.
    Person,
    /// A program at the other end of pipes; every byte is the guest's.
    Pipe,
}

/// QEMU's arguments.
pub fn arguments(options: &MachineOptions, kernel: &Path, image: &Path, console: Console) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
    add(&["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]);
    add(&["-M", options.machine.name(), "-cpu", "max"]);
    add(&["-smp", &options.smp.to_string(), "-m", &options.mem]);
    add(&["-device", DEBUG_EXIT]);
    // `signal=off`: Ctrl-C is a key like any other, and the guest's.
    match console {
        Console::Person => {
            add(&["-chardev", "stdio,id=console,signal=off,mux=on", "-serial", "chardev:console"]);
            add(&["-mon", "chardev=console,mode=readline"]);
        }
        Console::Pipe => add(&["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]),
    }
    if options.icount {
        // Time in which nobody works is jumped over. But a disk works outside, and would seem to take for ever.
        let sleep = if options.disks.disks.is_empty() { "off" } else { "on" };
        add(&["-icount", &format!("shift=0,sleep={sleep}")]);
    }
    arguments.extend(options.network.arguments(options.machine));
    arguments.extend(options.disks.arguments(options.machine));
    arguments.extend(["-kernel".into(), kernel.into(), "-initrd".into(), image.into()]);
    arguments.extend(options.qemu_args.iter().cloned());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_exit_device_tells_the_status() {
        assert_eq!(HALTED_WITH_SUCCESS, 33);
        assert_eq!(halt_status(33), Some(0));
        assert_eq!(halt_status(exit_code(5)), Some(5));
        assert_eq!(halt_status(0), None, "closed or reset");
        assert_eq!(halt_status(1), None, "QEMU did not like its arguments");
    }

    #[test]
    fn sizes_of_memory_are_checked() {
        assert_eq!(memory_size("64M"), Ok("64M".into()));
        assert_eq!(memory_size("2g"), Ok("2048M".into()));
        assert_eq!(memory_size("8"), Ok("8M".into()));
        assert_eq!(MachineOptions::default().memory(), 256 << 20);
        for bad in
            ["", "banana", "M", "64K", "1.5G", "3M", "-1", "99999999999999999999", "18446744073709551615T"]
        {
            assert!(memory_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_become_arguments() {
        let options = MachineOptions {
            machine: Machine::Microvm,
            smp: 4,
            mem: "1G".into(),
            icount: true,
            network: NetworkOptions::default(),
            disks: DiskOptions::default(),
            qemu_args: vec!["-S".into()],
        };
        let words = arguments(&options, Path::new("k"), Path::new("i"), Console::Pipe);
        let words = words.join(&OsString::from(" ")).into_string().expect("it is text");
        for part in ["-M microvm", "-smp 4", "-m 1G", "-icount shift=0,sleep=off", "-kernel k -initrd i -S"] {
            assert!(words.contains(part), "{part:?} is not in {words:?}");
        }
    }
}
