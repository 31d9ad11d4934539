//! The machine-independent kernel.
#![no_std]
#![forbid(unsafe_code)]
pub mod machine;
pub use machine::{CopyFault, Machine, Reclaim, Request};
/// IRQ lines that the core has places for.
pub const MAX_IRQS: usize = 256;
