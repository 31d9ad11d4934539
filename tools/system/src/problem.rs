//! What can be wrong with a system.

use std::fmt;

/// A reason why a system cannot work. Displayed, it is a sentence or more without a line break at the end, which names
/// those concerned, the places in files that say so, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// With what programs there are.
    Program(crate::programs::Error),
    /// With who provides what.
    Service(crate::services::Error),
    /// With who waits for whom.
    Cycle(crate::cycles::Error),
    /// With who may do what.
    Right(crate::rights::Error),
    /// With who drives what.
    Device(crate::devices::Error),
    /// With who speaks which version of an interface.
    Interface(crate::interfaces::Error),
    /// With a stack.
    Stack(crate::stacks::Error),
    /// With memory.
    Memory(crate::memory::Error),
}

impl Problem {
    /// Whether it is a lack of memory that shows only when programs use all that their manifests allow them.
    pub fn is_lack_of_memory(&self) -> bool {
        use crate::memory::Error;
        matches!(self, Self::Memory(Error::TooLarge { .. } | Error::SystemTooLarge { .. }))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(error) => error.fmt(formatter),
            Self::Service(error) => error.fmt(formatter),
            Self::Cycle(error) => error.fmt(formatter),
            Self::Right(error) => error.fmt(formatter),
            Self::Device(error) => error.fmt(formatter),
            Self::Interface(error) => error.fmt(formatter),
            Self::Stack(error) => error.fmt(formatter),
            Self::Memory(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for Problem {}
