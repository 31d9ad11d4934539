//! The x86_64 kernel: the machine below the core.
//!
//! Boot code ([`start`]) makes page tables, finds the interrupt controllers and the clock, and creates the first task
//! from the boot files. From then on the kernel only reacts: `entry.s` saves registers, [`trap`] calls the core, and
//! [`machine`] does for it what takes hardware. `unsafe` lives here and nowhere else in the kernel; what is arithmetic
//! (page tables, memory regions, tables of firmware and descriptors, clock scales) is in modules without it, which are
//! tested on the host. Everything that touches the CPU exists only in builds
//! for the bare machine (and for Clippy, which looks at it on the host).
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(test)]
extern crate std;

pub mod acpi;
pub mod clock;
pub mod context;
pub mod descriptors;
pub mod frames;
pub mod kernel_map;
pub mod loader;
pub mod paging;
pub mod ram;
pub mod regions;

#[cfg(any(target_os = "none", clippy, doc))]
pub mod apic;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod bases;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod calibration;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod cpu;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod entry;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod exit;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod first_task;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod fpu;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod io_apic;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod machine;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod memory;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod per_cpu;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod pic;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod ports;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod processor;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod report;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod serial;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod start;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod trap;
#[cfg(any(target_os = "none", clippy, doc))]
pub mod user_memory;
