//! Stacks that can overflow.
//!
//! How much stack a program needs at most is computed from its object code by somebody else, and arrives here as a
//! [`crate::StackUse`]. A need above the stack's size is an error. Functions that could not be bounded (they call
//! themselves, or through a pointer that cannot be followed) are none: a guard page ends their overflow with a report.
//! But they are named ([`unbounded`]), so that one knows what was not proved.

use std::fmt;

use crate::text::size;
use crate::{Program, StackUse, System, Unbounded};

/// Stacks are multiples of this.
const PAGE: u64 = 4096;

/// Most functions of a path that are shown; the middle of a longer one is left out.
const SHOWN: usize = 12;

/// A stack that is too small.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// Whose it is: a program's name, or the kernel's for one of its own.
    pub owner: String,
    /// Where its size is written, or would be; `None` for the kernel's.
    pub place: Option<String>,
    /// What to change for a larger one.
    pub remedy: String,
    /// Its size in bytes.
    pub stack: u64,
    /// How much is needed, in bytes.
    pub needed: u64,
    /// The functions on the way to where it is deepest, outermost first.
    pub path: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(
            f,
            "the stack of {:?} can overflow: it has {} bytes, but needs {}; {}, or let these functions take less:",
            self.owner, self.stack, self.needed, self.remedy
        )?;
        let left_out = self.path.len().saturating_sub(SHOWN);
        for (index, function) in self.path.iter().enumerate() {
            match index {
                _ if left_out == 0 || index < SHOWN / 2 || index >= SHOWN / 2 + left_out => {
                    write!(f, "\n  {function}")?
                }
                _ if index == SHOWN / 2 => write!(f, "\n  ({left_out} more)")?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Checks all stacks whose need is known.
pub fn check(system: &System) -> Vec<Error> {
    let of_programs = system.programs.iter().filter_map(of_program);
    let of_kernel = system.kernel_stacks.iter().filter_map(|stack| {
        let remedy = format!("make {} larger (kernel/x64)", stack.variable);
        too_small(&stack.name, None, remedy, stack.size, &stack.need)
    });
    of_programs.chain(of_kernel).collect()
}

fn of_program(program: &Program) -> Option<Error> {
    let need = program.built.as_ref()?.stack.as_ref()?;
    let enough = size(need.bytes.next_multiple_of(PAGE)).replace(' ', "");
    let remedy = match program.is_first() {
        true => "raise STACK_SIZE in kernel/x64/src/first_task.rs".into(),
        false => format!("set `stack = {enough:?}`"),
    };
    too_small(&program.name, Some(program.place("stack", 0).to_string()), remedy, program.stack(), need)
}

fn too_small(
    owner: &str,
    place: Option<String>,
    remedy: String,
    stack: u64,
    need: &StackUse,
) -> Option<Error> {
    (need.bytes > stack).then(|| Error {
        owner: owner.into(),
        place,
        remedy,
        stack,
        needed: need.bytes,
        path: need.path.clone(),
    })
}

/// The functions that could not be bounded, by whose stack it is; stacks without any are left out.
pub fn unbounded(system: &System) -> Vec<(&str, &[Unbounded])> {
    let of_programs = system.programs.iter().filter_map(|program| {
        Some((program.name.as_str(), program.built.as_ref()?.stack.as_ref()?.unbounded.as_slice()))
    });
    let of_kernel = system.kernel_stacks.iter().map(|one| (one.name.as_str(), one.need.unbounded.as_slice()));
    of_kernel.chain(of_programs).filter(|(_, functions)| !functions.is_empty()).collect()
}
