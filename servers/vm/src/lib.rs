//! vm, the first task: it owns all memory that is not the kernel's, and is the pager of every program.
//!
//! * Memory: [`frames`] is the stock of free frames, [`memory`] maps them, [`fault`] gives them to who touches them.
//! * Programs: [`program`] says what is where in one, [`catalog`] reads all of them from the boot image, [`launch`]
//!   starts and ends tasks, [`image`] loads those from elsewhere and `versions` compares their interfaces, [`restart`] decides what is started again, [`report`] tells what a task died of.
//! * What tasks have in common: [`services`], [`watches`], [`shares`]. What drivers have of their devices: [`devices`].
//! * [`server`] is the interface to all this, [`events`] the way in for every message, [`start`] the beginning.
//!
//! vm waits for nobody: it receives, replies and notifies. It has no pager, so it touches only what is mapped, and no
//! heap: every table has its size from the start, and a full one is an error to the asker. All system calls go through
//! [`kernel::Kernel`], so all of it runs on a host against a model.
#![no_std]
#![forbid(unsafe_code)]

pub mod catalog;
pub mod devices;
pub mod events;
pub mod fault;
pub mod frames;
pub mod image;
pub mod kernel;
pub mod launch;
pub mod memory;
mod print;
pub mod program;
pub mod report;
pub mod restart;
pub mod server;
pub mod services;
pub mod shares;
pub mod start;
pub mod state;
pub mod tasks;
pub mod told;
mod versions;
pub mod watches;
