//! `cargo resea size`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::build::{Build, Profile, build};
use crate::stacks::{Stack, stacks};
use crate::workspace::Workspace;

/// Shows how large the kernel and the programs are, or their stacks, in bytes
///
/// Measures release builds, whether --release is given or not; --debug measures debug builds. The kernel is shown by
/// its parts; of a program, the size is what its code and data take in the boot image.
///
/// With --stack, shows for each stack its size, how much of it can be needed as computed from the object code, what is
/// left, and which functions could not be bounded: these may need more. With --verbose also the deepest chain of calls.
#[derive(Clone, Debug, Args)]
pub struct SizeCommand {
    #[command(flatten)]
    common: super::Common,
    /// Measure debug builds
    #[arg(long, conflicts_with = "release")]
    debug: bool,
    /// Show stacks instead
    #[arg(long)]
    stack: bool,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl SizeCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If something does not build, or the file cannot be written.
    pub fn run(&self) -> Result<()> {
        let profile = if self.debug { Profile::Debug } else { Profile::Release };
        let workspace = Workspace::find()?;
        let build = build(&workspace, profile, self.common.verbosity())?;
        if self.stack {
            let stacks = stacks(&workspace, &build)?;
            print!("{}", table(&stacks, self.common.verbose));
            let figures = stacks.iter().map(|stack| (stack.name.as_str(), StackFigures::new(stack)));
            self.write(&figures.collect())
        } else {
            let rows = sizes(&build)?;
            rows.iter().for_each(|(name, size)| println!("{name:<20}{size:>10}"));
            self.write(&rows.into_iter().collect::<BTreeMap<_, _>>())
        }
    }

    fn write<K: Serialize + Ord, V: Serialize>(&self, figures: &BTreeMap<K, V>) -> Result<()> {
        self.json.as_ref().map_or(Ok(()), |file| super::write_json(file, figures))
    }
}

/// What there is to show, and how large it is.
fn sizes(build: &Build) -> Result<Vec<(String, u64)>> {
    let mut rows = Vec::new();
    for built in build.all() {
        let file =
            std::fs::read(&built.elf).with_context(|| format!("{} cannot be read", built.elf.display()))?;
        let sizes = image::sizes(&file).with_context(|| format!("{} cannot be used", built.elf.display()))?;
        if built == &build.kernel {
            let parts = [
                ("kernel_text", sizes.text),
                ("kernel_rodata", sizes.rodata),
                ("kernel_data", sizes.data),
                ("kernel_bss", sizes.bss),
            ];
            rows.extend(parts.map(|(part, size)| (part.to_string(), size)));
        } else {
            rows.push((built.name.clone(), sizes.stored()));
        }
    }
    Ok(rows)
}

/// What is written about a stack for machines.
#[derive(Serialize)]
struct StackFigures<'a> {
    size: u64,
    bound: u64,
    headroom: i64,
    path: Vec<(&'a str, u64)>,
    unbounded: Vec<String>,
}

impl<'a> StackFigures<'a> {
    fn new(stack: &'a Stack) -> Self {
        let path = stack.analysis.path.iter();
        let unbounded = stack.analysis.unbounded.iter();
        Self {
            size: stack.size,
            bound: stack.analysis.bound,
            headroom: stack.headroom(),
            path: path.map(|frame| (frame.function.as_str(), frame.bytes)).collect(),
            unbounded: unbounded.map(|found| format!("{} {}", found.function, found.kind)).collect(),
        }
    }
}

/// The stacks for people.
fn table(stacks: &[Stack], verbose: bool) -> String {
    let mut text = format!("{:<20}{:>10}{:>10}{:>10}\n", "stack of", "size", "needed", "left");
    for stack in stacks {
        let (name, analysis) = (&stack.name, &stack.analysis);
        // A need with a plus may be larger.
        let plus = if analysis.unbounded.is_empty() { ' ' } else { '+' };
        let (size, left) = (stack.size, stack.headroom());
        text += &format!("{name:<20}{size:>10}{:>10}{plus}{left:>9}\n", analysis.bound);
        if verbose {
            let frames = analysis.path.iter();
            text.extend(frames.map(|frame| format!("{:>30}  {}\n", frame.bytes, frame.function)));
        }
    }
    let unbounded = |stack: &Stack| {
        let found = stack.analysis.unbounded.iter();
        let from =
            |caller: &Option<String>| caller.as_ref().map_or(String::new(), |by| format!(", called by {by}"));
        found
            .map(|found| format!("  {} {}{}\n", found.function, found.kind, from(&found.caller)))
            .collect::<String>()
    };
    for stack in stacks.iter().filter(|stack| !stack.analysis.unbounded.is_empty()) {
        text += &format!("\n{} may need more, because\n{}", stack.name, unbounded(stack));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use stack::{Analysis, Frame, Unbounded, UnboundedKind};

    #[test]
    fn a_stack_that_may_need_more_says_why() {
        let frame = |function: &str, bytes| Frame { function: function.into(), bytes };
        let unbounded = Unbounded {
            function: "f".into(),
            kind: UnboundedKind::UnknownTarget,
            caller: Some("main".into()),
        };
        let path = vec![frame("main", 96), frame("f", 4)];
        let analysis = Analysis { bound: 100, path, unbounded: vec![unbounded], ..Analysis::default() };
        let stack = Stack { name: "small".into(), variable: None, size: 64, analysis };
        assert_eq!(
            table(std::slice::from_ref(&stack), false),
            "stack of                  size    needed      left\n\
             small                       64       100+      -36\n\
             \n\
             small may need more, because\n  f calls a function that is not known, called by main\n"
        );
        assert!(table(&[stack], true).contains("                            96  main\n"));
    }
}
