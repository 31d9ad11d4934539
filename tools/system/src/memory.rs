//! Memory: that programs fit into their address space, and the system into the machine.
//!
//! Memory is given when it is touched, so a system that is too large would start, and fail some day. What is added up
//! here is what was promised: the kernel, the image, and of all that starts with the system the variables, stacks and
//! heaps whole. Shared memory and programs started later are not counted: they may never meet. But none may be larger
//! than the machine.

use std::fmt;

use manifest::Start;

use crate::text::{list, size};
use crate::{FIRST_PROGRAM, Place, Program, Segment, System};

const PAGE: u64 = 4096;

/// Where segments of programs may lie: above the message page, below the heap (servers/vm/src/program.rs).
pub const SEGMENTS: std::ops::Range<u64> = 0x20_1000..0x4000_0000;

/// Most segments of a program (same).
pub const MAX_SEGMENTS: usize = 8;

/// Memory of a PC that is none, or the firmware's: 640 KiB to 1 MiB.
const FIRMWARE: u64 = 384 << 10;

/// What the kernel (1 byte) and vm (8 bytes) remember for each page of memory.
const PER_PAGE: u64 = 9;

/// Pages that a task takes besides what its program needs: its message page, and the tables of its address space for
/// stack, segments and the beginning of the heap.
const PAGES_OF_TASK: u64 = 7;

/// A page table maps so many bytes of a heap.
const TABLE: u64 = 2 << 20;

/// What is wrong with memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// A segment lies where none may.
    BadSegment {
        /// The program and the file with its manifest.
        program: String,
        /// The manifest.
        place: Place,
        /// The segment.
        segment: Segment,
    },
    /// A program has more segments than vm has places for.
    TooManySegments {
        /// The program.
        program: String,
        /// The manifest.
        place: Place,
        /// How many.
        count: usize,
    },
    /// A program alone is larger than the machine.
    TooLarge {
        /// The program.
        program: String,
        /// The key that asks for the most.
        place: Place,
        /// What it asks for, largest first.
        needs: Vec<(String, u64)>,
        /// The machine.
        machine: String,
        /// Its memory in bytes.
        memory: u64,
    },
    /// The system as a whole is larger than the machine.
    SystemTooLarge {
        /// The machine.
        machine: String,
        /// Its memory in bytes.
        memory: u64,
        /// What needs how much, in bytes.
        needs: Vec<(String, u64)>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = |needs: &[(String, u64)]| {
            list(needs.iter().map(|(what, bytes)| format!("{} for {what}", size(*bytes))))
        };
        match self {
            Self::BadSegment { program, place, segment } => write!(
                f,
                "{place}: the program {program:?} has {} at {:#x}, but programs lie between {:#x} and {:#x}: link it with the \
                 system's link script, and make its static variables smaller if they reach beyond",
                size(segment.size),
                segment.start,
                SEGMENTS.start,
                SEGMENTS.end
            ),
            Self::TooManySegments { program, place, count } => write!(
                f,
                "{place}: the program {program:?} has {count} segments, but vm takes at most {MAX_SEGMENTS}: link it with the \
                 system's link script"
            ),
            Self::TooLarge { program, place, needs, machine, memory } => write!(
                f,
                "{place}: the program {program:?} may need {}, but the machine {machine} has {} in all: make it smaller, or \
                 give the machine more memory (`--mem`)",
                parts(needs),
                size(*memory)
            ),
            Self::SystemTooLarge { machine, memory, needs } => {
                let total = needs.iter().map(|(_, bytes)| bytes).sum();
                write!(
                    f,
                    "the system needs {}, but the machine {machine} has {}: {}; make something smaller, or give the machine more \
                     memory (`--mem`)",
                    size(total),
                    size(*memory),
                    parts(needs)
                )
            }
        }
    }
}

impl std::error::Error for Error {}

/// Checks the memory of all programs, and of the system once it is built.
pub fn check(system: &System) -> Vec<Error> {
    let mut errors: Vec<Error> = system.programs.iter().flat_map(segments).collect();
    let (Some(kernel), Some(image)) = (system.kernel, system.image) else { return errors };
    let (memory, machine) = (system.machine.memory, &system.machine.name);
    let mut needs = vec![
        ("the firmware".to_string(), FIRMWARE),
        ("the kernel".to_string(), kernel),
        ("the boot image".to_string(), image),
        ("the tables of pages".to_string(), memory / PAGE * PER_PAGE),
    ];
    needs.extend(system.programs.iter().filter(|program| program.is_first()).map(need));
    let mut fit = true;
    for program in system.programs.iter().filter(|program| !program.is_first()) {
        if let Some((place, needs)) = too_large(program, memory) {
            fit = false;
            let (program, machine) = (program.name.clone(), machine.clone());
            errors.push(Error::TooLarge { program, place, needs, machine, memory });
        }
    }
    let at_boot = |program: &&Program| !program.is_first() && program.manifest().start == Start::Boot;
    needs.extend(system.programs.iter().filter(at_boot).map(need));
    if fit && needs.iter().map(|(_, bytes)| bytes).sum::<u64>() > memory {
        errors.push(Error::SystemTooLarge { machine: machine.clone(), memory, needs });
    }
    errors
}

/// What is wrong with the segments of a program.
fn segments(program: &Program) -> Vec<Error> {
    let Some(built) = &program.built else { return Vec::new() };
    let outside = |segment: &&Segment| {
        let end = segment.start.checked_add(segment.size);
        segment.start < SEGMENTS.start || end.is_none_or(|end| end > SEGMENTS.end)
    };
    let place = program.place("", 0);
    let mut errors: Vec<Error> = (built.segments.iter().filter(outside))
        .map(|segment| Error::BadSegment {
            program: program.name.clone(),
            place: place.clone(),
            segment: segment.clone(),
        })
        .collect();
    if built.segments.len() > MAX_SEGMENTS {
        errors.push(Error::TooManySegments {
            program: program.name.clone(),
            place,
            count: built.segments.len(),
        });
    }
    errors
}

/// The bytes of a program's variables, in whole pages.
fn variables(program: &Program) -> u64 {
    let segments = program.built.iter().flat_map(|built| &built.segments).filter(|segment| segment.writable);
    segments.map(|segment| segment.size.saturating_add(PAGE - 1) / PAGE * PAGE).fold(0, u64::saturating_add)
}

/// What a program needs when all that was promised to it is used.
fn need(program: &Program) -> (String, u64) {
    let heap = if program.is_first() { 0 } else { program.manifest().heap };
    let task = PAGES_OF_TASK * PAGE + heap.div_ceil(TABLE) * PAGE;
    let needs = [variables(program), program.stack(), heap, task];
    let name = if program.is_first() { FIRST_PROGRAM.to_string() } else { format!("{:?}", program.name) };
    (name, needs.into_iter().fold(0, u64::saturating_add))
}

/// What a program may need, largest first, and where the largest is written; if that is more than `most`.
fn too_large(program: &Program, most: u64) -> Option<(Place, Vec<(String, u64)>)> {
    let manifest = program.manifest();
    // What is not asked for is a limit that most programs never come near.
    let shared = if program.source.line_of("shared", 0).is_some() { manifest.shared } else { 0 };
    let mut needs = [
        ("its heap", "heap", manifest.heap),
        ("its shared memory", "shared", shared),
        ("its stack", "stack", manifest.stack.into()),
        ("its variables", "", variables(program)),
    ];
    if needs.iter().map(|(_, _, bytes)| bytes).fold(0, |sum: u64, bytes| sum.saturating_add(*bytes)) <= most {
        return None;
    }
    needs.sort_by_key(|(_, _, bytes)| std::cmp::Reverse(*bytes));
    let place = program.place(needs[0].1, 0);
    let needs = needs.into_iter().filter(|(_, _, bytes)| *bytes > 0);
    Some((place, needs.map(|(what, _, bytes)| (what.to_string(), bytes)).collect()))
}
