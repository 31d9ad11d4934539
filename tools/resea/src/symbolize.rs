//! Turns the addresses in a log into functions, files and lines, by the debug information of the last build.
//!
//! `log` finds out which addresses a line has and whose they are; `debug_info` knows the files of a build. This joins
//! them, and keeps watch over which build the log is of: vm says it at its start (`vm: build 1a2b3c4d`).

mod debug_info;
mod log;

use std::io::{self, BufRead, Write};

use serde::Serialize;

pub use debug_info::{DebugInfo, Place};
use log::Log;

use crate::console::plain;

/// Finds addresses in logs.
pub struct Symbolizer {
    /// The builds at hand; at least one.
    builds: Vec<DebugInfo>,
    /// The one that the log is of, as far as is known.
    chosen: usize,
    log: Log,
}

/// What is known about a line.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Finding {
    /// The line.
    pub line: String,
    /// What its addresses are; those that belong to nothing are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// What the reader should know, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// An address in a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Address {
    /// The address as it stands there.
    pub address: u64,
    /// The program that it is in, or `kernel`.
    pub program: String,
    /// The function, then the ones that it was inlined into.
    pub places: Vec<Place>,
}

impl Symbolizer {
    /// Works with the first of `builds` until a log says that it is of another one. Without builds, nothing is found.
    pub fn new(builds: Vec<DebugInfo>) -> Self {
        Self { builds, chosen: 0, log: Log::default() }
    }

    /// Looks at the next line of the log.
    pub fn line(&mut self, line: &str) -> Finding {
        let warning = log::build_id(line).and_then(|id| self.choose(id));
        let mut finding = Finding { line: line.into(), addresses: Vec::new(), warning };
        let Some(build) = self.builds.get(self.chosen) else { return finding };
        for found in self.log.addresses(line, |name| build.has(name)) {
            let places = build.places(&found.program, found.looked_up);
            if !places.is_empty() {
                finding.addresses.push(Address { address: found.address, program: found.program, places });
            }
        }
        finding
    }

    /// Reads a log, whatever bytes it has, and writes what is known: for people, or a JSON object for each line.
    ///
    /// # Errors
    ///
    /// If the log cannot be read, or the output not be written.
    pub fn log(&mut self, log: impl BufRead, mut output: impl Write, json: bool) -> io::Result<()> {
        for line in log.split(b'\n') {
            let finding = self.line(&plain(&line?));
            if json {
                serde_json::to_writer(&mut output, &finding)?;
                writeln!(output)?;
            } else {
                writeln!(output, "{}", finding.text())?;
            }
        }
        output.flush()
    }

    /// The log is of this build: takes it if it is at hand, else says that it is not.
    fn choose(&mut self, id: u32) -> Option<String> {
        if let Some(place) = self.builds.iter().position(|build| build.id() == id) {
            self.chosen = place;
            return None;
        }
        let known: Vec<_> =
            self.builds.iter().map(|build| format!("{:08x} ({})", build.id(), build.name())).collect();
        Some(format!(
            "the log is of build {id:08x}, but the last builds are {}: what is said about its addresses may be wrong, \
             so build the sources that it is of",
            known.join(" and ")
        ))
    }
}

impl Finding {
    /// For people: the line, and what is known about it below, indented.
    pub fn text(&self) -> String {
        let mut text = self.line.clone();
        if let Some(warning) = &self.warning {
            text.push_str(&format!("\n        WARNING: {warning}"));
        }
        for Address { address, places, .. } in &self.addresses {
            for (number, place) in places.iter().enumerate() {
                let inlined = if number == 0 { "" } else { "inlined into " };
                text.push_str(&format!("\n        {address:#x} = {inlined}{place}"));
            }
        }
        text
    }
}
