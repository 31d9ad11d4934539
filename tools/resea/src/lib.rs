//! The parts of `cargo resea`: build an image, boot it in QEMU, type at its shell, read its logs.
//!
//! The command line (`main.rs`) and the whole-system tests are both made of these, so that what is tested is what people
//! use. Relies on cargo, a bare-metal toolchain and QEMU, which [`setup`] finds or installs; the programs to build are
//! read from the workspace. Nothing in here runs on Resea.
#![forbid(unsafe_code)]

pub mod boot;
pub mod build;
pub mod checks;
pub mod commands;
pub mod console;
pub mod counter;
pub mod disk;
pub mod disks;
pub mod folder;
pub mod linux;
pub mod load;
pub mod machine;
pub mod network;
pub mod pcap;
pub mod plot;
pub mod qemu;
pub mod scaffold;
pub mod session;
pub mod setup;
pub mod soak;
pub mod stacks;
pub mod symbolize;
pub mod terminal;
pub mod toolchain;
pub mod ui;
pub mod workspace;
