//! What people read when a task has died: what it did, where, and how it came there.
//!
//! The backtrace follows the chain of frame pointers through the dead task's own pages, and believes none of it: a
//! pointer that is not in the task's memory, not aligned or does not go up ends it.

use crate::kernel::Kernel;
use crate::memory::Memory;
use crate::print::Printer;
use crate::program::Program;
use crate::tasks::Task;
use abi::{Access, Error, Exception, TaskId};
use core::fmt::{self, Write};

/// Most frames that are printed.
pub const MAX_DEPTH: usize = 32;

/// Where a task was, as the kernel tells with each fault.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Context {
    /// Instruction pointer.
    pub instruction: u64,
    /// Stack pointer.
    pub stack: u64,
    /// Frame pointer.
    pub frame: u64,
}

/// Why a task was ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// It accessed memory that it has not, or not in this way.
    Access {
        /// The address.
        address: u64,
        /// What it tried.
        access: Access,
        /// What is there.
        problem: Problem,
    },
    /// It caused an exception.
    Exception {
        /// Which.
        exception: Exception,
        /// The machine's own number.
        detail: u64,
    },
    /// It touched a page of its own, but there was no memory for it.
    OutOfMemory {
        /// The address.
        address: u64,
    },
    /// It panicked, and has said why.
    Panic,
}

/// What is wrong with an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// The address is in the first page.
    Null,
    /// The address is just below the stack.
    StackOverflow,
    /// Nothing is there.
    Unmapped,
    /// Something is there, but not for this access.
    Forbidden,
    /// The kernel refused to map the page.
    Refused(Error),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Access { address, access, problem } => {
                if problem == Problem::StackOverflow {
                    f.write_str("stack overflow: ")?;
                }
                write!(f, "{} of address {address:#x}", access.name())?;
                match problem {
                    Problem::Null => f.write_str(", a null pointer"),
                    Problem::StackOverflow => {
                        f.write_str(" below the stack; give it more in the manifest (stack)")
                    }
                    Problem::Unmapped => f.write_str(", where nothing is mapped"),
                    Problem::Forbidden => f.write_str(", which is mapped but not for that"),
                    Problem::Refused(error) => write!(f, ", which cannot be mapped: {error}"),
                }
            }
            Self::Exception { exception, detail } => write!(f, "{} ({detail:#x})", exception.text()),
            Self::OutOfMemory { address } => {
                write!(f, "out of memory: no frame is free for address {address:#x}")
            }
            Self::Panic => f.write_str("panic"),
        }
    }
}

/// Prints the report of a task that lives no more but is not yet destroyed.
pub(crate) fn print<K: Kernel>(
    kernel: &mut K,
    memory: &Memory,
    id: TaskId,
    task: &Task,
    program: &Program,
    cause: Cause,
    context: Context,
) {
    let mut backtrace = Backtrace::default();
    backtrace.push(context.instruction);
    if let Cause::Access { access, .. } = cause
        && access.contains(Access::EXECUTE)
        && let Some(caller) = read_word(kernel, memory, task, context.stack)
        && program.symbols.lookup(caller as usize).is_some()
    {
        // A call to where no code is: it has pushed its return address, but nobody has made a frame.
        backtrace.push(caller);
    }
    backtrace.follow(kernel, memory, task, context.frame);
    let mut printer = Printer::new(kernel);
    let instruction = context.instruction;
    // Printing to the console cannot fail.
    let _ =
        writeln!(printer, "vm: task {id} ({}) was ended: {cause}, at {instruction:#x}", program.name.text());
    let mut number = 0;
    for run in backtrace.addresses().chunk_by(|one, next| one == next) {
        let Some(&address) = run.first() else { continue };
        let _ = write!(printer, "vm:   #{number} {address:#x}");
        // A return address may lie after the last instruction of its function; the call is before it.
        let looked_up = if number == 0 { address } else { address.saturating_sub(1) };
        if let Some(symbol) = program.symbols.lookup(looked_up as usize) {
            let offset = symbol.offset as u64 + (address - looked_up);
            let _ = write!(printer, " {}+{offset:#x}", symbol.name);
        }
        number += run.len();
        let _ = match run.len() {
            1 => printer.write_char('\n'),
            times => writeln!(printer, ", {times} times"),
        };
    }
    if number == MAX_DEPTH {
        let _ = writeln!(printer, "vm:   and so on: only {MAX_DEPTH} calls are shown");
    }
}

#[derive(Default)]
struct Backtrace {
    addresses: [u64; MAX_DEPTH],
    count: usize,
}

impl Backtrace {
    /// Adds the return addresses of the chain of frames from `frame` on.
    fn follow<K: Kernel>(&mut self, kernel: &mut K, memory: &Memory, task: &Task, mut frame: u64) {
        while self.count < MAX_DEPTH && frame.is_multiple_of(8) && frame != 0 {
            let Some(next) = read_word(kernel, memory, task, frame) else { break };
            let address = frame.checked_add(8).and_then(|place| read_word(kernel, memory, task, place));
            let Some(address @ 1..) = address else { break };
            self.push(address);
            if next <= frame {
                break;
            }
            frame = next;
        }
    }

    fn push(&mut self, address: u64) {
        if let Some(place) = self.addresses.get_mut(self.count) {
            *place = address;
            self.count += 1;
        }
    }

    fn addresses(&self) -> &[u64] {
        self.addresses.get(..self.count).unwrap_or(&[])
    }
}

/// The word at `address` of a task; nothing if it is not aligned or not there.
fn read_word<K: Kernel>(kernel: &mut K, memory: &Memory, task: &Task, address: u64) -> Option<u64> {
    if !address.is_multiple_of(8) {
        return None;
    }
    let physical = memory.translate(&task.owned.pages, address)?;
    let mut bytes = [0; 8];
    kernel.read(physical, &mut bytes);
    Some(u64::from_le_bytes(bytes))
}
