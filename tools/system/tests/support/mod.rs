//! Systems written down in a file, for tests: what a whole workspace, its object code and a machine would tell.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use manifest::host::Source;
use serde::Deserialize;
use system::{
    Built, Interface, KernelStack, Machine, Program, Reserved, Segment, StackUse, System, Unbounded,
};

/// A system as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// The interfaces; without this, one for each service that is provided.
    interfaces: Option<Vec<String>>,
    /// Whether there is no vm but one in `program`.
    #[serde(default)]
    without_vm: bool,
    #[serde(default)]
    machine: MachineDescription,
    /// Bytes of memory that the kernel takes.
    kernel: Option<u64>,
    /// Bytes of the boot image.
    image: Option<u64>,
    /// The kernel's one stack, of 16 KiB.
    kernel_stack: Option<StackDescription>,
    #[serde(default, rename = "program")]
    programs: Vec<ProgramDescription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MachineDescription {
    name: String,
    memory_mib: u64,
    irqs: u32,
    ports: bool,
    address_bits: u32,
}

impl Default for MachineDescription {
    fn default() -> Self {
        Self { name: "q35".into(), memory_mib: 256, irqs: 24, ports: true, address_bits: 40 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramDescription {
    name: String,
    file: Option<PathBuf>,
    /// The table as in its Cargo.toml.
    manifest: String,
    built: Option<BuiltDescription>,
    /// So many programs like this, with `NUMBER` in name and manifest replaced by 0, 1, ….
    repeat: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltDescription {
    /// Versions of interfaces; those not named are there in version 1, which is the current one of all.
    #[serde(default)]
    interfaces: BTreeMap<String, u64>,
    /// Interfaces that it was built without.
    #[serde(default)]
    without: Vec<String>,
    stack: Option<StackDescription>,
    #[serde(default)]
    segments: Vec<SegmentDescription>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StackDescription {
    bytes: u64,
    path: Vec<String>,
    #[serde(default)]
    unbounded: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentDescription {
    start: u64,
    size: u64,
    #[serde(default)]
    writable: bool,
}

#[allow(dead_code, reason = "not every test reads a whole folder")]
/// The descriptions in a folder of tests, by name.
pub fn descriptions(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("it exists").map(|entry| entry.expect("it is readable").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// The system that a file describes, or what its manifests' reader complains about.
pub fn read(file: &Path) -> Result<System, String> {
    let text = fs::read_to_string(file).expect("it is readable");
    let description: Description =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (mut programs, mut errors) = (Vec::new(), Vec::new());
    for program in description.programs.iter().flat_map(repeated) {
        match self::program(program) {
            Ok(program) => programs.push(program),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    if !description.without_vm && !programs.iter().any(|(program, _)| program.is_first()) {
        let vm = ProgramDescription {
            name: "vm".into(),
            file: Some("servers/vm/Cargo.toml".into()),
            manifest: "[package.metadata.resea]\n".into(),
            built: None,
            repeat: None,
        };
        programs.insert(0, program(vm).expect("it is valid"));
    }
    let interfaces = interfaces(&description, &programs);
    let mut system = System {
        programs: programs.iter().map(|(program, _)| program.clone()).collect(),
        interfaces,
        machine: machine(description.machine),
        kernel: description.kernel,
        image: description.image,
        kernel_stacks: description.kernel_stack.into_iter().map(kernel_stack).collect(),
    };
    for (program, (_, built)) in system.programs.iter_mut().zip(programs) {
        program.built = built.map(|built| self::built(built, &system.interfaces));
    }
    Ok(system)
}

fn repeated(program: &ProgramDescription) -> Vec<ProgramDescription> {
    let one = |number: usize| ProgramDescription {
        name: program.name.replace("NUMBER", &number.to_string()),
        file: program.file.clone(),
        manifest: program.manifest.replace("NUMBER", &number.to_string()),
        built: program.built.as_ref().map(|built| BuiltDescription {
            interfaces: built.interfaces.clone(),
            without: built.without.clone(),
            stack: built.stack.as_ref().map(|stack| StackDescription {
                bytes: stack.bytes,
                path: stack.path.clone(),
                unbounded: stack.unbounded.clone(),
            }),
            segments: (built.segments.iter()).map(|segment| SegmentDescription { ..*segment }).collect(),
        }),
        repeat: None,
    };
    (0..program.repeat.unwrap_or(1)).map(one).collect()
}

fn program(program: ProgramDescription) -> Result<(Program, Option<BuiltDescription>), String> {
    let folder = if program.manifest.contains("provides") { "servers" } else { "apps" };
    let file = program.file.unwrap_or_else(|| format!("{folder}/{}/Cargo.toml", program.name).into());
    let source = Source::from_cargo_toml(&file, &program.manifest)
        .map_err(|error| error.to_string())?
        .expect("the manifest has the table of a program");
    Ok((Program { name: program.name, file, source, built: None }, program.built))
}

fn interfaces(description: &Description, programs: &[(Program, Option<BuiltDescription>)]) -> Vec<Interface> {
    let provided = || {
        let mut names = vec!["vm".to_string()];
        for (program, _) in programs {
            names.extend(program.manifest().provides.iter().map(|service| service.to_string()));
        }
        names.sort();
        names.dedup();
        names
    };
    let names = description.interfaces.clone().unwrap_or_else(provided);
    let interface =
        |name: String| Interface { file: format!("interfaces/{name}.idl").into(), name, fingerprint: 1 };
    names.into_iter().map(interface).collect()
}

fn built(built: BuiltDescription, interfaces: &[Interface]) -> Built {
    let mut versions: BTreeMap<String, u64> =
        interfaces.iter().map(|interface| (interface.name.clone(), interface.fingerprint)).collect();
    versions.extend(built.interfaces);
    versions.retain(|name, _| !built.without.contains(name) && !built.without.contains(&"everything".into()));
    let segment = |segment: SegmentDescription| Segment {
        start: segment.start,
        size: segment.size,
        writable: segment.writable,
    };
    Built {
        segments: built.segments.into_iter().map(segment).collect(),
        interfaces: versions,
        stack: built.stack.map(stack_use),
    }
}

fn stack_use(stack: StackDescription) -> StackUse {
    let unbounded = |(function, reason)| Unbounded { function, reason };
    StackUse {
        bytes: stack.bytes,
        path: stack.path,
        unbounded: stack.unbounded.into_iter().map(unbounded).collect(),
    }
}

fn kernel_stack(need: StackDescription) -> KernelStack {
    let variable = "kernel_x64::per_cpu::STACK".into();
    KernelStack { name: "kernel".into(), variable, size: 16 << 10, need: stack_use(need) }
}

fn machine(machine: MachineDescription) -> Machine {
    let memory = machine.memory_mib << 20;
    let reserved = |range, what: &str| Reserved { range, what: what.into() };
    Machine {
        name: machine.name,
        memory,
        ram: std::iter::once(0..memory.min(2 << 30)).collect(),
        address_bits: machine.address_bits,
        irqs: machine.irqs,
        ports: machine.ports,
        kernel_irqs: vec![reserved(4..5, "the console's interrupt")],
        kernel_ports: vec![reserved(0x3f8..0x400, "the console's serial port")],
        kernel_mmio: vec![reserved(0xfec0_0000..0xfec0_1000, "the I/O APIC")],
    }
}
