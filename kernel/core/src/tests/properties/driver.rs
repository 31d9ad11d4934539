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
use super::world::{Doing, Message, Style, World};
use crate::fault::Fault;
use crate::kernel::Kernel;
use crate::machine::{Reclaim, Request};
use crate::tests::model::{Event, FIRST_FREE_FRAME, Model, Outcome, PAGE};
use crate::tests::structure;
use crate::tests::system::{BUFFER, CONSTANTS, FRAME, done};

/// The place of the second task: some below and some above a border between two steps of a destruction.
const SECOND_PLACE: usize = 122;

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
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
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
        let (late, aborted, stamp) = (false, 0, 1 << 32);
        let mut driver = Self { kernel, world, first, frames, late, calls, kernel_messages, aborted, stamp };
        driver.give_memory(first.index());
        driver
    }

    fn give_memory(&mut self, task: TaskIndex) {
        let place = self.kernel.machine.place(task);
        place.frame = FRAME;
        for (address, flags) in [(BUFFER, MapFlags::WRITE), (CONSTANTS, MapFlags::READ)] {
            place.pages.insert(address, (0x800_0000 + task.get() * 2 * PAGE + (address & PAGE), flags));
        }
    }

    fn current(&self) -> Option<TaskId> {
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
            (Step::PageFault(address), Some(task)) if task != self.first => {
                self.kernel.fault(Fault::Page { address, access: abi::Access::WRITE });
                self.world.raise(task, kind::PAGE_FAULT, [address as u64, 1]);
                self.settle()
            }
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

    fn expire(&mut self) -> Result<(), String> {
        self.kernel.machine.timer = None;
        self.kernel.timer();
        self.world.expire(self.kernel.machine.now);
        self.settle()
    }

    fn interrupt(&mut self, irq: usize) -> Result<(), String> {
        self.kernel.interrupt(irq);
        self.world.irq_enabled[irq] = false;
        if let Some((owner, bits)) = self.world.irqs[irq] {
            self.world.notify(owner, bits);
        }
        self.settle()
    }

    pub fn input(&mut self, byte: u8) -> Result<(), String> {
        self.kernel.console_input(byte);
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

    /// Gives the caller a message that nobody has sent before, regions to lend and parameters of a new task.
    fn write_page(&mut self, caller: TaskId, create: &TaskCreate, seeds: [u16; 5]) {
        let place = self.kernel.machine.place(caller.index());
        for word in &mut place.payload {
            self.stamp += 1;
            *word = self.stamp;
        }
        self.world.actor(caller).page = place.payload;
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
        let logged = self.kernel.machine.console.len();
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

    /// What a call that succeeds does to the world.
    fn apply(
        &mut self,
        caller: TaskId,
        request: &Request,
        facts: &Facts,
        own: Option<Outcome>,
    ) -> Result<(), String> {
        let [first, second, third, fourth, _] = request.arguments;
        let target = self.world.find(first);
        let value = own.and_then(|outcome| outcome.result.ok());
        match (request.number, target) {
            (0, _) => self.world.returns(caller, done(caller.raw())),
            (1 | 3, Some(to)) => {
                let style = if request.number == 1 { Style::Send } else { Style::Call };
                let info = MessageInfo::from_raw(second).ok_or("a malformed message was accepted")?;
                let payload = self.world.tasks[&caller].page[..info.words()].to_vec();
                self.world.post(caller, to, Message { style, info, payload });
            }
            (2, from) => self.world.receive(caller, from),
            (4 | 5, client) => {
                let info = MessageInfo::from_raw(second).ok_or("a malformed reply was accepted")?;
                if let Some(client) = client.filter(|&client| self.world.waits_for(client, caller)) {
                    self.world.reply(caller, client, info);
                }
                match request.number {
                    4 => self.world.returns(caller, done(0)),
                    _ => self.world.receive(caller, None),
                }
            }
            (6, Some(to)) => {
                self.world.notify(to, second);
                self.world.returns(caller, done(0));
            }
            (7, Some(lender)) => self.check_copy(caller, lender, request, facts)?,
            (8, _) => {
                let deadline = self.kernel.machine.now.saturating_add(first as u64);
                self.world.actor(caller).timer = (first != 0).then_some(deadline);
                self.world.returns(caller, done(0));
            }
            (9, _) => self.world.returns(caller, done(self.kernel.machine.now as usize)),
            (10, _) => {
                let id = value.and_then(TaskId::from_raw).ok_or("task_create returned no ID")?;
                let rights = facts.create.map(|create| create.rights).ok_or("task_create read no memory")?;
                self.world.add(id, Some(caller), rights)?;
                self.world.returns(caller, done(id.raw()));
                self.give_memory(id.index());
            }
            (11, Some(task)) => self.destroyed(caller, task)?,
            (12, _) => self.world.raise(caller, kind::EXIT, [first as u64, u64::from(second != 0)]),
            (13, Some(task)) => {
                let actor = self.world.actor(task);
                (actor.priority, actor.reports) = (second, fourth == 1);
                if actor.doing == Doing::New {
                    actor.doing = Doing::Ready;
                }
                self.world.returns(caller, done(0));
            }
            (14 | 15, Some(_)) => {
                let Some(Event::Mapped(Ok(bits))) = self.kernel.machine.events.first() else {
                    return Err(format!("{request:?} did not reach the machine"));
                };
                let bits = *bits;
                self.world.returns(caller, done(bits));
            }
            (16, _) => {
                self.world.irqs[second] = match first {
                    0 => Some((caller, third)),
                    1 => self.world.irqs[second],
                    _ => None,
                };
                self.world.irq_enabled[second] = first != 2;
                self.world.returns(caller, done(0));
            }
            (17, _) => {
                let mut count = third.min(abi::MAX_CONSOLE);
                if first == 1 {
                    count = count.min(self.world.input);
                    (self.world.reader, self.world.input) = (Some(caller), self.world.input - count);
                }
                self.world.returns(caller, done(count));
            }
            (18, _) => {
                let (start, count) = facts.log_read(second, fourth);
                let read = Outcome { result: Ok(count), sender: None, info: start + count };
                self.world.returns(caller, if first == 1 { Some(read) } else { done(0) });
            }
            _ => return Err(format!("{request:?} succeeded without a living target")),
        }
        Ok(())
    }

    fn check_copy(
        &mut self,
        caller: TaskId,
        lender: TaskId,
        request: &Request,
        facts: &Facts,
    ) -> Result<(), String> {
        let [_, _, offset, buffer, length] = request.arguments;
        let lent = self.kernel.machine.peek(lender.index(), facts.lend.address as usize + offset, length);
        let copied = self.kernel.machine.peek(caller.index(), buffer, length);
        self.world.returns(caller, done(length));
        ensure(lent.is_some() && lent == copied, || format!("{request:?} copied something else"))
    }

    fn destroyed(&mut self, caller: TaskId, task: TaskId) -> Result<(), String> {
        let mut remaining = 1;
        if !matches!(self.world.doing(task), Some(Doing::Dying(_))) {
            self.world.begin_destroy(task);
        } else if !self.world.continue_destroy(task, caller) {
            let reclaimed = Event::Reclaimed(task.index(), Reclaim::Done);
            if self.kernel.machine.events.contains(&reclaimed) {
                self.world.bury(task)?;
                remaining = 0;
            }
        }
        self.world.returns(caller, done(remaining));
        Ok(())
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
