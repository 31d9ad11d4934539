//! Makes steps in the kernel and in the world, and compares the two after each.

extern crate std;

use std::boxed::Box;
use std::collections::{BTreeMap, HashMap};
use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{
    Error, Exception, MapFlags, MessageInfo, NOTIFY_CONSOLE, Rights, TaskCreate, TaskId, TaskIndex, kind,
};

use super::compare::{compare, compare_returns, digest, reported};
use super::rules::{Facts, Verdict};
use super::steps::{Chooser, Step};
use super::world::{Doing, World};
use crate::fault::Fault;
use crate::kernel::Kernel;
use crate::machine::Request;
use crate::tests::model::{Event, FIRST_FREE_FRAME, Model, Outcome, PAGE};
use crate::tests::structure;
use crate::tests::system::{BUFFER, CONSTANTS, FRAME};

/// The place of the second task: some below and some above a border between two steps of a destruction.
const SECOND_PLACE: usize = 122;

#[cfg_attr(test, derive(Clone))]
pub struct Driver {
    pub kernel: Box<Kernel<Model>>,
    pub world: World,
    pub first: TaskId,
    frames: u64,
    late: bool,
    /// How often each system call was made, by what came of it at once: a result, or waiting.
    pub calls: HashMap<(usize, Option<Result<(), Error>>), usize>,
    /// How often each kind of message of the kernel was received, and how often waiting ended in `Aborted`.
    pub kernel_messages: BTreeMap<u16, usize>,
    pub aborted: usize,
    /// Counts messages, so that no two are alike.
    stamp: u64,
    /// Bytes on the console that the log does not have.
    unlogged: usize,
}

pub fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}

impl Driver {
    pub fn new() -> Self {
        let mut kernel = Box::new(Kernel::new(Model::new(), 0));
        let (root, message) = (FIRST_FREE_FRAME as u64, (FIRST_FREE_FRAME + PAGE) as u64);
        let first = kernel.start(&TaskCreate { root, message, ..TaskCreate::default() });
        let first = first.expect("the first task starts");
        kernel.fresh = SECOND_PLACE;
        kernel.machine.events.clear();
        let mut world = World::new();
        world.add(first, None, Rights::ALL).expect("the first ID is fresh");
        (world.actor(first).doing, world.actor(first).priority) = (Doing::Ready, 31);
        let frames = message + PAGE as u64;
        let (calls, kernel_messages) = (HashMap::new(), BTreeMap::new());
        let (late, aborted, stamp, unlogged) = (false, 0, 1 << 32, 0);
        let mut driver =
            Self { kernel, world, first, frames, late, calls, kernel_messages, aborted, stamp, unlogged };
        driver.give_memory(first.index());
        driver
    }

    pub fn give_memory(&mut self, task: TaskIndex) {
        let place = self.kernel.machine.place(task);
        place.frame = FRAME;
        for (address, flags) in [(BUFFER, MapFlags::WRITE), (CONSTANTS, MapFlags::READ)] {
            place.pages.insert(address, (0x800_0000 + task.get() * 2 * PAGE + (address & PAGE), flags));
        }
    }

    pub fn current(&self) -> Option<TaskId> {
        self.kernel.current().and_then(|task| self.kernel.task(task).id)
    }

    /// Whether the timer interrupt is due.
    fn is_due(&self) -> bool {
        self.kernel.machine.timer.is_some_and(|deadline| deadline <= self.kernel.machine.now)
    }

    /// One step. When nobody can run, it may do nothing.
    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        let late = core::mem::take(&mut self.late);
        while !late && self.is_due() {
            self.expire()?;
        }
        match (*step, self.current()) {
            (Step::Call(call, seeds), Some(caller)) => {
                let chooser = Chooser { world: &self.world, caller };
                let (request, create) =
                    (chooser.request(call, seeds), chooser.parameters(seeds, self.frames));
                self.frames += 2 * PAGE as u64;
                self.write_page(caller, &create, seeds);
                self.call(caller, &request)
            }
            (Step::Noise(number, arguments), Some(caller)) => {
                // What would end the run: halting, and the first task's faults and exit.
                let fatal = if caller == self.first { &[3, 10, 12, 17, 18][..] } else { &[18] };
                let number = if fatal.contains(&number) { number + 100 } else { number };
                self.call(caller, &Request { number, arguments })
            }
            (Step::Interrupt(irq), _) => self.interrupt(irq),
            (Step::Elapse { nanoseconds, late }, _) => {
                self.kernel.machine.now += nanoseconds;
                self.late = late;
                Ok(())
            }
            (Step::Input(byte), _) => self.input(byte),
            (Step::PageFault(address), Some(task)) if task != self.first => self.page_fault(task, address),
            (Step::Exception(code), Some(task)) if task != self.first => {
                let exception = Exception::from_code(code);
                self.kernel.fault(Fault::Exception { exception, detail: 7 });
                self.world.raise(task, kind::EXCEPTION, [code, 7]);
                self.settle()
            }
            // Nobody runs: a key is pressed, which wakes whoever reads the console.
            (_, None) => self.input(if self.world.debugging { 0x14 } else { b'p' }),
            _ => Ok(()),
        }
    }

    pub fn expire(&mut self) -> Result<(), String> {
        self.kernel.machine.timer = None;
        self.kernel.timer();
        self.world.expire(self.kernel.machine.now);
        self.settle()
    }

    pub fn interrupt(&mut self, irq: usize) -> Result<(), String> {
        self.kernel.interrupt(irq);
        self.world.irq_enabled[irq] = false;
        if let Some((owner, bits)) = self.world.irqs[irq] {
            self.world.notify(owner, bits);
        }
        self.settle()
    }

    pub fn input(&mut self, byte: u8) -> Result<(), String> {
        let before = self.kernel.machine.console.len();
        self.kernel.console_input(byte);
        // Only the debugger answers a key, and it is not logged.
        self.unlogged += self.kernel.machine.console.len() - before;
        let hot = cfg!(debug_assertions) && byte == 0x14;
        self.world.debugging ^= hot;
        if !hot && !self.world.debugging {
            self.world.input = (self.world.input + 1).min(1024);
            if let Some(reader) = self.world.reader {
                self.world.notify(reader, NOTIFY_CONSOLE);
            }
        }
        self.settle()
    }

    /// Gives the caller a message that nobody has sent before.
    pub fn write_message(&mut self, caller: TaskId) {
        let place = self.kernel.machine.place(caller.index());
        for word in &mut place.payload {
            self.stamp += 1;
            *word = self.stamp;
        }
        self.world.actor(caller).page = place.payload;
    }

    /// The current task accesses memory that is not mapped.
    pub fn page_fault(&mut self, task: TaskId, address: usize) -> Result<(), String> {
        self.kernel.fault(Fault::Page { address, access: abi::Access::WRITE });
        self.world.raise(task, kind::PAGE_FAULT, [address as u64, 1]);
        self.settle()
    }

    /// Gives the caller a message that nobody has sent before, regions to lend and parameters of a new task.
    fn write_page(&mut self, caller: TaskId, create: &TaskCreate, seeds: [u16; 5]) {
        self.write_message(caller);
        let place = self.kernel.machine.place(caller.index());
        let addresses = [BUFFER as u64 + u64::from(seeds[2] % 64), CONSTANTS as u64, 0x50_0000, u64::MAX - 8];
        for (index, lend) in place.lends.iter_mut().enumerate() {
            let choice = ((seeds[3] as usize + index) % 8).saturating_sub(4);
            *lend = abi::Lend { address: addresses[choice], length: u64::from(seeds[4] % 40) };
        }
        for (place, word) in create.encode().iter().enumerate() {
            self.kernel.machine.poke(caller.index(), BUFFER + 8 * place, &word.to_le_bytes());
        }
    }

    fn facts(&mut self, caller: TaskId, request: &Request) -> Facts {
        let [first, second, ..] = request.arguments;
        let words = self.kernel.machine.peek(caller.index(), first, TaskCreate::WORDS * 8);
        let create = words.map(|bytes| {
            let mut words = [0; TaskCreate::WORDS];
            for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
            }
            TaskCreate::decode(&words)
        });
        let lender = self.world.find(first);
        let lend = lender.map(|id| self.kernel.machine.place(id.index()).lends[second % 4]);
        let logged = self.kernel.machine.console.len() - self.unlogged;
        Facts { create, lend: lend.unwrap_or_default(), logged }
    }

    /// The current task makes a system call.
    pub fn call(&mut self, caller: TaskId, request: &Request) -> Result<(), String> {
        let facts = self.facts(caller, request);
        let verdict = self.world.judge(caller, request, &facts);
        let before = digest(&self.kernel);
        self.kernel.syscall(request);
        let own = |event: &Event| match event {
            Event::Result(task, outcome) if *task == caller.index() => Some(*outcome),
            _ => None,
        };
        let own: Option<Outcome> = self.kernel.machine.events.iter().find_map(own);
        let at_once = own.map(|outcome| outcome.result.map(|_| ()));
        *self.calls.entry((request.number, at_once)).or_default() += 1;
        let repeats = self.kernel.machine.events.contains(&Event::Repeat(caller.index(), *request));
        if repeats {
            let Some((address, access)) = verdict.fault else {
                return Err(format!("{caller}: {request:?} faulted for no reason"));
            };
            self.world.raise(caller, kind::PAGE_FAULT, [address as u64, access.0]);
            if request.number == 17 && request.arguments[0] == 1 {
                self.world.reader = Some(caller);
            }
        } else if let Some(Outcome { result: Err(error), .. }) = own {
            self.check_error(caller, request, &verdict, error)?;
            ensure(digest(&self.kernel) == before, || format!("{request:?} failed but changed something"))?;
            self.world.returns(caller, own);
        } else {
            ensure(verdict.errors.is_empty() && verdict.fault.is_none(), || {
                format!("{caller}: {request:?} should have failed: {:?} {:?}", verdict.errors, verdict.fault)
            })?;
            self.apply(caller, request, &facts, own)?;
        }
        self.settle().map_err(|text| format!("{caller}: {request:?}: {text}"))
    }

    fn check_error(
        &self,
        caller: TaskId,
        request: &Request,
        verdict: &Verdict,
        error: Error,
    ) -> Result<(), String> {
        let by_machine = |event: &Event| match event {
            Event::Mapped(Err(by)) | Event::CreateFailed(by) => *by == error,
            _ => false,
        };
        let by_machine = self.kernel.machine.events.iter().any(by_machine) && verdict.errors.is_empty();
        ensure(by_machine || verdict.errors.contains(&error), || {
            format!("{caller}: {request:?} returned {error:?}, not one of {:?}", verdict.errors)
        })
    }

    fn count(&mut self, events: &[Event]) {
        for event in events {
            let Event::Result(_, Outcome { result, info, .. }) = *event else { continue };
            self.aborted += usize::from(result == Err(Error::Aborted));
            let kind = MessageInfo::from_raw(info).map_or(0, MessageInfo::kind);
            if result.is_ok() && (1..kind::FIRST_INTERFACE).contains(&kind) {
                *self.kernel_messages.entry(kind).or_default() += 1;
            }
        }
    }

    /// After a step: takes over the quanta that were reported, and compares everything.
    fn settle(&mut self) -> Result<(), String> {
        for id in reported(&self.kernel, &self.world) {
            ensure(self.world.tasks[&id].reports, || format!("{id} does not report its quanta"))?;
            self.world.raise(id, kind::QUANTUM, [0, 0]);
        }
        let events: Vec<Event> = core::mem::take(&mut self.kernel.machine.events);
        self.count(&events);
        ensure(self.kernel.machine.halted.is_some() == self.world.halted, || "the machine halted".into())?;
        if self.world.halted {
            return Ok(());
        }
        compare_returns(&self.kernel, &events, &self.world)?;
        self.world.returns.clear();
        compare(&mut self.kernel, &self.world)?;
        structure::check(&self.kernel)
    }
}
