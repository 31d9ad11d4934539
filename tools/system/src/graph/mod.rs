//! The system as a picture: who is there, who calls whom, who may do what. As text, as SVG and as JSON.
//!
//! Drawn from the same [`System`] that is checked, also if it is broken: calls that are part of a circle are marked. The
//! calls to vm, which everybody makes, are said once and not drawn.

mod layout;
mod svg;
mod text;

use serde::Serialize;

use crate::cycles::{self, Call};
use crate::rights::Resource;
use crate::text::{range, size};
use crate::{FIRST_PROGRAM, Kind, Program, System};

pub use svg::svg;
pub use text::text;

/// What is drawn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Graph {
    /// The machine and its memory.
    pub machine: String,
    /// The programs, by kind and name.
    pub programs: Vec<Node>,
    /// The calls, by caller.
    pub calls: Vec<Edge>,
}

/// A program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `driver`, `server` or `app`.
    pub kind: &'static str,
    /// The file with its manifest.
    pub file: String,
    /// What it is, in one line.
    pub description: String,
    /// The services that it provides.
    pub provides: Vec<String>,
    /// The services that it uses, besides vm.
    pub uses: Vec<String>,
    /// Its rights, one line for each key of its manifest: `powers console, launch`, `irqs 11`.
    pub rights: Vec<String>,
    /// When it starts and how urgent it is.
    pub start: String,
}

/// A call that one program may make to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Edge {
    /// Who calls.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// By which service.
    pub service: String,
    /// Whether it is part of a circle, which the build refuses.
    pub deadlock: bool,
}

impl Graph {
    /// The graph of a system.
    pub fn new(system: &System) -> Self {
        let mut programs: Vec<&Program> = system.programs.iter().collect();
        programs.sort_by_key(|program| (program.kind(), &program.name));
        let errors = cycles::check(system);
        let in_circle = |call: &Call| {
            errors.iter().any(|error| match error {
                cycles::Error::Circle(calls) => calls.contains(call),
                cycles::Error::Itself(one) | cycles::Error::First(one) => one == call,
            })
        };
        let edge = |call: Call| Edge {
            deadlock: in_circle(&call),
            from: call.from,
            to: call.to,
            service: call.service,
        };
        let mut calls: Vec<Edge> = cycles::calls(system).into_iter().map(edge).collect();
        calls.sort_by(|a, b| (&a.from, &a.to, &a.service).cmp(&(&b.from, &b.to, &b.service)));
        Self {
            machine: format!("{} with {}", system.machine.name, size(system.machine.memory)),
            programs: programs.into_iter().map(node).collect(),
            calls,
        }
    }

    /// The graph as JSON, for other tools.
    pub fn json(&self) -> String {
        // Text and lists of text are always JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn node(program: &Program) -> Node {
    let manifest = program.manifest();
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let kind = match program.kind() {
        Kind::Driver => "driver",
        Kind::Server => "server",
        Kind::App => "app",
    };
    Node {
        name: program.name.clone(),
        kind,
        file: program.file.display().to_string(),
        description: manifest.description.to_string(),
        provides: names(&manifest.provides),
        uses: names(&manifest.uses),
        rights: rights(program),
        start: start(program),
    }
}

fn rights(program: &Program) -> Vec<String> {
    if program.is_first() {
        return vec!["all rights".into()];
    }
    let manifest = program.manifest();
    let mut rights = Vec::new();
    let powers: Vec<&str> = manifest.powers.iter().map(|power| power.name()).collect();
    if !powers.is_empty() {
        rights.push(format!("powers {}", powers.join(", ")));
    }
    for resource in Resource::ALL {
        let number = |numbers: std::ops::Range<u64>| match resource {
            Resource::Irq => numbers.start.to_string(),
            _ => range(numbers.start, numbers.end),
        };
        let claims: Vec<String> = resource.claims(program).into_iter().map(number).collect();
        if !claims.is_empty() {
            rights.push(format!("{} {}", resource.key(), claims.join(", ")));
        }
    }
    rights
}

fn start(program: &Program) -> String {
    if program.is_first() {
        return format!("first; every program calls {FIRST_PROGRAM}");
    }
    let manifest = program.manifest();
    let start = match manifest.start {
        manifest::Start::Boot => "at boot",
        manifest::Start::Demand => "on demand",
    };
    let again = match manifest.restart {
        manifest::Restart::Always => ", always again",
        manifest::Restart::Never => "",
    };
    format!("{start}{again}; priority {}", manifest.priority)
}
