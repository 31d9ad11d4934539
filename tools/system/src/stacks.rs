//! Stacks that can overflow.
//!
//! How much stack a program needs at most is computed from its object code by somebody else, and arrives here as a
//! [`crate::StackUse`]. A need above the stack's size is an error. Functions that could not be bounded (they call
//! themselves, or through a pointer that cannot be followed) are none: a guard page ends their overflow with a report.
//! But they are named ([`unbounded`]), so that one knows what was not proved.

use std::fmt;

use crate::text::size;
use crate::{FIRST_PROGRAM, Place, System, Unbounded};

/// Stacks are multiples of this.
const PAGE: u64 = 4096;

/// Most functions of a path that are shown; the middle of a longer one is left out.
const SHOWN: usize = 12;

/// A stack that is too small.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// Whose it is.
    pub program: String,
    /// Where its size is written, or would be.
    pub place: Place,
    /// Its size in bytes.
    pub stack: u64,
    /// How much is needed, in bytes.
    pub needed: u64,
    /// The functions on the way to where it is deepest, outermost first.
    pub path: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the stack of {:?} can overflow: it has {} bytes, but needs {}; ",
            self.place, self.program, self.stack, self.needed
        )?;
        let enough = size(self.needed.next_multiple_of(PAGE)).replace(' ', "");
        match self.program == FIRST_PROGRAM {
            true => write!(f, "raise STACK_SIZE in kernel/x64/src/first_task.rs")?,
            false => write!(f, "set `stack = {enough:?}`")?,
        }
        write!(f, ", or let these functions take less:")?;
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
    let mut errors = Vec::new();
    for program in &system.programs {
        let Some(need) = program.built.as_ref().and_then(|built| built.stack.as_ref()) else { continue };
        if need.bytes > program.stack() {
            errors.push(Error {
                program: program.name.clone(),
                place: program.place("stack", 0),
                stack: program.stack(),
                needed: need.bytes,
                path: need.path.clone(),
            });
        }
    }
    errors
}

/// The functions that could not be bounded, by program; programs without any are left out.
pub fn unbounded(system: &System) -> Vec<(&str, &[Unbounded])> {
    let of = |program: &'_ crate::Program| -> usize {
        program.built.as_ref().and_then(|built| built.stack.as_ref()).map_or(0, |stack| stack.unbounded.len())
    };
    let programs = system.programs.iter().filter(|program| of(program) > 0);
    programs
        .filter_map(|program| {
            Some((program.name.as_str(), program.built.as_ref()?.stack.as_ref()?.unbounded.as_slice()))
        })
        .collect()
}
