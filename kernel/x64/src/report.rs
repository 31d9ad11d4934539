//! The kernel's own death: registers and a backtrace with names, then the machine halts with a failure.
//!
//! Everything is printed past the core, straight to the console: its tables may be what is broken.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_core::{Hex, Sink, say};
use symbols::Symbols;

use crate::context::Context;
use crate::paging::{self, ADDRESS, PRESENT};
use crate::{cpu, exit, serial};

/// The console, as something to print to.
pub struct Console(serial::Output);

impl Console {
    /// The console, whatever state it is in.
    pub const fn open() -> Self {
        Self(serial::Output::NEW)
    }
}

impl Sink for Console {
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0.put(byte);
        }
    }
}

/// The kernel's symbols: address and length; set once while booting.
static SYMBOLS: (AtomicU64, AtomicU64) = (AtomicU64::new(0), AtomicU64::new(0));

/// Says where the kernel's symbol table is.
pub fn set_symbols(table: &'static [u8]) {
    SYMBOLS.0.store(table.as_ptr() as u64, Relaxed);
    SYMBOLS.1.store(table.len() as u64, Relaxed);
}

fn symbols() -> Symbols<'static> {
    let (address, length) = (SYMBOLS.0.load(Relaxed), SYMBOLS.1.load(Relaxed));
    if address == 0 {
        return Symbols::EMPTY;
    }
    // SAFETY: `set_symbols` stored a slice that lives for ever; on one CPU, while booting, before anything can fail.
    let table = unsafe { core::slice::from_raw_parts(address as *const u8, length as usize) };
    Symbols::parse(table).unwrap_or(Symbols::EMPTY)
}

/// Booting cannot go on.
pub fn boot_failed(reason: &str, value: u64) -> ! {
    say!(&mut Console::open(), "kernel: cannot start: ", reason, " (", Hex(value as usize), ")\n");
    exit::halt(1)
}

/// The CPU has found a fault in the kernel.
#[cold]
pub fn fatal(context: &Context) -> ! {
    let console = &mut Console::open();
    say!(console, "\nkernel: fatal exception ", context.kind, ", error ", Hex(context.error as usize));
    say!(console, ", address ", Hex(cpu::cr2() as usize), "\n");
    for (name, value) in context.registers() {
        say!(console, "  ", name, " ", Hex(value as usize), "\n");
    }
    backtrace(context.rip, context.rbp);
    say!(console, "kernel: halted; ", cause(context.kind), "\n");
    exit::halt(1)
}

/// What is to be thought of the exception `vector` in the kernel.
const fn cause(vector: u64) -> &'static str {
    match vector {
        2 => "this was a non-maskable interrupt: a hardware error, or somebody asked for this report",
        8 => "this is a bug in the kernel: a fault that could not be handled, as when its stack overflows",
        18 => "this was a machine check: the hardware has failed",
        _ => "this is a bug in the kernel",
    }
}

/// Most frames of a backtrace.
const MOST_FRAMES: usize = 32;

/// Prints the function that `instruction` is in, then its callers by the chain of frame pointers.
pub fn backtrace(instruction: u64, frame: u64) {
    let symbols = symbols();
    let (mut address, mut frame, mut is_return) = (instruction, frame, 0);
    for _ in 0..MOST_FRAMES {
        let console = &mut Console::open();
        say!(console, "  at ", Hex(address as usize));
        // A return address may lie behind its function's end.
        if let Some(symbol) = symbols.lookup((address - is_return) as usize) {
            say!(console, " ", symbol.name, "+", Hex(symbol.offset + is_return as usize));
        }
        say!(console, "\n");
        let Some((next, caller)) = read_frame(frame) else { return };
        if next <= frame && next != 0 {
            return;
        }
        (address, frame, is_return) = (caller, next, 1);
    }
}

/// The saved frame pointer and the return address at `frame`, if that is mapped in the kernel's half.
fn read_frame(frame: u64) -> Option<(u64, u64)> {
    if frame < crate::memory::DIRECT || !frame.is_multiple_of(8) {
        return None;
    }
    if !is_mapped(frame) || !is_mapped(frame + 8) {
        return None;
    }
    let frame = frame as *const u64;
    // SAFETY: both words are mapped; whatever they are, they are only printed and checked like this one.
    let (next, caller) = unsafe { (frame.read(), frame.add(1).read()) };
    (caller != 0).then_some((next, caller))
}

/// Whether the kernel's address `address` is mapped now.
fn is_mapped(address: u64) -> bool {
    use crate::paging::Memory;
    let memory = crate::memory::Physical::direct();
    let mut table = cpu::cr3() & ADDRESS;
    for level in (1..=4).rev() {
        let entry = memory.entry(paging::entry_address(table, level, address));
        if entry & PRESENT == 0 {
            return false;
        }
        if level > 1 && entry & paging::LARGE != 0 {
            return true;
        }
        table = entry & ADDRESS;
    }
    true
}

/// A debug build has panicked.
#[cfg(debug_assertions)]
pub fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
    use core::fmt::Write;

    struct Formatted;
    impl Write for Formatted {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            Console::open().write(text.as_bytes());
            Ok(())
        }
    }
    // Writing to the console does not fail.
    let _ = writeln!(Formatted, "\nkernel: {info}");
    backtrace(panicked as *const () as u64, cpu::frame_pointer());
    say!(&mut Console::open(), "kernel: halted; this is a bug in the kernel\n");
    exit::halt(1)
}
