//! How much stack a program can need, computed from its object code.
//!
//! [`analyze`] reads a linked x86_64 program with its symbols, follows every instruction that can be reached from some
//! entries, and adds up the frames along the deepest chain of calls. It needs no help from the compiler, so it sees what
//! really runs: inlined functions, the compiler's runtime and assembly included. docs/stacks.md explains how far the
//! result can be relied on.
//!
//! Relies on functions that follow the System V ABI (they leave the stack pointer, rbx, rbp and r12 to r15 as they were)
//! and on symbols that say where functions start and end. Never panics, whatever the file contains.
#![forbid(unsafe_code)]

mod body;
mod depth;
mod pointers;
mod program;
mod references;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use body::{Explorer, Oddity};
use depth::Depths;
use program::Program;

/// What is known about a program's stack.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Analysis {
    /// Bytes of the deepest chain of calls from any of the entries, with the return address that the entry finds. If
    /// `unbounded` is empty, the program needs no more; otherwise it may.
    pub bound: u64,
    /// That chain, the entry first. The frames' bytes add up to `bound`.
    pub path: Vec<Frame>,
    /// What could not be bounded.
    pub unbounded: Vec<Unbounded>,
    /// The largest frame of each function that can be reached, with its return address, by address.
    pub frames: BTreeMap<u64, Frame>,
}

/// A function on the stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Its name as in the source.
    pub function: String,
    /// Bytes of the stack, from the return address to what it has pushed when it calls the next one.
    pub bytes: u64,
}

/// Something whose need of stack is not known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unbounded {
    /// The function that it is in.
    pub function: String,
    /// What it is.
    pub kind: UnboundedKind,
    /// One of the functions that call this one.
    pub caller: Option<String>,
}

/// Why something could not be bounded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UnboundedKind {
    /// Functions that call each other in a circle; how often is not known. Once is counted.
    Recursion {
        /// The functions, in the order of the calls.
        cycle: Vec<String>,
        /// Some of the calls are through pointers, whose targets are assumed; there may be no recursion.
        through_pointer: bool,
    },
    /// A call of a function that could not be determined. Nothing is counted for it.
    UnknownTarget,
    /// Its address is taken, but no call of it was found. Nothing is counted for it.
    NeverCalled,
    /// The stack pointer is changed by an amount that is not known, at this address.
    DynamicStack(u64),
    /// A loop, at this address, leaves more on the stack each time.
    GrowingStack(u64),
    /// At this address is something that is no instruction, or outside of the program.
    Undecodable(u64),
    /// The chain of calls is longer than is followed.
    TooDeep,
}

impl fmt::Display for UnboundedKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recursion { cycle, through_pointer } => {
                let how = if *through_pointer { "may call itself, by pointers" } else { "calls itself" };
                match cycle.get(1..) {
                    None | Some([]) => formatter.write_str(how),
                    Some(others) => write!(formatter, "{how}, by way of {}", others.join(", ")),
                }
            }
            Self::UnknownTarget => formatter.write_str("calls a function that is not known"),
            Self::NeverCalled => {
                formatter.write_str("is handed on as a pointer, and who calls it is not known")
            }
            Self::DynamicStack(address) => {
                write!(formatter, "sets the stack pointer to an unknown value at {address:#x}")
            }
            Self::GrowingStack(address) => {
                write!(formatter, "has a loop at {address:#x} that uses more stack each time")
            }
            Self::Undecodable(address) => write!(formatter, "leads to {address:#x}, where no instruction is"),
            Self::TooDeep => formatter.write_str("is at the end of a chain of calls too long to follow"),
        }
    }
}

/// Why a file cannot be analysed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// It is no 64-bit ELF file, or it is damaged; with the reader's words.
    Unreadable(String),
    /// It is not for x86_64.
    OtherMachine,
    /// It has no symbols of functions.
    NoSymbols,
    /// It has no function of this name.
    NoEntry(String),
    /// It has no variable of this name.
    NoVariable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => {
                write!(formatter, "it is not a readable 64-bit ELF file ({reason}): build it again")
            }
            Self::OtherMachine => {
                formatter.write_str("it is not for x86_64, the only machine whose stacks can be computed")
            }
            Self::NoSymbols => formatter.write_str(
                "it has no symbols of functions: take the file as it was linked, not a stripped one",
            ),
            Self::NoEntry(name) => {
                write!(
                    formatter,
                    "it has no function {name:?} to start from: is the name spelled as in the source?"
                )
            }
            Self::NoVariable(name) => {
                write!(formatter, "it has no variable {name:?}: is the name spelled as in the source?")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Computes how much stack a program can need when it starts at any of `entries`: names of functions, as symbols or as
/// paths in the source (`kernel_x64::trap::on_syscall`), or labels of assembly.
///
/// # Errors
///
/// Each variant of [`Error`] but `NoVariable`.
pub fn analyze(elf: &[u8], entries: &[&str]) -> Result<Analysis, Error> {
    let program = Program::read(elf)?;
    let mut addresses = Vec::new();
    for entry in entries {
        addresses.push(program.find(entry).ok_or_else(|| Error::NoEntry((*entry).into()))?);
    }
    Ok(analyze_from(&program, &addresses))
}

/// The size in bytes of a variable, for stacks that are variables of the program itself, as a kernel's.
///
/// # Errors
///
/// [`Error::Unreadable`] and [`Error::NoVariable`].
pub fn variable_size(elf: &[u8], name: &str) -> Result<u64, Error> {
    program::variable_size(elf, name)
}

/// Computes the frames of all functions of a program, whether they can be reached or not.
///
/// # Errors
///
/// [`Error::Unreadable`], [`Error::OtherMachine`] and [`Error::NoSymbols`].
pub fn frames(elf: &[u8]) -> Result<BTreeMap<u64, Frame>, Error> {
    let program = Program::read(elf)?;
    let mut explorer = Explorer::new(&program);
    program.functions().for_each(|(address, _)| explorer.explore(address));
    Ok(frames_of(&program, &explorer))
}

fn frames_of(program: &Program<'_>, explorer: &Explorer<'_, '_>) -> BTreeMap<u64, Frame> {
    let frame = |address| program.name(address);
    let bodies = explorer.bodies.iter();
    bodies.map(|(start, body)| (*start, Frame { function: frame(*start), bytes: body.frame })).collect()
}

fn analyze_from(program: &Program<'_>, entries: &[u64]) -> Analysis {
    let mut explorer = Explorer::new(program);
    entries.iter().for_each(|entry| explorer.explore(*entry));
    explore_pointers(program, &mut explorer);
    let mut analysis = Analysis { frames: frames_of(program, &explorer), ..Analysis::default() };
    let mut found: BTreeSet<(u64, UnboundedKind)> = BTreeSet::new();
    let mut depths = Depths::new(program, &explorer.bodies);
    for entry in entries {
        let (bound, path, unknown) = depths.deepest(*entry);
        found.extend(unknown);
        if bound >= analysis.bound {
            (analysis.bound, analysis.path) = (bound, path);
        }
    }
    found.extend(depths.findings());
    found.extend(depths.never_called().into_iter().map(|function| (function, UnboundedKind::NeverCalled)));
    found.extend(explorer.changed().map(|function| (function, UnboundedKind::UnknownTarget)));
    for (function, body) in &explorer.bodies {
        let kind = |(oddity, address): (&Oddity, &u64)| match oddity {
            Oddity::Dynamic => UnboundedKind::DynamicStack(*address),
            Oddity::Grows => UnboundedKind::GrowingStack(*address),
            Oddity::Undecodable => UnboundedKind::Undecodable(*address),
        };
        found.extend(body.oddities.iter().map(|oddity| (*function, kind(oddity))));
    }
    let caller = |function: u64| {
        let mut callers = explorer
            .bodies
            .iter()
            .filter(|(caller, body)| **caller != function && body.calls.contains_key(&function));
        callers.next().map(|(caller, _)| program.name(*caller))
    };
    let unbounded =
        |(function, kind)| Unbounded { function: program.name(function), kind, caller: caller(function) };
    analysis.unbounded = found.into_iter().map(unbounded).collect();
    // Functions made from one generic function have one name.
    analysis.unbounded.sort_by(|one, other| (&one.function, &one.kind).cmp(&(&other.function, &other.kind)));
    analysis.unbounded.dedup_by(|one, other| (&one.function, &one.kind) == (&other.function, &other.kind));
    analysis
}

/// Follows also the functions that are called through pointers, until no more are found.
fn explore_pointers(program: &Program<'_>, explorer: &mut Explorer<'_, '_>) {
    let pointers = pointers::Pointers::new(program);
    let mut done = BTreeSet::new();
    loop {
        let bodies: Vec<u64> =
            explorer.bodies.keys().filter(|start| !done.contains(*start)).copied().collect();
        if bodies.is_empty() {
            return;
        }
        for start in bodies {
            done.insert(start);
            let taken = explorer.bodies.get(&start).map(|body| pointers.of(&body.taken)).unwrap_or_default();
            taken.iter().for_each(|pointer| explorer.explore(pointer.function()));
        }
    }
}
