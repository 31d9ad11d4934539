//! A simulated system: made of programs and devices, run once with a test as one of its tasks.

use crate::device::{Attached, Device};
use crate::explore::Disturbance;
use crate::hardware::Devices;
use crate::image;
use crate::machine::Simulated;
use crate::memory::{PAGE, Ram};
use crate::pci::{Firmware, Function, Slot};
use crate::program::{Body, Program};
use crate::task::{self, Shared};
use crate::world::{Over, World};
use abi::{BootInfo, Region, STARTUP_OFFSET, TaskCreate};
use kernel_core::Kernel;
use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Physical memory that the kernel has for itself.
const KERNEL: usize = 64 << 10;

/// RAM of a machine that was given no other size, in bytes.
const MEMORY: usize = 4 << 20;

/// Lines of the trace that a failure shows.
const LINES_SHOWN: usize = 40;

/// The name of the task that runs the test.
pub(crate) const TEST: &str = "test";

/// The name of the task that kills another.
const KILLER: &str = "killer";

/// How long a task may run on the host without a system call before the run is given up. Not a limit for anything that
/// works: only an endless loop gets there.
const STUCK: Duration = Duration::from_secs(60);

type Maker<D> = Arc<dyn Fn() -> Box<D> + Send + Sync>;

/// A device to make for each run, its addresses, and its interrupt line.
#[derive(Clone)]
struct Placed {
    addresses: Range<usize>,
    irq: usize,
    make: Maker<dyn Device>,
}

impl Placed {
    fn attach(&self) -> Attached {
        Attached { addresses: self.addresses.clone(), irq: self.irq, device: (self.make)() }
    }
}

/// A system to run tests in: vm, the programs that are added, and a task that runs the test.
///
/// The test's task may use every service and do what a shell may. When it ends, so does the run.
#[derive(Clone)]
pub struct System {
    programs: Vec<Program>,
    files: Vec<(String, Vec<u8>)>,
    devices: Vec<Placed>,
    ports: Vec<Placed>,
    /// Place, interrupt line, and what makes it.
    functions: Vec<(u16, usize, Maker<dyn Function>)>,
    configuration: Range<usize>,
    memory: usize,
    seed: Option<u64>,
    pub(crate) killable: Vec<String>,
    pub(crate) may_panic: bool,
}

/// What there is to see after a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Everything that was written to the console.
    pub console: String,
    /// Every message, a line each.
    pub trace: String,
    /// Programs that panicked, each with its panic's message and place.
    pub panics: Vec<(String, String)>,
    /// Steps that were taken: entries into the kernel.
    pub steps: u64,
    /// Virtual nanoseconds that passed.
    pub time: u64,
    /// Whether the simulation has ended a task.
    pub killed: bool,
}

/// A system that is ready to run, any number of times.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) system: System,
    image: &'static [u8],
}

impl System {
    /// A system with no programs but vm and the test. Tasks run in the order of the kernel's own scheduler.
    #[allow(clippy::new_without_default, reason = "nothing about it is a default")]
    pub fn new() -> Self {
        Self {
            programs: Vec::new(),
            files: Vec::new(),
            devices: Vec::new(),
            ports: Vec::new(),
            functions: Vec::new(),
            configuration: 0..0,
            memory: MEMORY,
            seed: None,
            killable: Vec::new(),
            may_panic: false,
        }
    }

    /// Adds a program to the boot image. It starts as its manifest says.
    #[must_use]
    pub fn program(mut self, program: Program) -> Self {
        self.programs.push(program);
        self
    }

    /// Adds a file to the boot image, by its path there.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), content.into()));
        self
    }

    /// Puts a device at physical addresses (whole pages, above RAM) with the IRQ of its line, below 48. Each run makes its own.
    #[must_use]
    pub fn device<D: Device + 'static>(
        mut self,
        addresses: Range<usize>,
        irq: usize,
        make: impl Fn() -> D + Send + Sync + 'static,
    ) -> Self {
        self.devices.push(Placed { addresses, irq, make: Arc::new(move || Box::new(make())) });
        self
    }

    /// Puts a device at I/O ports, with an IRQ below 32. Each run makes its own.
    #[must_use]
    pub fn ports<D: Device + 'static>(
        mut self,
        ports: Range<usize>,
        irq: usize,
        make: impl Fn() -> D + Send + Sync + 'static,
    ) -> Self {
        self.ports.push(Placed { addresses: ports, irq, make: Arc::new(move || Box::new(make())) });
        self
    }

    /// Puts a PCI device into a place of bus 0 (below 32), with an interrupt line below 32. Each run makes its own. What
    /// firmware does is done: its base address registers have addresses, which answer, and it knows its line.
    #[must_use]
    pub fn pci<F: Function + 'static>(
        mut self,
        place: u8,
        irq: usize,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.functions.push((u16::from(place % 32) << 3, irq, Arc::new(move || Box::new(make()))));
        self
    }

    /// Tells the first task that the memory-mapped PCI configuration space is at these physical addresses, 1 MiB for
    /// each bus. There are the devices of [`System::pci`]; if there are none, what is there is up to [`System::device`].
    #[must_use]
    pub fn configuration(mut self, addresses: Range<usize>) -> Self {
        self.configuration = addresses;
        self
    }

    /// Sets the size of RAM in bytes, 4 MiB by default; rounded up to whole pages.
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes.next_multiple_of(PAGE);
        self
    }

    /// Runs tasks in a random order, made from `seed`. The same seed gives the same run, message for message.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The programs that [`System::explore`] may kill; it panics if the system has no such program.
    #[must_use]
    pub fn killable<'a>(mut self, programs: impl IntoIterator<Item = &'a str>) -> Self {
        self.killable = programs.into_iter().map(String::from).collect();
        self
    }

    /// [`System::explore`] and [`crate::messages!`] do not fail if a program panics.
    #[must_use]
    pub fn may_panic(mut self) -> Self {
        self.may_panic = true;
        self
    }

    /// Runs `test` as the task `test` of this system.
    ///
    /// Panics if the test does, if nobody can go on before it ends (a deadlock: says who waits for whom), or if the
    /// system halts; with the last messages.
    pub fn run(self, test: impl FnOnce() + Send + 'static) -> Report {
        let seed = self.seed;
        let outcome = self.prepare().run(seed, Disturbance::default(), test);
        match &outcome.over {
            Over::Finished => outcome.report(),
            Over::Failed(why) => panic!("{why}\nthe last messages:\n{}", outcome.last_messages()),
        }
    }

    /// Makes the boot image, which all runs share.
    pub(crate) fn prepare(mut self) -> Prepared {
        for name in &self.killable {
            let is_known = self.programs.iter().any(|program| program.name == *name);
            assert!(is_known, "{name} is to be killed, but the system has no such program");
        }
        let services: Vec<_> = self.services().iter().map(|service| format!("{service:?}")).collect();
        let manifest = format!(
            "description = \"The test\"\nstart = \"boot\"\nstack = \"64KiB\"\nuses = [{}]\n\
             powers = [\"console\", \"inspect\", \"launch\", \"kill\"]\nshared = \"2MiB\"",
            services.join(", ")
        );
        // The bodies are each run's own.
        self.programs.push(Program::new(TEST, &manifest, || ()));
        let manifest = "description = \"Kills a program\"\nstart = \"boot\"\npowers = [\"kill\"]";
        self.programs.push(Program::new(KILLER, manifest, || ()));
        let image = image::build(&self.programs, &self.files).leak();
        Prepared { system: self, image }
    }

    fn services(&self) -> Vec<String> {
        let manifests = self.programs.iter().map(|program| program.manifest.manifest());
        let provided = manifests
            .flat_map(|manifest| manifest.provides.iter().map(|name| name.to_string()).collect::<Vec<_>>());
        // Several programs may provide the same.
        provided.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// A run that is over.
pub(crate) struct Outcome {
    pub(crate) over: Over,
    shared: Arc<Shared>,
}

impl Outcome {
    pub(crate) fn report(&self) -> Report {
        let mut report = self.summary();
        report.trace = self.shared.lock().kernel.machine.trace.text(usize::MAX);
        report
    }

    /// The report without the trace, which takes long to write.
    pub(crate) fn summary(&self) -> Report {
        let world = self.shared.lock();
        Report {
            console: String::from_utf8_lossy(&world.kernel.machine.console).into_owned(),
            trace: String::new(),
            panics: world.panics.clone(),
            steps: world.steps,
            time: world.kernel.machine.now,
            killed: world.killed,
        }
    }

    /// How many system calls the program `name` made.
    pub(crate) fn calls(&self, name: &str) -> u64 {
        self.shared.lock().calls.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn last_messages(&self) -> String {
        self.shared.lock().kernel.machine.trace.text(LINES_SHOWN)
    }
}

impl Prepared {
    /// Runs the system once.
    pub(crate) fn run(
        &self,
        seed: Option<u64>,
        disturbance: Disturbance,
        test: impl FnOnce() + Send + 'static,
    ) -> Outcome {
        let mut machine = Simulated::new(Ram::new(self.system.memory, KERNEL), self.devices());
        let first = boot(&mut machine, self.image, &self.system.configuration);
        let mut kernel = Box::new(Kernel::new(machine, 0));
        let programs = self.programs(test, disturbance.kill);
        let started = kernel.start(&first);
        let mut world = World::new(kernel, programs, self.image, seed);
        if let Err(error) = started {
            panic!("the first task cannot be started: {error}");
        }
        if let Some((program, left)) = disturbance.crash {
            world.crash(&program, left);
        }
        world.name_new_tasks();
        let shared = Shared::new(world);
        shared.hand_over(&mut shared.lock());
        let over = wait_for_end(&shared);
        Outcome { over, shared }
    }

    /// The devices of a run.
    fn devices(&self) -> Devices {
        let System { devices, ports, functions, configuration, .. } = &self.system;
        let mut firmware = Firmware::default();
        let slot = |(place, irq, make): &(u16, usize, Maker<dyn Function>)| {
            Slot::new(*place, *irq, make(), &mut firmware)
        };
        let functions = functions.iter().map(slot).collect();
        let attach = |placed: &[Placed]| placed.iter().map(Placed::attach).collect();
        Devices::new(attach(devices), attach(ports), functions, configuration.clone())
    }

    /// The programs, with what two of them do in this run.
    fn programs(&self, test: impl FnOnce() + Send + 'static, kill: Option<(String, u64)>) -> Vec<Program> {
        let test = Mutex::new(Some(test));
        let run_test = move || {
            let test = test.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(test) = test {
                match panic::catch_unwind(AssertUnwindSafe(test)) {
                    Ok(()) => task::finish(Over::Finished),
                    Err(payload) => task::finish_panicked(payload),
                }
            }
            ipc::exit(0);
        };
        let run_killer = move || {
            if let Some((victim, time)) = &kill {
                resea::sleep(Duration::from_nanos(*time));
                // It may have ended by itself.
                let _ = crate::kill(victim);
            }
            ipc::exit(0);
        };
        let (run_test, run_killer): (Body, Body) = (Arc::new(run_test), Arc::new(run_killer));
        let mut programs = self.system.programs.clone();
        for program in &mut programs {
            match program.name.as_str() {
                TEST => program.body = Arc::clone(&run_test),
                KILLER => program.body = Arc::clone(&run_killer),
                _ => {}
            }
        }
        programs
    }
}

/// Lays out the memory, and makes the first task's parameters.
fn boot(machine: &mut Simulated, image: &[u8], configuration: &Range<usize>) -> TaskCreate {
    let start = KERNEL;
    let root = (start + image.len()).next_multiple_of(PAGE);
    let (message, free) = (root + PAGE, root + 2 * PAGE);
    let memory = machine.ram.size();
    let Some(place) = machine.ram.at(start, image.len()).filter(|_| free < memory) else {
        panic!("{memory} bytes of memory are too few: the boot image alone has {}", image.len());
    };
    place.copy_from_slice(image);
    // The first task is in the first place, and the first to live there.
    let own_id = ipc::host::first_task().raw() as u64;
    let bootfs = [start as u64, image.len() as u64];
    let configuration = [configuration.start as u64, configuration.len() as u64];
    let memory = [memory as u64, 1, free as u64, (memory - free) as u64];
    let words: Vec<u64> = [own_id].into_iter().chain(bootfs).chain(configuration).chain(memory).collect();
    const _: () = assert!(std::mem::offset_of!(BootInfo, free) == 7 * 8 && size_of::<Region>() == 16);
    if let Some(page) = machine.ram.at(message + STARTUP_OFFSET, words.len() * 8) {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        page.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    }
    TaskCreate { root: root as u64, message: message as u64, ..TaskCreate::default() }
}

/// Waits until the run is over and all threads have ended.
fn wait_for_end(shared: &Shared) -> Over {
    let mut world = shared.lock();
    let mut steps = 0;
    loop {
        if let Some(over) = world.over.clone() {
            drop(world);
            shared.join();
            return over;
        }
        let waited = shared.changed.wait_timeout(world, STUCK).unwrap_or_else(PoisonError::into_inner);
        world = waited.0;
        if waited.1.timed_out() && world.steps == steps {
            let name = world.turn.as_ref().map_or("nobody", |thread| &thread.name);
            panic!("{name} runs without an end: it has made no system call for {} s", STUCK.as_secs());
        }
        steps = world.steps;
    }
}
