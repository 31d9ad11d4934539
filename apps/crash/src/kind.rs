//! The kinds of crash: name, one sentence, and what does it.

use crate::fault;
use alloc::vec::Vec;
use core::hint::black_box;

/// A way to crash.
pub struct Kind {
    /// What to type.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub description: &'static str,
    /// Does it. Returning means that it did not work.
    pub crash: fn(),
}

impl Kind {
    /// The kind with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|kind| kind.name == name)
    }

    /// Every kind.
    pub const ALL: &[Self] = &[
        Self { name: "null", description: "Reads from address 0.", crash: || fault::read(0) },
        Self {
            name: "kernel",
            description: "Reads from the kernel's memory.",
            crash: || fault::read(0xffff_ffff_8010_0000),
        },
        Self {
            name: "noncanonical",
            description: "Reads from an address that the processor does not have.",
            crash: || fault::read(0x8000_0000_0000),
        },
        Self {
            name: "stack",
            description: "Calls itself until the stack is full.",
            crash: || {
                recurse(1);
            },
        },
        Self { name: "ud", description: "Executes an undefined instruction.", crash: fault::undefined },
        Self { name: "divide", description: "Divides by zero.", crash: fault::divide },
        Self { name: "write-text", description: "Writes to its own code.", crash: fault::write_text },
        Self { name: "exec-data", description: "Executes data.", crash: fault::execute_data },
        Self {
            name: "panic",
            description: "Panics.",
            crash: || panic!("as you asked: this is what a panic looks like"),
        },
        Self {
            name: "alloc",
            description: "Frees memory twice; in release builds, which do not check that, it runs out of memory.",
            crash: || {
                if cfg!(debug_assertions) { fault::double_free() } else { exhaust_memory() }
            },
        },
        Self {
            name: "memory",
            description: "Asks for more memory than it has, until there is none left.",
            crash: exhaust_memory,
        },
    ];
}

/// Needs a bit of stack for each call, and the result, so that it cannot become a loop.
#[expect(unconditional_recursion, reason = "that is the crash")]
fn recurse(depth: usize) -> usize {
    let frame = black_box([depth; 32]);
    recurse(depth + 1) + frame.iter().sum::<usize>()
}

fn exhaust_memory() {
    let mut pieces = Vec::new();
    loop {
        pieces.push(black_box(Vec::<u8>::with_capacity(4096)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name_and_nothing_else_is() {
        for kind in Kind::ALL {
            let found = Kind::named(kind.name).unwrap();
            assert_eq!(found.description, kind.description, "{} stands there twice", kind.name);
        }
        for name in ["", "nul", "null ", "Null", "--help"] {
            assert!(Kind::named(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn the_list_fits_its_columns() {
        for kind in Kind::ALL {
            assert!((1..14).contains(&kind.name.len()) && !kind.name.contains(' '), "{}", kind.name);
            assert!(kind.description.ends_with('.'), "{}", kind.description);
        }
    }
}
