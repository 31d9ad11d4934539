//! The interface definition language compiler.
//!
//! `.idl` files say which messages a server understands; this library makes of them the stubs that clients call, the
//! trait that a server implements, and a reference to read. docs/idl.md describes the language.
//!
//! The way through it: `load` reads files with the lexer and the parser into [`syntax`] trees, `check` makes of
//! them a [`model`] in which every name is resolved and every byte placed, and the backends [`rust`] and [`markdown`]
//! write it down. Errors are [`Diagnostic`]s; no input makes the compiler panic.
#![forbid(unsafe_code)]

mod check;
mod diagnostic;
mod fingerprint;
mod lexer;
mod load;
pub mod markdown;
pub mod model;
pub mod names;
mod parser;
pub mod rust;
mod source;
pub mod syntax;

pub use diagnostic::{Diagnostic, render_all};
pub use fingerprint::fingerprint;
pub use source::{Disk, FileId, Loader, SourceFile, Sources, Span, Spanned};

use model::Interfaces;
use std::path::Path;

/// Most errors that one run shows.
const MAX_ERRORS: usize = 50;

/// What a compilation gives.
pub struct Compilation {
    /// All files that were read.
    pub sources: Sources,
    /// The interfaces, or what is wrong with them: at least one error, in the order of the text.
    pub result: Result<Interfaces, Vec<Diagnostic>>,
}

impl Compilation {
    /// The errors as text, empty if there are none; with terminal colours if `colour`.
    pub fn errors(&self, colour: bool) -> String {
        match &self.result {
            Ok(_) => String::new(),
            Err(errors) => render_all(errors, &self.sources, colour),
        }
    }
}

/// Compiles the file at `root` and all that it includes.
pub fn compile(root: &Path, loader: &dyn Loader) -> Compilation {
    let mut sources = Sources::default();
    let mut errors = Vec::new();
    let loaded = load::load(root, loader, &mut sources, &mut errors);
    let partial = !errors.is_empty();
    let interfaces = check::check(&loaded, partial, &mut errors);
    if errors.is_empty() {
        return Compilation { sources, result: Ok(interfaces) };
    }
    errors.sort_by_key(Diagnostic::place);
    errors.truncate(MAX_ERRORS);
    Compilation { sources, result: Err(errors) }
}
