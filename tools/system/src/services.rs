//! Who provides which service: exactly one program each, mostly, by an interface of the same name.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use abi::MAX_SERVICES;
use manifest::host::nearest;

use crate::text::list;
use crate::{Place, Program, System};

/// The services whose name no task takes, so that several programs may provide them: who wants one asks another server
/// which task it is. That of a path is told by `vfs`.
const WITHOUT_NAME: [&str; 1] = ["fs"];

/// What is wrong with a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// A service is used, and nobody provides it.
    NobodyProvides {
        /// Who uses it.
        user: String,
        /// Where that is written.
        place: Place,
        /// The service.
        service: String,
        /// A service with nearly this name, that somebody provides.
        near: Option<String>,
        /// The file of the interface of this name, if there is one.
        interface: Option<PathBuf>,
    },
    /// Several programs provide a service.
    SeveralProviders {
        /// The service.
        service: String,
        /// Who, and where that is written.
        providers: Vec<(String, Place)>,
    },
    /// A service is provided that no interface describes.
    NoInterface {
        /// Who provides it.
        provider: String,
        /// Where that is written.
        place: Place,
        /// The service.
        service: String,
        /// An interface with nearly this name, and its file.
        near: Option<(String, PathBuf)>,
    },
    /// All manifests together name more services than the kernel has numbers for.
    TooMany {
        /// How many.
        count: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyProvides { user, place, service, near, interface } => {
                write!(f, "{place}: {user:?} uses the service {service:?}, which no program provides: ")?;
                match (near, interface) {
                    (Some(near), _) => write!(f, "did you mean {near:?}?"),
                    (None, Some(file)) => write!(
                        f,
                        "add it to the `provides` of the program that implements {}, or remove it from these `uses`",
                        file.display()
                    ),
                    (None, None) => {
                        write!(f, "add it to the `provides` of a program, or remove it from these `uses`")
                    }
                }
            }
            Self::SeveralProviders { service, providers } => write!(
                f,
                "{} {} provide the service {service:?}, but only one task can have its name: remove it from the `provides` of \
                 all but one",
                list(providers.iter().map(|(name, place)| format!("{name:?} ({place})"))),
                if providers.len() == 2 { "both" } else { "all" }
            ),
            Self::NoInterface { provider, place, service, near } => {
                write!(
                    f,
                    "{place}: {provider:?} provides the service {service:?}, but no interface has this name: "
                )?;
                match near {
                    Some((near, file)) => write!(f, "did you mean {near:?} ({})?", file.display()),
                    None => write!(
                        f,
                        "describe it in interfaces/{service}.idl and include that in interfaces/all.idl, or remove it from \
                         these `provides`"
                    ),
                }
            }
            Self::TooMany { count } => write!(
                f,
                "all manifests together name {count} services, but the kernel has numbers for {MAX_SERVICES}: remove some, or \
                 raise MAX_SERVICES in abi/src/rights.rs"
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Checks all services.
pub fn check(system: &System) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for program in &system.programs {
        let manifest = program.manifest();
        for service in &manifest.provides {
            names.insert(service.to_string());
            errors.extend(provided(system, program, service));
        }
        for service in &manifest.uses {
            names.insert(service.to_string());
            errors.extend(used(system, program, service));
        }
    }
    if names.len() > MAX_SERVICES {
        errors.push(Error::TooMany { count: names.len() });
    }
    errors
}

fn provided(system: &System, program: &Program, service: &str) -> Vec<Error> {
    let mut errors = Vec::new();
    // Drivers do not take the name: their clients get them from the device manager.
    let providers: Vec<_> = system.providers(service).filter(|provider| !provider.is_managed()).collect();
    // Told once, when the first of them is looked at.
    if let [first, _, ..] = providers.as_slice()
        && std::ptr::eq(*first, program)
        && !WITHOUT_NAME.contains(&service)
    {
        let place =
            |provider: &&Program| (provider.name.clone(), provider.place_of_service("provides", service));
        errors.push(Error::SeveralProviders {
            service: service.into(),
            providers: providers.iter().map(place).collect(),
        });
    }
    if system.interface(service).is_none() {
        let near = nearest(service, system.interfaces.iter().map(|interface| interface.name.as_str()));
        errors.push(Error::NoInterface {
            provider: program.name.clone(),
            place: program.place_of_service("provides", service),
            service: service.into(),
            near: near
                .and_then(|near| system.interface(near))
                .map(|near| (near.name.clone(), near.file.clone())),
        });
    }
    errors
}

fn used(system: &System, program: &Program, service: &str) -> Option<Error> {
    if system.providers(service).next().is_some() {
        return None;
    }
    let provided: BTreeSet<String> = system
        .programs
        .iter()
        .flat_map(|program| {
            program.manifest().provides.iter().map(|name| name.to_string()).collect::<Vec<_>>()
        })
        .collect();
    Some(Error::NobodyProvides {
        user: program.name.clone(),
        place: program.place_of_service("uses", service),
        service: service.into(),
        near: nearest(service, provided.iter().map(String::as_str)).map(String::from),
        interface: system.interface(service).map(|interface| interface.file.clone()),
    })
}
