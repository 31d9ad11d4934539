//! `cargo resea bench`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::bench_fs::BenchFsCommand;
use super::bench_net::BenchNetCommand;
use crate::build::{Profile, build};
use crate::machine::MachineOptions;
use crate::network::{Nic, Unsaid};
use crate::session::Sink;
use crate::ui::Verbosity;
use crate::workspace::Workspace;
use crate::{boot, plot, setup};

/// The program that measures.
const PROGRAM: &str = "benchmark";
/// What the lines with figures start with.
const PREFIX: &str = "bench: ";

/// Measures the system: system calls, messages, faults, launches, the boot
///
/// Boots a release build (whether --release is given or not) under instruction counting, where one tick is one
/// instruction and every run gives the same figures; --real counts the host's time instead. The figures are the least,
/// the median and the greatest number of ticks of many repetitions. There is no network card unless --nic names one: what
/// comes over a network comes when the host likes.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchCommand {
    #[command(subcommand)]
    subject: Option<Subject>,
    #[command(flatten)]
    common: super::Common,
    /// Do not count instructions, but the time that passes
    #[arg(long, conflicts_with = "icount")]
    real: bool,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also draw the figures into this file, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    #[command(flatten)]
    machine: MachineOptions,
}

/// What else can be measured.
#[derive(Clone, Debug, Subcommand)]
enum Subject {
    Net(Box<BenchNetCommand>),
    Fs(BenchFsCommand),
}

/// A figure: of the benchmark, in ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Figure {
    /// The least of all repetitions.
    pub min: u64,
    /// The one in the middle.
    pub median: u64,
    /// The greatest.
    pub max: u64,
}

impl BenchCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If the system does not build or boot, or the benchmark fails.
    pub fn run(&self) -> Result<()> {
        match &self.subject {
            Some(Subject::Net(net)) => return net.run(),
            Some(Subject::Fs(files)) => return files.run(),
            None => {}
        }
        let verbosity = self.common.verbosity();
        setup::qemu(verbosity)?;
        let build = build(&Workspace::find()?, Profile::Release, verbosity)?;
        let mut options = MachineOptions { icount: !self.real, ..self.machine.clone() };
        // What comes over a network comes when the host likes: no two runs would be the same.
        options.network.nic = options.network.nic.or(Some(Nic::None));
        options.settle(Unsaid::Nothing)?;
        verbosity.step("measuring");
        let deadline = Some(Instant::now() + Duration::from_secs(self.timeout));
        let mut session = boot::session(&build, &options, sink(verbosity), verbosity)?;
        let output = session.run(PROGRAM, deadline)?;
        if output.status != 0 {
            bail!(
                "the program {PROGRAM:?} exited with status {}:\n{}",
                output.status,
                output.text.trim_end()
            );
        }
        session.halt(deadline)?;
        let figures = figures(&output.text)?;
        print!("{}", table(&figures));
        if let Some(file) = &self.plot {
            let title = "Ticks of the time-stamp counter, medians with least and greatest, logarithmic";
            std::fs::write(file, plot::svg(title, &figures))
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        match &self.json {
            Some(file) => super::write_json(file, &figures.into_iter().collect::<BTreeMap<_, _>>()),
            None => Ok(()),
        }
    }
}

/// Shows all that is printed only to those who want everything.
pub(super) fn sink(verbosity: Verbosity) -> Sink {
    Box::new(move |bytes| {
        if verbosity == Verbosity::Verbose {
            eprint!("{}", crate::console::plain(bytes));
        }
    })
}

/// Reads the lines `bench: NAME MIN MEDIAN MAX` in what the benchmark printed.
///
/// # Errors
///
/// If there is none, or one is damaged.
pub fn figures(text: &str) -> Result<Vec<(String, Figure)>> {
    let mut figures = Vec::new();
    // Lines may carry the task's name as a prefix.
    for line in text.lines().filter_map(|line| Some(line.split_once(PREFIX)?.1)) {
        let words: Vec<_> = line.split_whitespace().collect();
        let figure = match words.as_slice() {
            [name, min, median, max] => min
                .parse()
                .ok()
                .zip(median.parse().ok())
                .zip(max.parse().ok())
                .map(|((min, median), max)| (name.to_string(), Figure { min, median, max })),
            _ => None,
        };
        match figure {
            Some(figure) => figures.push(figure),
            None => bail!("the benchmark printed {line:?} where \"NAME MIN MEDIAN MAX\" was expected"),
        }
    }
    if figures.is_empty() {
        bail!("the benchmark printed no figures:\n{}", text.trim_end());
    }
    Ok(figures)
}

/// The figures for people.
fn table(figures: &[(String, Figure)]) -> String {
    let mut table = format!("{:<14}{:>12}{:>12}{:>12}\n", "ticks", "min", "median", "max");
    for (name, Figure { min, median, max }) in figures {
        table.push_str(&format!("{name:<14}{min:>12}{median:>12}{max:>12}\n"));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_shown() {
        let text = "warming up\n[benchmark] bench: null_call 80 81 95\nbench: ipc_0 1 2 3\ndone\n";
        let figures = figures(text).expect("they are fine");
        assert_eq!(figures[0], ("null_call".into(), Figure { min: 80, median: 81, max: 95 }));
        assert_eq!(figures.len(), 2);
        assert_eq!(
            table(&figures),
            "ticks                  min      median         max\n\
             null_call               80          81          95\n\
             ipc_0                    1           2           3\n"
        );
    }

    #[test]
    fn missing_or_damaged_figures_are_errors() {
        assert!(figures("nothing\n").is_err());
        assert!(figures("bench: x 1 2\n").is_err());
        assert!(figures("bench: x 1 2 -3\n").is_err());
    }
}
