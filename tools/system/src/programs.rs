//! What programs there are: their names, how many, that something starts them, and that vm is one of them.

use std::collections::BTreeMap;
use std::fmt;

use manifest::{Power, Start};

use crate::text::list;
use crate::{FIRST_PROGRAM, Place, Program, System};

/// Most programs besides vm: the places in vm's catalog (servers/vm/src/catalog.rs).
pub const MAX_PROGRAMS: usize = 128;

/// Longest name of a program in bytes: the image has it in the path `manifest/NAME` (libs/bootfs).
pub const MAX_NAME: usize = 47 - "manifest/".len();

/// The kernel's name in the image, which no program can have.
const KERNEL: &str = "kernel";

/// The key that vm's manifest may have: the others are rights and memory, which the kernel gives it.
const KEY_OF_FIRST: &str = "description";

/// What is wrong with the set of programs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// There is no vm.
    NoFirst,
    /// vm's manifest has keys that nobody reads.
    KeysOfFirst {
        /// The keys.
        keys: Vec<String>,
        /// The first one.
        place: Place,
    },
    /// Several programs have one name.
    SameName {
        /// The name.
        name: String,
        /// Their manifests.
        places: Vec<Place>,
    },
    /// A program is named like the kernel.
    NamedKernel {
        /// Its manifest.
        place: Place,
    },
    /// A name is too long for the image.
    LongName {
        /// The name.
        name: String,
        /// Its manifest.
        place: Place,
    },
    /// There are more than [`MAX_PROGRAMS`] besides vm.
    TooMany {
        /// How many.
        count: usize,
    },
    /// No program starts with the system, so nothing would ever happen.
    NothingStarts,
    /// A program that nobody starts.
    NeverStarts {
        /// The program.
        name: String,
        /// Its manifest.
        place: Place,
        /// The services that it provides, in vain.
        provides: Vec<String>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFirst => write!(
                f,
                "there is no program named {FIRST_PROGRAM:?}, which the kernel starts and which starts all others: a package \
                 must have a binary of this name and a [package.metadata.resea] table"
            ),
            Self::KeysOfFirst { keys, place } => write!(
                f,
                "{place}: the manifest of {FIRST_PROGRAM:?} has {}, which nobody reads: it gets all rights and its stack from \
                 the kernel, and starts first; keep only `description`",
                list(keys.iter().map(|key| format!("`{key}`")))
            ),
            Self::SameName { name, places } => write!(
                f,
                "{}: {} programs are named {name:?}, but a program is launched by its name: rename the [[bin]] of all but one",
                list(places),
                places.len()
            ),
            Self::NamedKernel { place } => write!(
                f,
                "{place}: a program is named {KERNEL:?}, which is the kernel's name in the boot image: rename its [[bin]]"
            ),
            Self::LongName { name, place } => write!(
                f,
                "{place}: the name of the program {name:?} has {} bytes, but at most {MAX_NAME} fit into the boot image: rename \
                 its [[bin]]",
                name.len()
            ),
            Self::TooMany { count } => write!(
                f,
                "there are {count} programs besides {FIRST_PROGRAM:?}, but it has room for {MAX_PROGRAMS}: remove some, or raise \
                 MAX_PROGRAMS in servers/vm/src/catalog.rs"
            ),
            Self::NothingStarts => write!(
                f,
                "no program has `start = \"boot\"`, so nothing would run after {FIRST_PROGRAM:?}: add it to the manifest of the \
                 one that is to begin, as a shell"
            ),
            Self::NeverStarts { name, place, provides } if provides.is_empty() => write!(
                f,
                "{place}: nothing ever starts {name:?}: it does not start with the system, provides no service, and no \
                 program has the power \"launch\"; add `start = \"boot\"` to it"
            ),
            Self::NeverStarts { name, place, provides } => write!(
                f,
                "{place}: nothing ever starts {name:?}: it does not start with the system, no program uses {}, and none has \
                 the power \"launch\"; add `start = \"boot\"` to it, or the service to the `uses` of a client",
                list(provides.iter().map(|service| format!("its service {service:?}")))
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Checks the set of programs.
pub fn check(system: &System) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut names: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for program in &system.programs {
        names.entry(&program.name).or_default().push(program.place("", 0));
    }
    match system.programs.iter().find(|program| program.is_first()) {
        None => errors.push(Error::NoFirst),
        Some(first) => errors.extend(keys_of_first(first)),
    }
    for (name, places) in names {
        let place = places[0].clone();
        if places.len() > 1 {
            errors.push(Error::SameName { name: name.into(), places });
        }
        if name == KERNEL {
            errors.push(Error::NamedKernel { place });
        } else if name.len() > MAX_NAME {
            errors.push(Error::LongName { name: name.into(), place });
        }
    }
    let count = system.programs.iter().filter(|program| !program.is_first()).count();
    if count > MAX_PROGRAMS {
        errors.push(Error::TooMany { count });
    }
    errors.extend(never_started(system));
    errors
}

/// `uses` is left to [`crate::cycles`], where it matters more.
fn keys_of_first(first: &Program) -> Option<Error> {
    let keys: Vec<String> =
        first.source.keys().filter(|key| *key != KEY_OF_FIRST && *key != "uses").map(String::from).collect();
    let place = first.place(keys.first()?, 0);
    Some(Error::KeysOfFirst { keys, place })
}

/// Programs are started by the system, because a service of theirs is looked up, or by whoever may launch.
fn never_started(system: &System) -> Vec<Error> {
    let others = || system.programs.iter().filter(|program| !program.is_first());
    if others().next().is_some() && !others().any(|program| program.manifest().start == Start::Boot) {
        return vec![Error::NothingStarts];
    }
    if others().any(|program| program.manifest().has(Power::Launch)) {
        return Vec::new();
    }
    let used = |program: &Program, service: &str| {
        others().any(|other| other.name != program.name && other.manifest().uses.contains(&service))
    };
    let managed = |program: &Program| program.is_managed() && system.device_manager().is_some();
    let never = others().filter(|program| {
        let manifest = program.manifest();
        manifest.start != Start::Boot
            && !managed(program)
            && !manifest.provides.iter().any(|service| used(program, service))
    });
    never
        .map(|program| Error::NeverStarts {
            name: program.name.clone(),
            place: program.place("", 0),
            provides: program.manifest().provides.iter().map(|service| service.to_string()).collect(),
        })
        .collect()
}
