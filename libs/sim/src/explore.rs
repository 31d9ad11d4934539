//! Many runs of one test, each in another random order, with a program killed in half of them.

use crate::system::{Outcome, Prepared, Report, System};
use crate::world::Over;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs this seed only.
const SEED: &str = "RESEA_SIM_SEED";

/// Multiplies the number of runs.
const SOAK: &str = "RESEA_SIM_SOAK";

/// What many runs did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Summary {
    /// How many runs.
    pub runs: u64,
    /// In how many a program was killed before the test ended.
    pub killed: u64,
    /// System calls in all.
    pub steps: u64,
}

impl System {
    /// Runs `test` with the seeds from 0 to `runs` (so many times more in a soak run), on all CPUs of the host. In every
    /// second run one of the [`System::killable`] programs is killed, at an instant that the seed decides: it crashes
    /// between two of its system calls, or somebody ends it while it waits.
    ///
    /// Panics at the first run that fails, with the command that repeats it.
    pub fn explore(self, runs: u64, test: impl Fn() + Clone + Send + Sync + 'static) -> Summary {
        let exploration = Exploration::new(self, test);
        let summary = match number(SEED) {
            Some(seed) => exploration.only(seed),
            None => exploration.all(runs.saturating_mul(number(SOAK).unwrap_or(1))),
        };
        summary.unwrap_or_else(|why| panic!("{why}"))
    }

    /// As [`System::explore`], for tests of tests: why a run failed and how to repeat it; `None` if none did.
    pub fn find_failure(self, runs: u64, test: impl Fn() + Clone + Send + Sync + 'static) -> Option<String> {
        Exploration::new(self, test).all(runs).err()
    }
}

/// A number in the environment.
///
/// Panics if it is none.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("the environment variable {name} must be a number, not {text:?}"),
    }
}

/// How a run is disturbed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Disturbance {
    /// A program that crashes after so many system calls of its own.
    pub(crate) crash: Option<(String, u64)>,
    /// A program that is ended by another after so many nanoseconds.
    pub(crate) kill: Option<(String, u64)>,
}

struct Exploration<F> {
    system: Prepared,
    test: F,
    /// The test's name and how to run it again.
    command: String,
    /// What a run without kills is like: how many system calls each killable program makes, and how long it takes.
    calls: Vec<u64>,
    time: u64,
}

impl<F: Fn() + Clone + Send + Sync + 'static> Exploration<F> {
    fn new(system: System, test: F) -> Self {
        let killable = system.killable.clone();
        let mut exploration =
            Self { system: system.prepare(), test, command: command(), calls: Vec::new(), time: 0 };
        // Kills have to happen within the run, so how long that is must be known; the run with seed 0 tells.
        let outcome = exploration.run(0);
        exploration.calls = killable.iter().map(|name| outcome.calls(name)).collect();
        exploration.time = outcome.summary().time;
        exploration
    }

    fn run(&self, seed: u64) -> Outcome {
        self.system.run(Some(seed), self.disturbance(seed), self.test.clone())
    }

    /// A kill in runs with odd seeds, of either kind.
    fn disturbance(&self, seed: u64) -> Disturbance {
        let mut random = fastrand::Rng::with_seed(!seed);
        let mut disturbance = Disturbance::default();
        if seed % 2 == 1 && !self.calls.is_empty() {
            let victim = random.usize(0..self.calls.len());
            let name = self.system.system.killable[victim].clone();
            match random.bool() {
                true => disturbance.crash = Some((name, random.u64(0..=self.calls[victim]))),
                false => disturbance.kill = Some((name, random.u64(0..=self.time))),
            }
        }
        disturbance
    }

    /// Runs one seed. The error says what is wrong with it.
    fn try_seed(&self, seed: u64) -> Result<Report, String> {
        let outcome = self.run(seed);
        let report = outcome.summary();
        let mut complaints: Vec<_> = match &outcome.over {
            Over::Failed(why) => vec![why.clone()],
            Over::Finished => Vec::new(),
        };
        if !self.system.system.may_panic || !complaints.is_empty() {
            complaints.extend(report.panics.iter().map(|(program, panic)| format!("{program} {panic}")));
        }
        if complaints.is_empty() {
            return Ok(report);
        }
        let why = complaints.join("\n");
        let command = format!("to run it again: {SEED}={seed} {}", self.command);
        Err(format!("seed {seed}: {why}\nthe last messages:\n{}{command}", outcome.last_messages()))
    }

    /// One run, with all its messages.
    fn only(&self, seed: u64) -> Result<Summary, String> {
        println!("{}", self.run(seed).report().trace);
        self.try_seed(seed).map(Summary::of)
    }

    /// The runs with the seeds below `runs`, shared by as many threads as the host has CPUs.
    fn all(&self, runs: u64) -> Result<Summary, String> {
        let next = AtomicU64::new(0);
        let work = || {
            let mut summary = Summary::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= runs {
                    return Ok::<_, String>(summary);
                }
                // After a failure nobody begins another run.
                let report = self.try_seed(seed).inspect_err(|_| next.store(runs, Ordering::Relaxed))?;
                summary.add(Summary::of(report));
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let mut all = Summary::default();
            for worker in workers {
                all.add(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok(all)
        })
    }
}

impl Summary {
    /// One run.
    fn of(report: Report) -> Self {
        Self { runs: 1, killed: report.killed.into(), steps: report.steps }
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.killed += other.killed;
        self.steps += other.steps;
    }
}

/// The command that runs the calling test again.
pub(crate) fn command() -> String {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "PACKAGE".to_string());
    // Cargo names test programs TARGET-HASH.
    let program = std::env::current_exe().unwrap_or_default();
    let program = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let target = program.rsplit_once('-').map_or(program.as_str(), |(target, _)| target);
    // The test runner gives threads the names of their tests, unless it runs all in the main thread.
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").map(|name| format!(" {name} --exact"));
    format!("cargo test -p {package} --test {target} -- --nocapture{}", test.unwrap_or_default())
}
