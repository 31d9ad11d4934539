//! Who speaks which version of an interface.
//!
//! A program carries the fingerprints of the interfaces that it was built with (`idl::fingerprint`). Client and server
//! of a service must have the same one, and it must be that of the interface's file today; else one of them reads
//! numbers where the other has written text. Everybody is a client of vm.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::{FIRST_PROGRAM, Program, System};

/// What makes a program current again.
const REMEDY: &str = "build it again (`cargo resea build`)";

/// What is wrong with the interface that a program was built with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// A program does not tell.
    Silent {
        /// The program.
        program: String,
        /// The file with its manifest.
        file: PathBuf,
    },
    /// A program was built without the interface of a service that it uses or provides.
    Missing {
        /// The program.
        program: String,
        /// The file with its manifest.
        file: PathBuf,
        /// The interface.
        interface: String,
        /// The file of the interface.
        idl: PathBuf,
    },
    /// A client and a server were built with different versions.
    Differ {
        /// The client and the file with its manifest.
        client: (String, PathBuf),
        /// The server and the file with its manifest.
        server: (String, PathBuf),
        /// The interface.
        interface: String,
        /// The file of the interface.
        idl: PathBuf,
        /// Whether the client's version is that of the file.
        client_is_current: bool,
        /// Whether the server's is.
        server_is_current: bool,
    },
    /// A program was built with another version than that of the file, as was everybody that it talks to.
    Outdated {
        /// The program.
        program: String,
        /// The file with its manifest.
        file: PathBuf,
        /// The interface.
        interface: String,
        /// The file of the interface.
        idl: PathBuf,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent { program, file } => write!(
                f,
                "{}: the program {program:?} does not tell which interfaces it was built with: start it by resea::main!, and \
                 {REMEDY}",
                file.display()
            ),
            Self::Missing { program, file, interface, idl } => write!(
                f,
                "{}: the program {program:?} was built without the interface {interface:?}, which it needs by its manifest: check that \
                 interfaces/all.idl includes {}, and {REMEDY}",
                file.display(),
                idl.display()
            ),
            Self::Differ { client, server, interface, idl, client_is_current, server_is_current } => {
                write!(
                    f,
                    "{:?} ({}) calls {:?} ({}) by the interface {interface:?}, but they were built with different versions of it, \
                     so neither would understand the other: ",
                    client.0,
                    client.1.display(),
                    server.0,
                    server.1.display()
                )?;
                match (client_is_current, server_is_current) {
                    (true, _) => {
                        write!(f, "{:?} does not have that of {}: {REMEDY}", server.0, idl.display())
                    }
                    (_, true) => {
                        write!(f, "{:?} does not have that of {}: {REMEDY}", client.0, idl.display())
                    }
                    _ => write!(
                        f,
                        "neither has that of {}: build both again (`cargo resea build`)",
                        idl.display()
                    ),
                }
            }
            Self::Outdated { program, file, interface, idl } => write!(
                f,
                "{}: the program {program:?} was built with another version of the interface {interface:?} than {} is now: {REMEDY}",
                file.display(),
                idl.display()
            ),
        }
    }
}

impl std::error::Error for Error {}

/// The versions that a program carries: in a section with a line for each interface, its name and its fingerprint as
/// a hexadecimal number. Lines that are none are left out, so that their interfaces are missing.
pub fn versions(section: &[u8]) -> BTreeMap<String, u64> {
    let version = |line: &str| {
        let (name, fingerprint) = line.split_once(' ')?;
        Some((name.to_string(), u64::from_str_radix(fingerprint, 16).ok()?))
    };
    String::from_utf8_lossy(section).lines().filter_map(version).collect()
}

/// Checks all programs that are built.
pub fn check(system: &System) -> Vec<Error> {
    let mut errors = Vec::new();
    for program in &system.programs {
        let Some(built) = &program.built else { continue };
        if built.interfaces.is_empty() && !system.interfaces.is_empty() {
            errors.push(Error::Silent { program: program.name.clone(), file: program.file.clone() });
            continue;
        }
        for interface in &system.interfaces {
            if needs(program, &interface.name) {
                errors.extend(one(system, program, &built.interfaces, &interface.name));
            }
        }
    }
    errors
}

/// Whether a program talks by an interface, by its manifest.
fn needs(program: &Program, interface: &str) -> bool {
    let manifest = program.manifest();
    interface == FIRST_PROGRAM || manifest.uses.contains(&interface) || manifest.provides.contains(&interface)
}

/// Checks one program's version of one interface.
fn one(system: &System, program: &Program, versions: &BTreeMap<String, u64>, name: &str) -> Option<Error> {
    let interface = system.interface(name)?;
    let (idl, file) = (interface.file.clone(), program.file.clone());
    let Some(version) = versions.get(name) else {
        return Some(Error::Missing { program: program.name.clone(), file, interface: name.into(), idl });
    };
    let other_server = servers(system, name).find_map(|server| {
        let servers = server.built.as_ref()?.interfaces.get(name)?;
        (server.name != program.name && servers != version).then_some((server, *servers))
    });
    if let Some((server, servers)) = other_server {
        return Some(Error::Differ {
            client: (program.name.clone(), file),
            server: (server.name.clone(), server.file.clone()),
            interface: name.into(),
            idl,
            client_is_current: *version == interface.fingerprint,
            server_is_current: servers == interface.fingerprint,
        });
    }
    // A server that differs from its clients is told with each of them.
    let told = || {
        let differs = |client: &&Program| {
            client.name != program.name
                && needs(client, name)
                && client
                    .built
                    .as_ref()
                    .and_then(|built| built.interfaces.get(name))
                    .is_some_and(|other| other != version)
        };
        servers(system, name).any(|server| server.name == program.name)
            && system.programs.iter().any(|one| differs(&one))
    };
    let current = *version == interface.fingerprint;
    (!current && !told()).then(|| Error::Outdated {
        program: program.name.clone(),
        file,
        interface: name.into(),
        idl,
    })
}

/// The programs that answer by an interface.
fn servers<'a>(system: &'a System, interface: &'a str) -> impl Iterator<Item = &'a Program> {
    let first =
        system.programs.iter().filter(move |program| interface == FIRST_PROGRAM && program.is_first());
    first.chain(system.providers(interface))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_line_by_line() {
        let versions = versions(b"vm 00000000000000ff\nfs 10\nnonsense\n\nnet potato\n");
        assert_eq!(versions, BTreeMap::from([("fs".into(), 16), ("vm".into(), 255)]));
        assert!(super::versions(b"").is_empty());
    }
}
