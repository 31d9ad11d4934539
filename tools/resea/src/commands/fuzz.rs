//! `cargo resea fuzz`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::setup::{self, in_path};
use crate::ui::{self, Verbosity};
use crate::workspace::Workspace;

/// How long a target is fuzzed if nobody says.
const SECONDS: u64 = 60;

/// The longest that one input may take, in seconds: longer is a finding.
const LONGEST: u64 = 60;

/// Feeds parsers, stubs and the kernel core with inputs that are made to reach new code
///
/// Without TARGET all targets, one after the other; without --runs, --seconds or --short a minute each. An input that
/// fails is kept in fuzz/artifacts, and the command that runs it again is printed. Inputs that reached new code are kept
/// in cargo's target folder for the next time; docs/fuzzing.md says how to add them to the seeds in fuzz/corpus. What is
/// missing (cargo-fuzz, a C++ compiler) is installed after saying so.
#[derive(Clone, Debug, Args)]
pub struct FuzzCommand {
    /// What to fuzz; see --list
    target: Option<String>,
    /// Run only this input once, such as one that failed
    #[arg(conflicts_with_all = ["runs", "seconds", "short"])]
    input: Option<PathBuf>,
    /// List the targets
    #[arg(long, exclusive = true)]
    list: bool,
    /// Stop each target after this number of runs
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// Stop each target after this time
    #[arg(long, value_name = "S", conflicts_with = "runs")]
    seconds: Option<u64>,
    /// Begin with the seeds alone, the same way each time, and stop each target after the number of runs in
    /// fuzz/Cargo.toml: what CI does
    #[arg(long, conflicts_with_all = ["runs", "seconds"])]
    short: bool,
    /// Show each command that is run, and all that the fuzzer prints
    #[arg(short, long)]
    verbose: bool,
}

/// The package of the targets, and where things are.
struct Fuzzer {
    root: PathBuf,
    /// Where everything that is built for fuzzing goes, with what the fuzzer keeps.
    built: PathBuf,
    /// The targets with their short runs.
    targets: BTreeMap<String, u64>,
    verbosity: Verbosity,
}

impl FuzzCommand {
    /// All targets, for so long in all.
    ///
    /// # Errors
    ///
    /// If the list of targets cannot be read.
    pub fn for_time(time: Duration, root: &Path, verbose: bool) -> Result<Self> {
        let seconds = time.as_secs() / targets(root)?.len().max(1) as u64;
        let seconds = Some(seconds.max(1));
        Ok(Self { target: None, input: None, list: false, runs: None, seconds, short: false, verbose })
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// If something that is needed cannot be installed, if the targets do not build, or if an input fails.
    pub fn run(&self) -> Result<()> {
        let verbosity = if self.verbose { Verbosity::Verbose } else { Verbosity::Normal };
        let workspace = Workspace::find()?;
        let targets = targets(&workspace.root)?;
        if self.list {
            targets.keys().for_each(|name| println!("{name}"));
            return Ok(());
        }
        let names: Vec<&String> = match &self.target {
            None => targets.keys().collect(),
            Some(name) => vec![targets.get_key_value(name).map(|(name, _)| name).with_context(|| {
                let all: Vec<_> = targets.keys().map(String::as_str).collect();
                format!("there is no fuzz target {name:?}; there are {}", all.join(", "))
            })?],
        };
        set_up(&workspace, verbosity)?;
        let built = workspace.target.join("fuzz");
        let fuzzer = Fuzzer { root: workspace.root, built, targets: targets.clone(), verbosity };
        fuzzer.build(self.target.as_deref())?;
        names.into_iter().try_for_each(|name| fuzzer.fuzz(name, self))
    }
}

impl Fuzzer {
    /// A `cargo fuzz` command, without its last arguments.
    fn cargo(&self, verb: &str) -> Command {
        let mut command = cargo(&self.root);
        // AddressSanitizer needs nightly Rust, and what is fuzzed has no unsafe code to speak of. Without it cargo-fuzz
        // uses nothing but stable options of the compiler.
        command.args(["fuzz", verb, "--sanitizer", "none", "--target-dir"]).arg(&self.built);
        command
    }

    fn build(&self, target: Option<&str>) -> Result<()> {
        self.verbosity.step("building the fuzz targets");
        let mut command = self.cargo("build");
        command.args(target);
        if self.verbosity != Verbosity::Verbose {
            command.env("CARGO_TERM_QUIET", "true");
        }
        self.verbosity.command(&command);
        let status = command.status().context("cargo cannot be started")?;
        if !status.success() {
            bail!("the fuzz targets do not build: see the messages above");
        }
        Ok(())
    }

    fn fuzz(&self, name: &str, options: &FuzzCommand) -> Result<()> {
        let mut command = self.cargo("run");
        command.arg(name);
        match &options.input {
            Some(input) => {
                let input =
                    input.canonicalize().with_context(|| format!("{} cannot be read", input.display()))?;
                command.arg(input);
            }
            None => self.limit(&mut command, name, options)?,
        }
        self.verbosity.step(&format!("fuzzing {name}"));
        self.verbosity.command(&command);
        let log = self.built.join(format!("{name}.log"));
        if self.verbosity != Verbosity::Verbose {
            let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
            command.stdout(Stdio::null()).stderr(file);
        }
        let status = command.stdin(Stdio::null()).status().context("cargo cannot be started")?;
        let text = match self.verbosity {
            Verbosity::Verbose => String::new(),
            _ => String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned(),
        };
        if status.success() {
            return done(name, &text, options);
        }
        eprint!("{}", complaint(&text));
        bail!("{}", self.verdict(name, &text, options))
    }

    /// The corpus and how long to go on.
    fn limit(&self, command: &mut Command, name: &str, options: &FuzzCommand) -> Result<()> {
        // libFuzzer keeps what it finds in the first folder: the seeds are the second, and stay as they are.
        let found = self.built.join(if options.short { "short" } else { "corpus" }).join(name);
        if options.short && found.exists() {
            std::fs::remove_dir_all(&found)
                .with_context(|| format!("{} cannot be removed", found.display()))?;
        }
        std::fs::create_dir_all(&found).with_context(|| format!("{} cannot be made", found.display()))?;
        command.arg(found).arg(self.root.join("fuzz/corpus").join(name)).arg("--");
        command.arg(format!("-timeout={LONGEST}"));
        let runs = if options.short { self.targets.get(name).copied() } else { options.runs };
        match runs {
            Some(runs) => command.args([format!("-runs={runs}"), "-seed=1".into()]),
            None => command.arg(format!("-max_total_time={}", options.seconds.unwrap_or(SECONDS))),
        };
        Ok(())
    }

    /// What to say of a run that failed.
    fn verdict(&self, name: &str, text: &str, options: &FuzzCommand) -> String {
        if let Some(input) = &options.input {
            return format!("{name} fails with {}", input.display());
        }
        let folder = self.root.join("fuzz/artifacts").join(name);
        match saved(text) {
            Some(file) => {
                let file = file.strip_prefix(&self.root).unwrap_or(file).display().to_string();
                let file = ui::quote(&file);
                format!(
                    "{name} fails with an input that was kept; to run it again:\n    cargo resea fuzz {name} {file}"
                )
            }
            None => format!(
                "{name} failed; what the fuzzer kept is in {}, what it said is in {}",
                folder.display(),
                self.built.join(format!("{name}.log")).display()
            ),
        }
    }
}

/// Says what a run that found nothing has done.
fn done(name: &str, text: &str, options: &FuzzCommand) -> Result<()> {
    match (&options.input, summary(text)) {
        (Some(input), _) => println!("{name}: {} is fine", input.display()),
        (None, Some(summary)) => println!("{name}: {summary}"),
        (None, None) => {}
    }
    Ok(())
}

/// What libFuzzer says at the end: `#7 DONE cov: 12 ft: 34 corp: 5/60b lim: 7 exec/s: 0 rss: 30Mb`, in words.
fn summary(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.lines().rev().find(|line| line.contains("DONE"))?.split_whitespace().collect();
    let after = |name: &str| Some(*words.get(words.iter().position(|word| *word == name)? + 1)?);
    let runs = words.first()?.strip_prefix('#')?;
    let inputs = after("corp:")?.split('/').next()?;
    Some(format!("{runs} runs, {} edges covered by {inputs} inputs, nothing found", after("cov:")?))
}

/// The input that libFuzzer has saved.
fn saved(text: &str) -> Option<&Path> {
    text.lines()
        .find_map(|line| line.split_once("Test unit written to "))
        .map(|(_, file)| Path::new(file.trim()))
}

/// What of the fuzzer's output tells why an input fails: from the panic up to the fuzzer's own backtrace.
fn complaint(text: &str) -> String {
    let is_start = |line: &&str| {
        line.contains("panicked at") || line.contains("ERROR: libFuzzer") || line.starts_with("error")
    };
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(is_start).unwrap_or(lines.len().saturating_sub(20));
    let end = |line: &&&str| !line.starts_with("stack backtrace") && !line.starts_with("NOTE: libFuzzer");
    lines.iter().skip(start).take_while(end).take(400).map(|line| format!("{line}\n")).collect()
}

/// The targets and how often the short run runs each, as cargo knows them.
fn targets(root: &Path) -> Result<BTreeMap<String, u64>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        metadata: Tables,
    }
    #[derive(Deserialize)]
    struct Tables {
        short: BTreeMap<String, u64>,
    }
    let mut command = cargo(&root.join("fuzz"));
    command.args(["metadata", "--no-deps", "--format-version=1"]).stderr(Stdio::inherit());
    let output = command.output().context("cargo cannot be started")?;
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("fuzz/Cargo.toml lacks [package.metadata.short]")?;
    Ok(metadata.packages.into_iter().flat_map(|package| package.metadata.short).collect())
}

/// Installs what is missing.
fn set_up(workspace: &Workspace, verbosity: Verbosity) -> Result<()> {
    if in_path("c++").is_none() && std::env::var_os("CXX").is_none() {
        setup::install(&["g++"], "the C++ compiler, which libFuzzer is built with,", verbosity)?;
    }
    let found = cargo(&workspace.root).args(["fuzz", "--version"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    ui::announce("installing cargo-fuzz: cargo install cargo-fuzz --locked");
    let mut command = cargo(&workspace.root);
    command.args(["install", "--quiet", "cargo-fuzz", "--locked"]);
    verbosity.command(&command);
    let status = command.status().context("cargo cannot be started")?;
    if !status.success() {
        bail!("cargo-fuzz is missing and cannot be installed: see the messages above");
    }
    Ok(())
}

/// The cargo that the person called.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_is_told_in_words() {
        let text = "#2\tINITED cov: 3\n#70\tDONE   cov: 12 ft: 34 corp: 5/60b lim: 7 exec/s: 0 rss: 30Mb\nDone 70 runs\n";
        let expected = "70 runs, 12 edges covered by 5 inputs, nothing found";
        assert_eq!(summary(text).as_deref(), Some(expected));
        assert_eq!(summary("nothing"), None);
    }

    #[test]
    fn a_failure_is_told_by_its_panic_and_its_input() {
        let text = "#7 NEW\nthread '<unnamed>' panicked at a.rs:1:2:\nit is wrong\nstack backtrace:\n   0: main\n\
                    artifact_prefix='x/'; Test unit written to /t/fuzz/artifacts/elf/crash-1\n";
        assert_eq!(complaint(text), "thread '<unnamed>' panicked at a.rs:1:2:\nit is wrong\n");
        assert_eq!(saved(text), Some(Path::new("/t/fuzz/artifacts/elf/crash-1")));
        assert_eq!(saved("nothing"), None);
    }
}
