//! Boots the whole system for a test and drives it over its serial line.
//!
//! A test reads: boot a [`System`], type something, look at what came back. Everything here fails the test with a
//! sentence when the system does not do what it should, and no QEMU outlives its [`System`]. Made of the same parts as
//! `cargo resea`; the first test of a process builds what is booted, the others find it built.
#![forbid(unsafe_code)]

pub mod browser;
pub mod connections;
pub mod copy;
pub mod disks;
pub mod online;
pub mod sources;
pub mod tutorial;
pub mod wire;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use resea_tool::build::{Build, Profile};
pub use resea_tool::disks::{Disk, DiskOptions, Interface};
pub use resea_tool::machine::{Machine, MachineOptions};
pub use resea_tool::network::{NetworkOptions, Nic};
pub use resea_tool::session::Output;

use resea_tool::session::{Failure, Session};
use resea_tool::ui::Verbosity;
use resea_tool::workspace::Workspace;
use resea_tool::{boot, build};

/// How long anything may take: much longer than it does, so that a slow machine passes and only a stuck system fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// The terminal that a test looks at.
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

/// What to boot.
#[derive(Clone, Default, Debug)]
pub struct Options {
    /// How it is built.
    pub profile: Profile,
    /// What it runs on.
    pub machine: MachineOptions,
}

impl Options {
    /// A build on a kind of machine.
    pub fn new(profile: Profile, machine: Machine) -> Self {
        Self { profile, machine: MachineOptions { machine, ..MachineOptions::default() } }
    }
}

/// A running system, at its shell's prompt unless a test left it.
pub struct System {
    session: Session,
}

impl System {
    /// Boots a debug build on the default machine, up to the first prompt.
    pub fn boot() -> Self {
        Self::boot_with(&Options::default())
    }

    /// Boots up to the first prompt.
    pub fn boot_with(options: &Options) -> Self {
        Self::boot_build(&built(options.profile), &options.machine)
    }

    /// Boots what a test has made of a build, up to the first prompt and until all servers have started.
    pub fn boot_build(build: &Build, machine: &MachineOptions) -> Self {
        let session = boot::session(build, machine, Box::new(|_| {}), Verbosity::Quiet);
        let session = session.unwrap_or_else(|error| panic!("the system does not boot: {error:#}"));
        let mut system = Self { session };
        system.wait_for_prompt();
        // What servers say while they start does not get into what a test reads.
        boot::wait_for_servers(&mut system.session, build);
        // A prompt with nothing behind it.
        system.succeed("");
        system
    }

    /// Waits until the shell waits for a command.
    pub fn wait_for_prompt(&mut self) {
        let result = self.session.wait_for_prompt(deadline());
        self.check(result);
    }

    /// Types a command and waits for its end.
    pub fn run(&mut self, command: &str) -> Output {
        let result = self.session.run(command, deadline());
        self.check(result)
    }

    /// Types a command, waits for its end, and fails the test if its status is not 0; returns what it printed.
    pub fn succeed(&mut self, command: &str) -> String {
        let Output { text, status } = self.run(command);
        assert_eq!(status, 0, "{command:?} should succeed, but it printed:\n{text}");
        text
    }

    /// Types a command and waits for its start.
    pub fn start(&mut self, command: &str) {
        let result = self.session.start(command, deadline());
        self.check(result);
    }

    /// Presses keys, given as what a terminal sends for them.
    pub fn press(&mut self, keys: &str) {
        let result = self.session.send(keys.as_bytes());
        self.check(result);
    }

    /// Where the next output will begin, for [`System::expect`].
    pub fn place(&self) -> usize {
        self.session.transcript().len()
    }

    /// What was printed from `place` on, as plain text.
    pub fn printed(&self, place: usize) -> String {
        resea_tool::console::plain(self.session.transcript().get(place..).unwrap_or_default())
    }

    /// Waits until `text` is printed after `place`.
    pub fn expect(&mut self, text: &str, place: usize) {
        let result = self.session.wait_for_text(text, place, deadline());
        self.check(result);
    }

    /// Waits until the screen shows what `seen` looks for; `what` says it in words.
    pub fn expect_screen(&mut self, what: &str, seen: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !seen(&self.screen()) {
            assert!(Instant::now() < end, "{what} should be on the screen, which shows:\n{}", self.screen());
            self.watch(Duration::from_millis(20));
        }
    }

    /// What a terminal of 80 columns and 24 rows shows now.
    pub fn screen(&self) -> String {
        let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
        for line in self.session.transcript().split_inclusive(|byte| *byte == b'\n') {
            terminal.process(line);
        }
        terminal.screen().contents()
    }

    /// The row of the screen with the cursor, and the cursor's column.
    pub fn cursor_row(&self) -> (String, u16) {
        let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
        terminal.process(self.session.transcript());
        let (row, column) = terminal.screen().cursor_position();
        let text = terminal.screen().rows(0, COLUMNS).nth(row.into()).unwrap_or_default();
        (text, column)
    }

    /// Reads what is printed for some time, whatever it is.
    pub fn watch(&mut self, time: Duration) {
        let result = self.session.watch(Instant::now() + time);
        self.check(result);
    }

    /// The number of QEMU's process.
    pub fn process_id(&self) -> u32 {
        self.session.process_id()
    }

    /// Everything printed so far, as plain text.
    pub fn transcript(&self) -> String {
        resea_tool::console::plain(self.session.transcript())
    }

    /// Types `q` and waits until the machine has halted with success.
    pub fn halt(mut self) {
        let result = self.session.halt(deadline());
        self.check(result);
    }

    fn check<T>(&self, result: Result<T, Failure>) -> T {
        result.unwrap_or_else(|failure| panic!("{failure}\nAll that was printed:\n{}", self.transcript()))
    }
}

fn deadline() -> Option<Instant> {
    Some(Instant::now() + PATIENCE)
}

/// The workspace that is tested.
pub fn workspace() -> Workspace {
    Workspace::find().unwrap_or_else(|error| panic!("{error:#}"))
}

/// What is booted, built once by each process that asks.
pub fn built(profile: Profile) -> Build {
    static BUILDS: Mutex<Option<HashMap<Profile, Build>>> = Mutex::new(None);
    // A test that failed while it built leaves nothing half-made behind.
    let mut builds = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
    let builds = builds.get_or_insert_default();
    if let Some(build) = builds.get(&profile) {
        return build.clone();
    }
    Verbosity::Normal.step(&format!("building the {} system for the tests", profile.folder()));
    let build = build::build(&workspace(), profile, Verbosity::Quiet)
        .unwrap_or_else(|error| panic!("the system does not build: {error:#}"));
    builds.insert(profile, build.clone());
    build
}
