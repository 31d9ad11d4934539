//! The stacks of a build: how large they are, and how much of them can be needed.
//!
//! Of programs, the manifest tells the size; the kernel's own stacks are variables in it. What is needed is computed from
//! the object code (`tools/stack`, docs/stacks.md).

use anyhow::{Context, Result};
use stack::Analysis;

use crate::build::{Build, Built};
use crate::workspace::{ProgramPackage, Workspace};

/// Where programs start (libs/resea/src/start.rs).
const ENTRY: &str = "_start";

/// A stack, and what can happen on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    /// The program's name, or `kernel` and which of its stacks.
    pub name: String,
    /// The kernel's variable that it is; `None` if it is a program's.
    pub variable: Option<&'static str>,
    /// Its size in bytes.
    pub size: u64,
    /// How much can be needed.
    pub analysis: Analysis,
}

impl Stack {
    /// Bytes that the deepest path leaves; negative if it needs more than there are.
    pub fn headroom(&self) -> i64 {
        self.size as i64 - self.analysis.bound as i64
    }
}

/// A stack of the kernel.
struct KernelStack {
    name: &'static str,
    /// The variable that it is.
    variable: &'static str,
    /// How many stacks the variable holds.
    count: u64,
    /// Bytes of each of them that are its guard.
    guard: u64,
    /// The functions that are called on the empty stack.
    entries: &'static [&'static str],
    /// What is on the stack before.
    before: u64,
}

/// The page below a stack (kernel/x64/src/per_cpu.rs).
const GUARD: u64 = 4096;
/// What an interrupt leaves on the stack before Rust code is called: the CPU's five words, error code and vector, 15
/// registers (kernel/x64/src/entry.s).
const INTERRUPT: u64 = (5 + 2 + 15) * 8;

/// The kernel's stacks (kernel/x64/src/entry.rs and per_cpu.rs).
const KERNEL_STACKS: [KernelStack; 3] = [
    KernelStack {
        name: "kernel boot",
        variable: "kernel_x64::entry::STACK_FOR_BOOT",
        count: 1,
        guard: 0,
        entries: &["kernel_x64::start::start"],
        before: 0,
    },
    KernelStack {
        name: "kernel",
        variable: "kernel_x64::per_cpu::STACK",
        count: 1,
        guard: GUARD,
        entries: &["kernel_x64::trap::on_syscall", "kernel_x64::trap::on_trap"],
        before: 0,
    },
    KernelStack {
        name: "kernel emergency",
        variable: "kernel_x64::per_cpu::EMERGENCY_STACKS",
        count: 3,
        guard: GUARD,
        entries: &["kernel_x64::trap::on_fatal"],
        before: INTERRUPT,
    },
];

/// All stacks of a build: the kernel's, then the programs' by name.
///
/// # Errors
///
/// If a file cannot be read or analysed.
pub fn stacks(workspace: &Workspace, build: &Build) -> Result<Vec<Stack>> {
    let mut stacks = Vec::new();
    let kernel = read(&build.kernel)?;
    for stack in &KERNEL_STACKS {
        stacks.push(kernel_stack(&kernel, stack).with_context(|| unusable(&build.kernel))?);
    }
    for (package, built) in workspace.programs.iter().zip(&build.programs) {
        stacks.push(program_stack(package, &read(built)?).with_context(|| unusable(built))?);
    }
    Ok(stacks)
}

fn read(built: &Built) -> Result<Vec<u8>> {
    std::fs::read(&built.elf).with_context(|| format!("{} cannot be read", built.elf.display()))
}

fn unusable(built: &Built) -> String {
    format!("the stack of {} cannot be computed", built.elf.display())
}

fn kernel_stack(elf: &[u8], stack: &KernelStack) -> Result<Stack, stack::Error> {
    let size = stack::variable_size(elf, stack.variable)? / stack.count - stack.guard;
    let mut analysis = stack::analyze(elf, stack.entries)?;
    analysis.bound += stack.before;
    if stack.before > 0 {
        analysis.path.insert(0, stack::Frame { function: "(interrupt)".into(), bytes: stack.before });
    }
    Ok(Stack { name: stack.name.into(), variable: Some(stack.variable), size, analysis })
}

fn program_stack(package: &ProgramPackage, elf: &[u8]) -> Result<Stack, stack::Error> {
    let first = package.name == system::FIRST_PROGRAM;
    let size = if first { system::FIRST_TASK_STACK } else { package.manifest.manifest().stack.into() };
    let analysis = stack::analyze(elf, &[ENTRY])?;
    Ok(Stack { name: package.name.clone(), variable: None, size, analysis })
}
