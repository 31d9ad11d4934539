//! Puts the whole system together as data and has it checked: before anything is compiled with what the manifests and
//! interfaces say, afterwards with what was built.
//!
//! The checks themselves are in `tools/system`, and described in docs/checks.md.

use std::path::Path;

use anyhow::{Context, Result, bail};
use system::{
    Built, Interface, KernelStack, Machine, Program, Reserved, Segment, StackUse, System, Unbounded,
};

use crate::build::Build;
use crate::machine::{self, MachineOptions};
use crate::stacks::{Stack, stacks};
use crate::ui::Verbosity;
use crate::workspace::{Workspace, shown};

/// The file that includes all interfaces.
const INTERFACES: &str = "interfaces/all.idl";

/// Memory is given to the kernel by pages.
const PAGE: u64 = 4096;

/// The system as its sources describe it, on this machine.
///
/// # Errors
///
/// If the interfaces have mistakes.
pub fn described(workspace: &Workspace, options: &MachineOptions) -> Result<System> {
    let program = |package: &crate::workspace::ProgramPackage| Program {
        name: package.name.clone(),
        file: package.file.clone(),
        source: package.manifest.clone(),
        built: None,
    };
    Ok(System {
        programs: workspace.programs.iter().map(program).collect(),
        interfaces: interfaces(&workspace.root)?,
        machine: machine(options),
        kernel: None,
        image: None,
        kernel_stacks: Vec::new(),
    })
}

/// Adds what only the built programs tell. The image, if it is to count, is added by who makes it.
///
/// # Errors
///
/// If a file cannot be read, or its stack cannot be computed.
pub fn add_built(system: &mut System, workspace: &Workspace, build: &Build) -> Result<()> {
    let read = |built: &crate::build::Built| {
        std::fs::read(&built.elf).with_context(|| format!("{} cannot be read", built.elf.display()))
    };
    for (program, built) in system.programs.iter_mut().zip(&build.programs) {
        let file = read(built)?;
        program.built =
            Some(look_at(&file).with_context(|| format!("{} cannot be used", built.elf.display()))?);
    }
    let kernel = image::loaded(&read(&build.kernel)?)
        .with_context(|| format!("{} cannot be used", build.kernel.elf.display()))?;
    system.kernel = Some(kernel.iter().map(|part| part.size.next_multiple_of(PAGE)).sum());
    for stack in stacks(workspace, build)? {
        add_stack(system, stack);
    }
    Ok(())
}

/// Adds what is known about a stack to whose it is.
fn add_stack(system: &mut System, stack: Stack) {
    let unbounded =
        |one: stack::Unbounded| Unbounded { reason: one.kind.to_string(), function: one.function };
    let need = StackUse {
        bytes: stack.analysis.bound,
        path: stack
            .analysis
            .path
            .into_iter()
            .map(|frame| format!("{} ({} bytes)", frame.function, frame.bytes))
            .collect(),
        unbounded: stack.analysis.unbounded.into_iter().map(unbounded).collect(),
    };
    let program = system.programs.iter_mut().find(|program| program.name == stack.name);
    if let Some(built) = program.and_then(|program| program.built.as_mut()) {
        built.stack = Some(need);
    } else if let Some(variable) = stack.variable {
        let (name, size) = (stack.name, stack.size);
        system.kernel_stacks.push(KernelStack { name, variable: variable.into(), size, need });
    }
}

/// Says which stacks are not proved to suffice: shortly, or with the functions that could not be bounded.
pub fn tell_unbounded(system: &System, verbosity: Verbosity) {
    let unbounded = system::stacks::unbounded(system);
    if unbounded.is_empty() {
        return;
    }
    verbosity.step(
        "the stacks suffice, as far as they can be computed; `cargo resea size --stack` names the exceptions",
    );
    for (name, functions) in unbounded {
        for one in functions {
            verbosity.detail(&format!("the stack of {name} is not bounded: {} {}", one.function, one.reason));
        }
    }
}

/// Refuses a system that cannot work; `consequence` says what is not done because of that. A machine with less memory
/// than usual was asked for: what programs may lack there is only told, since most never use all that they may.
///
/// # Errors
///
/// With all problems, as they are shown to people.
pub fn refuse_broken(system: &System, consequence: &str, verbosity: Verbosity) -> Result<()> {
    let small = system.machine.memory < MachineOptions::default().memory();
    let (told, problems): (Vec<_>, Vec<_>) =
        system::check(system).into_iter().partition(|problem| small && problem.is_lack_of_memory());
    for problem in &told {
        verbosity.step(&format!("memory may run out: {problem}"));
    }
    let problems: Vec<String> = problems.iter().map(|problem| format!("\n\n{problem}")).collect();
    match problems.len() {
        0 => Ok(()),
        1 => bail!("the system cannot work, so {consequence}:{}", problems.concat()),
        many => bail!("the system cannot work for {many} reasons, so {consequence}:{}", problems.concat()),
    }
}

/// What a program's file tells.
fn look_at(file: &[u8]) -> Result<Built, image::ElfError> {
    let segment =
        |part: image::Loaded| Segment { start: part.address, size: part.size, writable: part.writable };
    Ok(Built {
        segments: image::loaded(file)?.into_iter().map(segment).collect(),
        interfaces: system::interfaces::versions(
            image::section(file, image::INTERFACES)?.unwrap_or_default(),
        ),
        stack: None,
    })
}

/// The interfaces in their present form.
fn interfaces(root: &Path) -> Result<Vec<Interface>> {
    let compilation = idl::compile(&shown(&root.join(INTERFACES)), &idl::Disk);
    let Ok(interfaces) = &compilation.result else {
        bail!("the interfaces have mistakes:\n{}", compilation.errors(false).trim_end());
    };
    let interface = |namespace: &idl::model::Namespace| Interface {
        name: namespace.name.clone(),
        file: namespace.path.clone(),
        fingerprint: idl::fingerprint(interfaces, namespace),
    };
    Ok(interfaces.namespaces.iter().map(interface).collect())
}

/// The machine that QEMU plays, as programs and vm see it.
fn machine(options: &MachineOptions) -> Machine {
    let memory = options.memory();
    let reserved = |range, what: &str| Reserved { range, what: what.into() };
    // QEMU 7.2, hw/i386: where memory is cut in two to leave room for devices below 4 GiB, and from what size on.
    let (most_below, below, io_apics) = match options.machine {
        machine::Machine::Q35 => (0xb000_0000, 0x8000_0000, 1),
        machine::Machine::Pc => (0xe000_0000, 0xc000_0000, 1),
        machine::Machine::Microvm => (0xc000_0000, 0xc000_0000, 2),
    };
    const ABOVE: u64 = 4 << 30;
    let ram = match memory {
        _ if memory >= most_below => vec![0..below, ABOVE..ABOVE + (memory - below)],
        _ => std::iter::once(0..memory).collect(),
    };
    Machine {
        name: options.machine.name().into(),
        memory,
        ram,
        // Of `-cpu max`.
        address_bits: 40,
        irqs: 24 * io_apics,
        ports: true,
        // kernel/x64: serial.rs, pic.rs, exit.rs, io_apic.rs, apic.rs.
        kernel_irqs: vec![reserved(4..5, "the console's interrupt")],
        kernel_ports: vec![
            reserved(0x20..0x22, "the interrupt controller"),
            reserved(0xa0..0xa2, "the second interrupt controller"),
            reserved(0xf4..0xf8, "QEMU's exit device"),
            reserved(0x3f8..0x400, "the console's serial port"),
        ],
        kernel_mmio: vec![
            reserved(0xfec0_0000..0xfec0_0000 + u64::from(io_apics) * 0x1_0000, "the I/O APIC"),
            reserved(0xfee0_0000..0xfee0_1000, "the local APIC"),
        ],
    }
}
