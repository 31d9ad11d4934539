//! The programs of the boot image, sorted by name, with the rights that their manifests give them.
//!
//! Everything is read and checked once, at the start. A program that is damaged stays in the list, so that whoever
//! launches it is told that it is no valid program and not that it does not exist; why is in the log.

use crate::frames::PAGE;
use crate::program::{Layout, LayoutError, Name, Program, Segment, Starts};
use crate::services::Services;
use abi::{Error, MapFlags, Powers, Range, Rights, ServiceSet};
use bootfs::{Bootfs, File};
use interfaces::stdio;
use manifest::{Manifest, Power, Restart, Start};
use symbols::Symbols;

/// Most programs in a boot image.
pub const MAX_PROGRAMS: usize = 128;

/// Most tasks at once whose programs are not in the boot image.
pub const MAX_OTHERS: usize = 16;

/// All programs.
pub struct Catalog {
    programs: [Option<Program>; MAX_PROGRAMS],
    count: usize,
    /// Those that are not in the boot image, each of one task. Their places follow the others'.
    others: [Option<Program>; MAX_OTHERS],
}

/// Why a program in the boot image cannot be launched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// There are more than [`MAX_PROGRAMS`].
    TooMany,
    /// It has no manifest.
    NoManifest,
    /// Its manifest cannot be read.
    Manifest(manifest::Error),
    /// All manifests together name too many services.
    TooManyServices,
    /// It is not an ELF program for this machine.
    Elf(elf::Error),
    /// Its segments do not fit into an address space.
    Layout(LayoutError),
    /// It is not of the boot image, and its segments take more memory than [`crate::image::MEMORY`].
    TooLarge,
    /// It is not of the boot image, and does not tell which interfaces it was built with.
    Silent,
    /// It is not of the boot image, and was built with another version of an interface.
    Outdated(&'static str),
}

impl Defect {
    /// Whether it would be a good program in another version of the system.
    pub const fn is_of_version(self) -> bool {
        matches!(self, Self::Silent | Self::Outdated(_))
    }
}

impl core::fmt::Display for Defect {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooMany => write!(f, "there are more than {MAX_PROGRAMS} programs"),
            Self::NoManifest => f.write_str("it has no manifest: rebuild the image"),
            Self::Manifest(error) => error.fmt(f),
            Self::TooManyServices => {
                write!(f, "all manifests together name more than {} services", abi::MAX_SERVICES)
            }
            Self::Elf(error) => error.fmt(f),
            Self::Layout(error) => f.write_str(error.text()),
            Self::TooLarge => {
                write!(
                    f,
                    "it takes more than {} MiB: use the heap for large tables",
                    crate::image::MEMORY >> 20
                )
            }
            Self::Silent => f.write_str(
                "it does not tell which interfaces it was built with: build it by `cargo resea build`",
            ),
            Self::Outdated(name) => {
                write!(
                    f,
                    "it was built with another version of the interface {name:?}: build it again for this system"
                )
            }
        }
    }
}

/// The files of one program.
#[derive(Clone, Copy)]
struct Files {
    program: File<'static>,
    manifest: Option<&'static [u8]>,
    symbols: &'static [u8],
}

impl Catalog {
    /// No programs.
    pub const fn new() -> Self {
        Self { programs: [const { None }; MAX_PROGRAMS], count: 0, others: [const { None }; MAX_OTHERS] }
    }

    /// Reads all programs of `image`, which lies at physical address `physical`, and gives numbers to the services that
    /// they name. `complain` gets each program that cannot be launched, and why.
    pub fn load(
        &mut self,
        image: Bootfs<'static>,
        physical: u64,
        services: &mut Services,
        mut complain: impl FnMut(&'static str, Defect),
    ) {
        let mut found = [None; MAX_PROGRAMS];
        let mut count = 0;
        for file in image.files() {
            let Some(name) = file.path.strip_prefix("bin/").filter(|name| *name != "vm") else { continue };
            let files = Files { program: file, manifest: None, symbols: &[] };
            if !insert(&mut found, &mut count, (name, files)) {
                complain(name, Defect::TooMany);
            }
        }
        let found = found.get_mut(..count).unwrap_or(&mut []);
        attach(image, found);
        for (place, (name, files)) in self.programs.iter_mut().zip(found.iter().flatten()) {
            let (program, defect) = read(name, files, physical, services);
            if let Some(defect) = defect {
                complain(name, defect);
            }
            *place = Some(program);
            self.count += 1;
        }
    }

    /// The program at a place.
    #[inline]
    pub fn get(&self, place: u16) -> Option<&Program> {
        let place = usize::from(place);
        match place.checked_sub(MAX_PROGRAMS) {
            None => self.programs.get(place)?.as_ref(),
            Some(other) => self.others.get(other)?.as_ref(),
        }
    }

    /// A free place for a program that is not in the boot image.
    pub fn room(&self) -> Option<u16> {
        self.others.iter().position(Option::is_none).map(|other| (MAX_PROGRAMS + other) as u16)
    }

    /// Puts a program in such a place.
    pub fn set(&mut self, place: u16, program: Program) {
        self.change(place, Some(program));
    }

    /// Forgets the program at a place, unless it is in the boot image.
    pub fn forget(&mut self, place: u16) {
        self.change(place, None);
    }

    fn change(&mut self, place: u16, program: Option<Program>) {
        let other = usize::from(place).checked_sub(MAX_PROGRAMS);
        if let Some(entry) = other.and_then(|other| self.others.get_mut(other)) {
            *entry = program;
        }
    }

    /// The place of the program with this name.
    pub fn find(&self, name: &str) -> Option<u16> {
        let known = self.programs.get(..self.count)?;
        let order = |program: &Option<Program>| program.as_ref().map_or("", |it| it.name.text()).cmp(name);
        known.binary_search_by(order).ok().map(|place| place as u16)
    }

    /// All programs with their places, by name.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Program)> {
        self.programs.iter().flatten().zip(0..).map(|(program, place)| (place, program))
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new()
    }
}

/// Inserts a program by its name; false if no place is left.
fn insert(
    programs: &mut [Option<(&'static str, Files)>],
    count: &mut usize,
    program: (&'static str, Files),
) -> bool {
    let known = programs.get(..*count).unwrap_or(&[]);
    let place = known.partition_point(|entry| entry.is_some_and(|(name, _)| name < program.0));
    let Some(tail) = programs.get_mut(place..=*count) else { return false };
    tail.rotate_right(1);
    if let Some(first) = tail.first_mut() {
        *first = Some(program);
    }
    *count += 1;
    true
}

/// Finds manifests and symbols for the programs, which are sorted by name.
fn attach(image: Bootfs<'static>, programs: &mut [Option<(&'static str, Files)>]) {
    for file in image.files() {
        let Some((folder, name)) = file.path.split_once('/') else { continue };
        let Ok(place) = programs.binary_search_by_key(&name, |entry| entry.map_or("", |(name, _)| name))
        else {
            continue;
        };
        if let Some(Some((_, files))) = programs.get_mut(place) {
            match folder {
                "manifest" => files.manifest = Some(file.content),
                "symbols" => files.symbols = file.content,
                _ => {}
            }
        }
    }
}

/// Reads one program; what is wrong with it, if anything, is told besides.
fn read(
    name: &'static str,
    files: &Files,
    physical: u64,
    services: &mut Services,
) -> (Program, Option<Defect>) {
    let mut program = Program {
        name: Name::known(name),
        description: "",
        layout: None,
        manifest: files.manifest.unwrap_or_default(),
        symbols: Symbols::parse(files.symbols).unwrap_or(Symbols::EMPTY),
        rights: Rights::default(),
        shared_pages: 0,
        priority: 0,
        starts: Starts::default(),
    };
    let manifest = match files.manifest.map(Manifest::decode) {
        Some(Ok(manifest)) => manifest,
        Some(Err(error)) => return (program, Some(Defect::Manifest(error))),
        None => return (program, Some(Defect::NoManifest)),
    };
    program.description = manifest.description;
    program.shared_pages = manifest.shared / PAGE;
    program.priority = usize::from(manifest.priority);
    if manifest.start == Start::Boot {
        program.starts = program.starts.with(Starts::AT_BOOT);
    }
    if manifest.restart == Restart::Always {
        program.starts = program.starts.with(Starts::AGAIN);
    }
    if !manifest.devices.is_empty() {
        program.starts = program.starts.with(Starts::AS_DRIVER);
    }
    let result = rights_of(&manifest, services)
        .map_err(|_| Defect::TooManyServices)
        .and_then(|rights| Ok((rights, layout_of(files, &manifest, physical)?)));
    match result {
        Ok((rights, layout)) => {
            program.rights = rights;
            program.layout = Some(layout);
            (program, None)
        }
        Err(defect) => (program, Some(defect)),
    }
}

/// The rights that a manifest gives.
fn rights_of(manifest: &Manifest<'static>, services: &mut Services) -> Result<Rights, Error> {
    let mut rights = Rights::default();
    for &power in &manifest.powers {
        rights.powers = rights.powers.union(match power {
            Power::Create => Powers::CREATE,
            Power::Map => Powers::MAP,
            Power::Console => Powers::CONSOLE,
            Power::Inspect => Powers::INSPECT,
            Power::Power => Powers::POWER,
            Power::Launch => Powers::LAUNCH,
            Power::Kill => Powers::KILL,
            Power::Devices => Powers::DEVICES,
        });
    }
    let mut set = |names: &[&'static str]| {
        names.iter().try_fold(ServiceSet::EMPTY, |set, name| Ok(set.with(services.add(name)?.get())))
    };
    rights.provides = set(&manifest.provides)?;
    rights.may_send = set(&manifest.uses)?;
    // Every program's input and output may be redirected, by whoever provides for that.
    rights.may_send = rights.may_send.with(services.add(stdio::NAME)?.get());
    let irqs = manifest.irqs.iter().map(|&irq| Range { start: u64::from(irq), end: u64::from(irq) + 1 });
    let convert = |range: &manifest::Range| Range { start: range.start, end: range.end };
    fill(&mut rights.irqs, irqs);
    fill(&mut rights.ports, manifest.ports.iter().map(convert));
    fill(&mut rights.mmio, manifest.mmio.iter().map(convert));
    Ok(rights)
}

fn fill(to: &mut [Range], from: impl Iterator<Item = Range>) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from);
}

/// The address space that an ELF file and a manifest describe.
fn layout_of(files: &Files, manifest: &Manifest<'_>, physical: u64) -> Result<Layout, Defect> {
    let program = elf::Program::parse(files.program.content).map_err(Defect::Elf)?;
    let mut layout = Layout::new(program.entry, u64::from(manifest.stack), manifest.heap);
    for segment in program.segments() {
        let flags = match segment.access {
            elf::Access::Read => MapFlags::READ,
            elf::Access::Write => MapFlags::WRITE,
            elf::Access::Execute => MapFlags::EXECUTE,
        };
        let offset = (files.program.offset + segment.offset) as u64;
        layout
            .add(Segment {
                start: segment.address,
                length: segment.size,
                content: segment.content,
                physical: physical + offset,
                flags,
            })
            .map_err(Defect::Layout)?;
    }
    Ok(layout)
}
