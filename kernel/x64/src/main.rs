//! The kernel's program: the library's boot code is its entry; only the panic handler is added here.
//!
//! A release kernel cannot panic: its handler calls a function that does not exist, so that the linker refuses a kernel
//! in which any path leads to a panic. A debug kernel says where it happened and halts.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod panic;

#[cfg(target_os = "none")]
use kernel_x64 as _;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!(
        "kernel: this is a host build of the x86_64 kernel, which runs only on the bare machine; use `cargo run`"
    );
    std::process::exit(1);
}
