//! Long runs: the same tests as always, with many times the random runs, and the long forms of those of the network and of disks.
//!
//! A soak is given a time, not a number of runs, so that it can say beforehand how long it takes. One round of the
//! simulated systems at their usual length tells how many times that fits.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::commands::fuzz::FuzzCommand;
use crate::ui::{self, Verbosity};
use crate::workspace::Workspace;

/// Multiplies the runs of the simulated systems (crate `sim`).
const FACTOR: &str = "RESEA_SIM_SOAK";

/// Set for whole-system tests that are to do their long forms.
pub const LONG: &str = "RESEA_LONG";

/// How long the long forms of the tests of the network and of disks take, on a machine of two cores.
const LONG_MINUTES: u64 = 15;

/// Soaks for about so many minutes, after the long forms of the tests of the network and of disks: half of the time simulated systems, half of it the fuzz targets.
///
/// # Errors
///
/// The first run that fails; its output has the command that repeats it.
pub fn soak(workspace: &Workspace, minutes: u64, verbosity: Verbosity) -> Result<()> {
    let half = Duration::from_secs(minutes.saturating_mul(60) / 2);
    verbosity.step(&format!(
        "the long forms of the tests of the network and of disks take about {LONG_MINUTES} min more"
    ));
    long_forms(workspace, verbosity)?;
    verbosity.step("one round of the simulated systems, to see how long it takes");
    simulate(workspace, &["--no-run"], 1, verbosity)?;
    let start = Instant::now();
    simulate(workspace, &[], 1, verbosity)?;
    let round = start.elapsed();
    let factor = factor(half, round);
    let expected = round.saturating_mul(u32::try_from(factor).unwrap_or(u32::MAX));
    verbosity.step(&format!(
        "{factor} times as many simulated runs take about {}, fuzzing then {}",
        duration(expected),
        duration(half)
    ));
    simulate(workspace, &[], factor, verbosity)?;
    FuzzCommand::for_time(half, &workspace.root, verbosity == Verbosity::Verbose)?.run()?;
    ui::announce(&format!("nothing was found in {}", duration(start.elapsed())));
    Ok(())
}

/// Runs the tests in their long forms: of the network, 25,000 requests and 512 MiB with each card, 64 MiB over dying
/// drivers; and those of disks: every kind of volume, hundreds of random commands, 96,000 random operations, copies over dying servers.
fn long_forms(workspace: &Workspace, verbosity: Verbosity) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["test", "--package", "system-tests", "--test", "network", "--test", "killing"]);
    command.args(["--test", "disks", "--test", "files", "--test", "filekilling"]);
    command.args(["--", "--test-threads=1", "--nocapture"]).current_dir(&workspace.root).env(LONG, "1");
    verbosity.command(&command);
    if !command.status().context("cargo cannot be started")?.success() {
        bail!("a long test has failed: see the messages above");
    }
    Ok(())
}

/// How many times a round fits into a time; at least once.
fn factor(time: Duration, round: Duration) -> u64 {
    (time.as_secs_f64() / round.as_secs_f64().max(0.001)).max(1.0) as u64
}

/// Runs the tests of all packages that test with simulated systems.
fn simulate(workspace: &Workspace, arguments: &[&str], factor: u64, verbosity: Verbosity) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("test").args(arguments).current_dir(&workspace.root).env(FACTOR, factor.to_string());
    for package in &workspace.simulated {
        command.args(["--package", package]);
    }
    verbosity.command(&command);
    let status = command.status().context("cargo cannot be started")?;
    if !status.success() {
        bail!("a simulated system has failed: see the messages above for the command that runs it again");
    }
    Ok(())
}

/// A time for people.
fn duration(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_fill_the_time() {
        let seconds = Duration::from_secs;
        assert_eq!(factor(seconds(1800), seconds(60)), 30);
        assert_eq!(factor(seconds(10), seconds(60)), 1);
        assert_eq!(factor(seconds(10), Duration::ZERO), 10_000);
    }

    #[test]
    fn times_are_told_in_words() {
        let text = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([text(5), text(150), text(7500)], ["5 s", "2 min", "2 h 5 min"]);
    }
}
