//! The x86_64 kernel: the machine below the core.
//!
//! Boot code ([`start`]) makes page tables, finds the interrupt controllers and the clock, and creates the first task
//! from the boot files. From then on the kernel only reacts: `entry.s` saves registers, [`trap`] calls the core, and
//! [`machine`] does for it what takes hardware. `unsafe` lives here and nowhere else in the kernel; what is arithmetic
//! (page tables, memory regions, tables of firmware and descriptors, clock scales) is in modules without it, which are
//! tested on the host. Everything that touches the CPU exists only in builds for the bare machine.
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
pub mod regions;


#[cfg(target_os = "none")]
pub mod apic;
#[cfg(target_os = "none")]
pub mod calibration;
#[cfg(target_os = "none")]
pub mod cpu;
#[cfg(target_os = "none")]
pub mod entry;
#[cfg(target_os = "none")]
pub mod exit;
#[cfg(target_os = "none")]
pub mod first_task;
#[cfg(target_os = "none")]
pub mod fpu;
#[cfg(target_os = "none")]
pub mod io_apic;
#[cfg(target_os = "none")]
pub mod machine;
#[cfg(target_os = "none")]
pub mod memory;
#[cfg(target_os = "none")]
pub mod per_cpu;
#[cfg(target_os = "none")]
pub mod pic;
#[cfg(target_os = "none")]
pub mod ports;
#[cfg(target_os = "none")]
pub mod processor;
#[cfg(target_os = "none")]
pub mod report;
#[cfg(target_os = "none")]
pub mod serial;
#[cfg(target_os = "none")]
pub mod start;
#[cfg(target_os = "none")]
pub mod trap;
#[cfg(target_os = "none")]
pub mod user_memory;
