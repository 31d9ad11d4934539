//! The state of a simulated system, and what happens between two steps of its tasks.
//!
//! The kernel core decides what may happen; this module decides what does: which ready task runs (if the order is
//! random), when time passes, when devices interrupt, when a task is made to crash.

use crate::image;
use crate::machine::Simulated;
use crate::program::{Body, Program};
use crate::task::Thread;
use abi::{Exception, TaskId, TaskIndex};
use kernel_core::{Fault, Kernel, State};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Virtual nanoseconds that a step takes.
const STEP: u64 = 1000;

/// Steps that a run may take: more are a program that never comes to an end.
const MAX_STEPS: u64 = 5_000_000;

/// In random order, time jumps to the next timer after so many turns of tasks, as on a machine that is busy with other
/// things. The fewest are enough for a server to do what it was asked before: on a machine on which time passes and
/// nobody runs, every heartbeat would be late.
const JUMPS: RangeInclusive<u64> = 64..=192;

/// How a run has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// The test task has come to its end.
    Finished,
    /// The test task has panicked, or nothing can go on: why.
    Failed(String),
}

/// A task that is to crash.
pub(crate) struct Crash {
    program: String,
    /// How many system calls it makes before.
    left: u64,
}

/// A system.
pub(crate) struct World {
    pub(crate) kernel: Box<Kernel<Simulated>>,
    programs: Vec<Program>,
    first: Body,
    /// The threads of tasks, by place.
    pub(crate) threads: Vec<Option<Arc<Thread>>>,
    /// The thread that may run.
    pub(crate) turn: Option<Arc<Thread>>,
    pub(crate) over: Option<Over>,
    /// Chooses who runs; without it the kernel does.
    order: Option<fastrand::Rng>,
    /// Random numbers for the test, which do not change the order.
    numbers: fastrand::Rng,
    crashes: Vec<Crash>,
    /// Whether the simulation has ended a task.
    pub(crate) killed: bool,
    /// Tasks that panicked, with the panic's message.
    pub(crate) panics: Vec<(String, String)>,
    /// Steps so far.
    pub(crate) steps: u64,
    /// Who runs, how often that was another than before, and at which of these turns time jumps next.
    ran: Option<TaskIndex>,
    turns: u64,
    next_jump: u64,
    /// System calls so far, by program.
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) boot_image: &'static [u8],
}

impl World {
    pub(crate) fn new(
        kernel: Box<Kernel<Simulated>>,
        programs: Vec<Program>,
        boot_image: &'static [u8],
        seed: Option<u64>,
    ) -> Self {
        Self {
            kernel,
            programs,
            first: crate::program::first_task(),
            threads: (0..abi::MAX_TASKS).map(|_| None).collect(),
            turn: None,
            over: None,
            order: seed.map(fastrand::Rng::with_seed),
            numbers: fastrand::Rng::with_seed(!seed.unwrap_or(0)),
            crashes: Vec::new(),
            killed: false,
            panics: Vec::new(),
            steps: 0,
            ran: None,
            turns: 0,
            next_jump: *JUMPS.start(),
            calls: BTreeMap::new(),
            boot_image,
        }
    }

    /// Name and code of the program that a task runs.
    pub(crate) fn program_of(&mut self, task: TaskIndex) -> (String, Body) {
        let entry = self.kernel.machine.place(task).entry;
        match self.program_at(entry) {
            Some(program) => (program.name.clone(), Arc::clone(&program.body)),
            None => ("vm".to_string(), Arc::clone(&self.first)),
        }
    }

    /// The program that starts at `entry`; `None` if that is vm.
    fn program_at(&self, entry: u64) -> Option<&Program> {
        image::number_of(entry).and_then(|number| self.programs.get(number))
    }

    /// The task that runs the program `name`; the one that was launched last, if there are several.
    pub(crate) fn task(&self, name: &str) -> Option<TaskId> {
        let machine = &self.kernel.machine;
        let living =
            machine.living.iter().filter_map(|&task| Some((task, machine.places[task.get()].as_ref()?)));
        let runs_it = |entry| self.program_at(entry).map_or("vm", |program| &program.name) == name;
        let last = living.filter(|(_, place)| runs_it(place.entry)).max_by_key(|(_, place)| place.order);
        last.and_then(|(task, _)| self.kernel.task(task).id)
    }

    /// Makes the program `name` crash after `left` more system calls of it.
    ///
    /// Panics if there is no such program: it would never crash.
    pub(crate) fn crash(&mut self, name: &str, left: u64) {
        let is_known = name == "vm" || self.programs.iter().any(|program| program.name == name);
        assert!(is_known, "{name} is to crash, but the system has no such program");
        self.crashes.push(Crash { program: name.to_string(), left });
    }

    /// A random number for the test.
    pub(crate) fn random_number(&mut self) -> u64 {
        self.numbers.u64(..)
    }

    /// A task has taken a step: lets happen what happens then, until somebody can run or the run is over.
    pub(crate) fn settle(&mut self) {
        self.name_new_tasks();
        self.steps += 1;
        self.kernel.machine.now += STEP;
        self.jump();
        while self.over.is_none() {
            if let Some(status) = self.kernel.machine.halted {
                self.over = Some(self.halted(status));
            } else if self.steps > MAX_STEPS {
                self.over = Some(Over::Failed(self.endless()));
            } else {
                self.events();
                self.choose();
                match self.kernel.current() {
                    Some(_) => return,
                    None => self.idle(),
                }
            }
        }
    }

    /// Tells the trace the names of tasks that were made.
    pub(crate) fn name_new_tasks(&mut self) {
        while let Some(task) = self.kernel.machine.made.pop() {
            if let Some(id) = self.kernel.task(task).id {
                let (name, _) = self.program_of(task);
                self.kernel.machine.trace.made(id, &name);
            }
        }
    }

    /// What the machine does by itself until now.
    fn events(&mut self) {
        let now = self.kernel.machine.now;
        self.kernel.machine.events();
        if self.kernel.machine.timer.is_some_and(|deadline| deadline <= now) {
            self.kernel.machine.timer = None;
            self.kernel.timer();
        }
        while let Some(irq) = self.kernel.machine.devices.pending_irq() {
            self.kernel.interrupt(irq);
        }
    }

    /// In random order, lets a ready task run, whatever the priorities.
    fn choose(&mut self) {
        let Some(order) = &mut self.order else { return };
        let living = self.kernel.machine.living.iter().copied();
        let ready: Vec<_> = living.filter(|&task| self.kernel.task(task).state == State::Ready).collect();
        if let Some(task) = order.choice(ready) {
            self.turns += u64::from(self.ran != Some(task));
            self.ran = Some(task);
            self.kernel.prefer(task);
        }
    }

    /// In random order, lets time pass now and then although somebody can run.
    fn jump(&mut self) {
        if let (Some(order), Some(deadline)) = (&mut self.order, self.kernel.machine.timer)
            && self.next_jump <= self.turns
        {
            self.next_jump = self.turns + order.u64(JUMPS);
            self.kernel.machine.now = self.kernel.machine.now.max(deadline);
        }
    }

    /// Nobody can run: time passes until something happens; if nothing ever will, that is the end.
    fn idle(&mut self) {
        // A step of nobody, so that a device whose time never passes comes to an end.
        self.steps += 1;
        let machine = &self.kernel.machine;
        match machine.devices.next_event().into_iter().chain(machine.timer).min() {
            Some(time) => self.kernel.machine.now = machine.now.max(time),
            None => self.over = Some(Over::Failed(self.deadlock())),
        }
    }

    /// The current task, of the program `name`, is about to make a system call: counts it. If it is to crash before this
    /// call, it does, and the result is true.
    pub(crate) fn crashes_before_call(&mut self, name: &str) -> bool {
        match self.calls.get_mut(name) {
            Some(calls) => *calls += 1,
            None => drop(self.calls.insert(name.to_string(), 1)),
        }
        let due = self.crashes.iter().position(|crash| crash.left == 0 && crash.program == name);
        let Some(due) = due else {
            for crash in self.crashes.iter_mut().filter(|crash| crash.program == name) {
                crash.left -= 1;
            }
            return false;
        };
        self.crashes.swap_remove(due);
        self.killed = true;
        self.kernel.machine.trace.event(self.kernel.machine.now, format!("{name} crashes"));
        self.kernel.fault(Fault::Exception { exception: Exception::IllegalInstruction, detail: 0 });
        true
    }

    fn endless(&self) -> String {
        let most = self.calls.iter().max_by_key(|(_, calls)| **calls);
        let most = most.map_or(String::new(), |(name, calls)| format!("; {calls} of them are by {name}"));
        format!("the run has not ended after {MAX_STEPS} system calls{most}")
    }

    fn halted(&self, status: usize) -> Over {
        match status {
            0 => Over::Failed("the system was halted".to_string()),
            _ => Over::Failed(format!("the system was halted with status {status}: {}", self.last_words())),
        }
    }

    /// The last lines on the console.
    fn last_words(&self) -> String {
        let console = String::from_utf8_lossy(&self.kernel.machine.console).into_owned();
        let lines: Vec<_> = console.lines().rev().take(4).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Who waits for whom, when nobody can run any more.
    fn deadlock(&self) -> String {
        let mut text = "nobody can go on:".to_string();
        for thread in self.threads.iter().flatten() {
            let (state, peer) = self.kernel.task(thread.id.index()).visible_state();
            let peer = peer.and_then(|peer| self.threads.get(peer.get()).and_then(Option::as_ref));
            let peer = peer.map_or("anyone".to_string(), |peer| peer.name.clone());
            let what = match state {
                abi::TaskState::Receiving => format!("waits for a message from {peer}"),
                abi::TaskState::Calling => format!("waits for the reply of {peer}"),
                abi::TaskState::Sending => format!("waits until {peer} receives its message"),
                abi::TaskState::Faulted => format!("has faulted and waits for {peer}"),
                other => format!("is {}", other.text()),
            };
            text += &format!("\n  {} {what}", thread.name);
        }
        text
    }
}
