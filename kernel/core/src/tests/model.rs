//! A machine made of plain data: memory, message pages, results, timer, IRQs and console are there to look at.
//!
//! It also watches the core: a call that the contract of [`Machine`] forbids is noted in [`Model::violations`].

extern crate std;

use std::boxed::Box;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use abi::{
    Error, Lend, MAX_COPY, MAX_LENDS, MAX_TASKS, MapFlags, PAYLOAD_WORDS, Range, TaskCreate, TaskId,
    TaskIndex,
};

use crate::machine::{CopyFault, Frame, Machine, Reclaim, Request};

pub const PAGE: usize = 4096;
/// Frames below are the kernel's.
pub const FIRST_FREE_FRAME: usize = 0x10_0000;
/// RAM ends here; above are devices.
pub const RAM_END: usize = 0x1000_0000;
/// User memory ends here.
pub const USER_END: usize = 1 << 47;
pub const IRQS: usize = 16;
/// Those from here on are raised by messages.
pub const MESSAGES: usize = 12;

/// What a system call returned, as it stands in the registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub result: Result<usize, Error>,
    pub sender: Option<TaskId>,
    pub info: usize,
}

/// What the core asked of the machine, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Result(TaskIndex, Outcome),
    Repeat(TaskIndex, Request),
    Created(TaskIndex),
    CreateFailed(Error),
    Released(TaskIndex),
    Reclaimed(TaskIndex, Reclaim),
    Mapped(Result<usize, Error>),
}

/// The machine's part of a task.
#[derive(Clone, Default)]
pub struct Place {
    pub payload: [u64; PAYLOAD_WORDS],
    pub lends: [Lend; MAX_LENDS],
    /// Page address → frame and flags.
    pub pages: BTreeMap<usize, (usize, MapFlags)>,
    /// Regions that have a page table: their size as a power of 2, and which.
    pub tables: Vec<(u32, usize)>,
    pub outcome: Option<Outcome>,
    pub repeat: Option<Request>,
    pub frame: Frame,
    pub entry: u64,
    pub ports: Vec<Range>,
    pub own_frames: [u64; 2],
    /// Steps of reclaiming that are left.
    pub steps: usize,
    pub reclaimed: bool,
}

#[derive(Clone)]
pub struct Model {
    pub now: u64,
    pub timer: Option<u64>,
    pub timer_changes: usize,
    pub places: Vec<Option<Box<Place>>>,
    pub irq_enabled: [bool; IRQS],
    pub console: Vec<u8>,
    pub halted: Option<usize>,
    pub memory: BTreeMap<usize, Box<[u8; PAGE]>>,
    pub events: Vec<Event>,
    pub violations: Vec<String>,
}

impl Model {
    pub fn new() -> Self {
        Self {
            now: 1000,
            timer: None,
            timer_changes: 0,
            places: (0..MAX_TASKS).map(|_| None).collect(),
            irq_enabled: [false; IRQS],
            console: vec![],
            halted: None,
            memory: BTreeMap::new(),
            events: vec![],
            violations: vec![],
        }
    }

    fn violation(&mut self, text: String) {
        self.violations.push(text);
    }

    fn check(&mut self, holds: bool, text: &str) {
        if !holds {
            self.violation(text.into());
        }
    }

    /// The machine's part of a task, which must live.
    pub fn place(&mut self, task: TaskIndex) -> &mut Place {
        let place = &mut self.places[task.get()];
        if place.is_none() {
            self.violations.push(format!("the machine was asked about {task:?}, which does not live"));
        }
        place.get_or_insert_default()
    }

    /// The frame and offset of an address, if the task may access it like this.
    fn translate(&mut self, task: TaskIndex, address: usize, write: bool) -> Option<(usize, usize)> {
        let &(frame, flags) = self.place(task).pages.get(&(address & !(PAGE - 1)))?;
        (!write || flags.contains(MapFlags::WRITE)).then_some((frame, address % PAGE))
    }

    fn byte(&mut self, frame: usize, offset: usize) -> &mut u8 {
        &mut self.memory.entry(frame).or_insert_with(|| Box::new([0; PAGE]))[offset]
    }

    /// Reads a task's memory as a test sees it; `None` if it is not all mapped.
    pub fn peek(&mut self, task: TaskIndex, address: usize, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.read((task, address), &mut bytes).ok().map(|()| bytes)
    }

    /// Writes a task's memory, whatever it is mapped for.
    pub fn poke(&mut self, task: TaskIndex, address: usize, bytes: &[u8]) {
        for (offset, &byte) in bytes.iter().enumerate() {
            let (frame, offset) = self.translate(task, address + offset, false).expect("poke: not mapped");
            *self.byte(frame, offset) = byte;
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.console).into_owned()
    }
}

impl Machine for Model {
    const PAGE: usize = PAGE;

    fn now(&mut self) -> u64 {
        self.now
    }

    fn set_timer(&mut self, deadline: Option<u64>) {
        self.timer_changes += 1;
        self.timer = deadline;
    }

    fn create(&mut self, task: TaskIndex, parameters: &TaskCreate) -> Result<(), Error> {
        self.check(self.places[task.get()].is_none(), "created twice");
        let own_frames = [parameters.root, parameters.message];
        let is_ram = |frame: u64| (FIRST_FREE_FRAME as u64..RAM_END as u64).contains(&frame);
        let in_use = |frame: u64| self.places.iter().flatten().any(|place| place.own_frames.contains(&frame));
        let result = if own_frames.iter().any(|&frame| !frame.is_multiple_of(PAGE as u64) || !is_ram(frame))
            || parameters.entry >= USER_END as u64
        {
            Err(Error::InvalidArgument)
        } else if own_frames.iter().any(|&frame| in_use(frame)) || parameters.root == parameters.message {
            Err(Error::PageInUse)
        } else {
            Ok(())
        };
        match result {
            Ok(()) => {
                let steps = task.get() % 3;
                let entry = parameters.entry;
                self.places[task.get()] =
                    Some(Box::new(Place { own_frames, steps, entry, ..Place::default() }));
                self.events.push(Event::Created(task));
            }
            Err(error) => self.events.push(Event::CreateFailed(error)),
        }
        result
    }

    fn reclaim(&mut self, task: TaskIndex) -> Reclaim {
        let place = self.place(task);
        let step = match place.steps {
            0 => Reclaim::Done,
            _ => Reclaim::More,
        };
        place.steps = place.steps.saturating_sub(1);
        place.reclaimed = step == Reclaim::Done;
        place.pages.clear();
        self.events.push(Event::Reclaimed(task, step));
        step
    }

    fn release(&mut self, task: TaskIndex) {
        let reclaimed = self.place(task).reclaimed;
        self.check(reclaimed, "released before it was reclaimed");
        self.places[task.get()] = None;
        self.events.push(Event::Released(task));
    }

    fn set_result(&mut self, task: TaskIndex, result: isize, sender: Option<TaskId>, info: usize) {
        let outcome = Outcome { result: Error::decode(result), sender, info };
        self.place(task).outcome = Some(outcome);
        self.events.push(Event::Result(task, outcome));
    }

    fn repeat_syscall(&mut self, task: TaskIndex, request: &Request) {
        self.place(task).repeat = Some(*request);
        self.events.push(Event::Repeat(task, *request));
    }

    fn frame(&mut self, task: TaskIndex) -> Frame {
        self.place(task).frame
    }

    fn copy_message(&mut self, from: TaskIndex, to: TaskIndex, words: usize) {
        self.check(from != to && words <= PAYLOAD_WORDS, "copy_message out of range");
        let payload = self.place(from).payload;
        self.place(to).payload[..words].copy_from_slice(&payload[..words]);
    }

    fn write_message(&mut self, to: TaskIndex, payload: &[u64]) {
        self.check(payload.len() <= PAYLOAD_WORDS, "write_message out of range");
        self.place(to).payload[..payload.len()].copy_from_slice(payload);
    }

    fn lend(&mut self, task: TaskIndex, index: usize) -> Lend {
        self.check(index < MAX_LENDS, "lend out of range");
        self.place(task).lends[index]
    }

    fn copy(
        &mut self,
        from: (TaskIndex, usize),
        to: (TaskIndex, usize),
        length: usize,
    ) -> Result<(), CopyFault> {
        self.check(length <= MAX_COPY, "copy out of range");
        for offset in 0..length {
            let (source, destination) = (from.1.wrapping_add(offset), to.1.wrapping_add(offset));
            let (frame, place) = self
                .translate(from.0, source, false)
                .ok_or(CopyFault { in_source: true, address: source })?;
            let byte = *self.byte(frame, place);
            let (frame, place) = self
                .translate(to.0, destination, true)
                .ok_or(CopyFault { in_source: false, address: destination })?;
            *self.byte(frame, place) = byte;
        }
        Ok(())
    }

    fn read(&mut self, from: (TaskIndex, usize), to: &mut [u8]) -> Result<(), usize> {
        for (offset, byte) in to.iter_mut().enumerate() {
            let address = from.1.wrapping_add(offset);
            let (frame, offset) = self.translate(from.0, address, false).ok_or(address)?;
            *byte = *self.byte(frame, offset);
        }
        Ok(())
    }

    fn write(&mut self, from: &[u8], to: (TaskIndex, usize)) -> Result<(), usize> {
        for (offset, &byte) in from.iter().enumerate() {
            let address = to.1.wrapping_add(offset);
            let (frame, offset) = self.translate(to.0, address, true).ok_or(address)?;
            *self.byte(frame, offset) = byte;
        }
        Ok(())
    }

    fn map(
        &mut self,
        task: TaskIndex,
        address: usize,
        frame: usize,
        flags: MapFlags,
        table: usize,
        mmio: &[Range],
    ) -> Result<usize, Error> {
        let result = self.map_page(task, address, frame, flags, table, mmio);
        self.events.push(Event::Mapped(result));
        result
    }

    fn unmap(&mut self, task: TaskIndex, address: usize) -> Result<usize, Error> {
        let result = match self.place(task).pages.remove(&address) {
            Some((frame, _)) => Ok(frame),
            None if !address.is_multiple_of(PAGE) => Err(Error::InvalidArgument),
            None => Err(Error::NotFound),
        };
        self.events.push(Event::Mapped(result));
        result
    }

    fn allow_ports(&mut self, task: TaskIndex, ports: &[Range]) {
        self.place(task).ports = ports.to_vec();
    }

    fn memory_use(&mut self) -> crate::MemoryUse {
        crate::MemoryUse { kernel: 1, tables: 2, mapped: 3, unmapped: 4 }
    }

    fn has_irq(&self, irq: usize) -> bool {
        irq < IRQS
    }

    fn message(&self, irq: usize) -> Option<(u32, u32)> {
        (MESSAGES..IRQS).contains(&irq).then_some((0xfee0_0000, irq as u32))
    }

    fn set_irq_enabled(&mut self, irq: usize, enabled: bool) {
        match self.irq_enabled.get_mut(irq) {
            Some(place) => *place = enabled,
            None => self.violation(format!("there is no irq {irq}")),
        }
    }

    fn put(&mut self, byte: u8) {
        self.console.push(byte);
    }

    fn halt(&mut self, status: usize) {
        self.halted = Some(status);
    }
}

impl Model {
    fn map_page(
        &mut self,
        task: TaskIndex,
        address: usize,
        frame: usize,
        flags: MapFlags,
        table: usize,
        mmio: &[Range],
    ) -> Result<usize, Error> {
        if !address.is_multiple_of(PAGE) || !frame.is_multiple_of(PAGE) || address >= USER_END {
            return Err(Error::InvalidArgument);
        }
        let is_device = mmio.iter().any(|range| range.covers(frame as u64, frame as u64 + PAGE as u64));
        if frame >= RAM_END && !is_device {
            return Err(Error::NotPermitted);
        }
        if frame < FIRST_FREE_FRAME {
            return Err(Error::PageInUse);
        }
        let place = self.place(task);
        if place.pages.contains_key(&address) {
            return Err(Error::AlreadyExists);
        }
        // Far addresses need a table of a second level, so that one call may not be enough.
        let levels: &[u32] = if address >> 39 == 0 { &[21] } else { &[39, 21] };
        let tables = levels.iter().map(|&shift| (shift, address >> shift));
        let missing: Vec<_> = tables.filter(|table| !place.tables.contains(table)).collect();
        if !missing.is_empty() && table == 0 {
            return Err(Error::NeedsTable);
        }
        place.tables.extend(missing.first());
        if missing.len() > 1 {
            return Ok(2);
        }
        place.pages.insert(address, (frame, flags));
        Ok(1 | missing.len() << 1)
    }
}
