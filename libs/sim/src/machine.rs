//! The simulated machine under the real kernel core: memory, registers of tasks, time, console, devices.
//!
//! What crosses it is what the trace is made of: every message that the core delivers comes through
//! [`Machine::set_result`].

use crate::hardware::{Access, Devices, IRQS, MESSAGES};
use crate::memory::{Buffer, PAGE, Place as Target, Ram, Space};
use crate::trace::Trace;
use abi::{
    Error, FIRST_MESSAGE_IRQ, Lend, MAX_LENDS, MAX_TASKS, MapFlags, PAYLOAD_WORDS, Range, TaskCreate, TaskId,
    TaskIndex,
};
use kernel_core::{CopyFault, Frame, Machine, MemoryUse, Reclaim, Request};
use std::collections::BTreeSet;

/// What a system call returned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<usize, Error>,
    pub(crate) sender: Option<TaskId>,
    pub(crate) info: usize,
}

/// The machine's part of a task.
pub(crate) struct Place {
    /// Where its program starts.
    pub(crate) entry: u64,
    /// How many tasks were made before.
    pub(crate) order: u64,
    root: usize,
    message: usize,
    pub(crate) space: Space,
    /// The I/O ports that it may use.
    ports: Vec<Range>,
    /// The lends of the call that it makes, with addresses in the space's buffers.
    pub(crate) lends: [Lend; MAX_LENDS],
    /// The system call that it is in, or was in last.
    pub(crate) request: Request,
    pub(crate) outcome: Option<Outcome>,
    /// A system call to make again, once its memory is there.
    pub(crate) repeat: Option<Request>,
}

/// The machine.
pub(crate) struct Simulated {
    pub(crate) now: u64,
    pub(crate) timer: Option<u64>,
    pub(crate) ram: Ram,
    pub(crate) places: Vec<Option<Place>>,
    /// The places that are taken: few of many.
    pub(crate) living: BTreeSet<TaskIndex>,
    /// How many tasks were made so far.
    created: u64,
    /// Tasks that were made, since this was last emptied.
    pub(crate) made: Vec<TaskIndex>,
    /// Tasks of which nothing is left, since this was last emptied.
    pub(crate) released: Vec<TaskIndex>,
    pub(crate) devices: Devices,
    pub(crate) console: Vec<u8>,
    pub(crate) halted: Option<usize>,
    pub(crate) trace: Trace,
    /// The task that the kernel itself has just written a message to.
    kernel_message: Option<TaskIndex>,
}

impl Simulated {
    pub(crate) fn new(ram: Ram, devices: Devices) -> Self {
        Self {
            now: 0,
            timer: None,
            ram,
            places: (0..MAX_TASKS).map(|_| None).collect(),
            living: BTreeSet::new(),
            created: 0,
            made: Vec::new(),
            released: Vec::new(),
            devices,
            console: Vec::new(),
            halted: None,
            trace: Trace::default(),
            kernel_message: None,
        }
    }

    pub(crate) fn place(&mut self, task: TaskIndex) -> &mut Place {
        match self.places.get_mut(task.get()).and_then(Option::as_mut) {
            Some(place) => place,
            None => unreachable!("the core asks only about tasks that live"),
        }
    }

    /// A task's message page.
    pub(crate) fn message_page(&mut self, task: TaskIndex) -> &mut [u8] {
        let message = self.place(task).message;
        match self.ram.at(message, PAGE) {
            Some(page) => page,
            None => unreachable!("`create` has checked that the message page is RAM"),
        }
    }

    /// The payload in a task's message page.
    pub(crate) fn payload(&mut self, task: TaskIndex) -> [u64; PAYLOAD_WORDS] {
        let mut words = [0; PAYLOAD_WORDS];
        for (word, bytes) in words.iter_mut().zip(self.message_page(task).as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        words
    }

    /// Writes words of payload to a task's message page.
    pub(crate) fn set_payload(&mut self, task: TaskIndex, words: &[u64]) {
        for (bytes, word) in self.message_page(task).chunks_exact_mut(8).zip(words.iter().take(PAYLOAD_WORDS))
        {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Reads a task's memory; the fault holds the address.
    pub(crate) fn read_memory(
        &mut self,
        task: TaskIndex,
        address: usize,
        to: &mut [u8],
    ) -> Result<(), usize> {
        let mut done = 0;
        while done < to.len() {
            let at = address.wrapping_add(done);
            let (target, room) = self.place(task).space.translate(at, false).ok_or(at)?;
            let length = room.min(to.len() - done);
            let piece = &mut to[done..done + length];
            match target {
                Target::Physical(physical) => self.read_physical(physical, piece),
                Target::Buffer(buffer, offset) => {
                    piece.copy_from_slice(
                        &self.place(task).space.buffers[buffer].bytes[offset..offset + length],
                    );
                }
            }
            done += length;
        }
        Ok(())
    }

    /// Writes a task's memory; the fault holds the address.
    pub(crate) fn write_memory(&mut self, task: TaskIndex, address: usize, from: &[u8]) -> Result<(), usize> {
        let mut done = 0;
        while done < from.len() {
            let at = address.wrapping_add(done);
            let (target, room) = self.place(task).space.translate(at, true).ok_or(at)?;
            let length = room.min(from.len() - done);
            let piece = &from[done..done + length];
            match target {
                Target::Physical(physical) => self.write_physical(physical, piece),
                Target::Buffer(buffer, offset) => {
                    self.place(task).space.buffers[buffer].bytes[offset..offset + length]
                        .copy_from_slice(piece);
                }
            }
            done += length;
        }
        Ok(())
    }

    fn read_physical(&mut self, address: usize, to: &mut [u8]) {
        match self.ram.at(address, to.len()) {
            Some(bytes) => to.copy_from_slice(bytes),
            None => self.devices.access_memory(&mut self.ram, self.now, address, Access::Read(to)),
        }
    }

    fn write_physical(&mut self, address: usize, from: &[u8]) {
        match self.ram.at(address, from.len()) {
            Some(bytes) => bytes.copy_from_slice(from),
            None => self.devices.access_memory(&mut self.ram, self.now, address, Access::Write(from)),
        }
    }

    /// Accesses I/O ports, as many as the access has bytes; the error: the task has not the right to all of them.
    pub(crate) fn access_ports(&mut self, task: TaskIndex, port: u16, access: Access<'_>) -> Result<(), ()> {
        let first = u64::from(port);
        let end = first + access.len() as u64;
        if !self.place(task).ports.iter().any(|range| range.covers(first, end)) {
            return Err(());
        }
        self.devices.access_ports(&mut self.ram, self.now, port.into(), access);
        Ok(())
    }

    /// Lets the devices do what they do by themselves until now.
    pub(crate) fn events(&mut self) {
        self.devices.events(&mut self.ram, self.now);
    }
}

impl Machine for Simulated {
    const PAGE: usize = PAGE;

    fn now(&mut self) -> u64 {
        self.now
    }

    fn set_timer(&mut self, deadline: Option<u64>) {
        self.timer = deadline;
    }

    fn create(&mut self, task: TaskIndex, parameters: &TaskCreate) -> Result<(), Error> {
        let (root, message) = (parameters.root as usize, parameters.message as usize);
        self.ram.reserve(root)?;
        if let Err(error) = self.ram.add_mapping(message) {
            self.ram.unreserve(root);
            return Err(error);
        }
        self.created += 1;
        self.made.push(task);
        self.living.insert(task);
        self.places[task.get()] = Some(Place {
            entry: parameters.entry,
            order: self.created,
            root,
            message,
            space: Space::default(),
            ports: Vec::new(),
            lends: [Lend::default(); MAX_LENDS],
            request: Request::default(),
            outcome: None,
            repeat: None,
        });
        Ok(())
    }

    fn reclaim(&mut self, task: TaskIndex) -> Reclaim {
        if let Some(place) = self.places.get_mut(task.get()).and_then(Option::as_mut) {
            place.space.reclaim(&mut self.ram);
            self.ram.unreserve(place.root);
            self.ram.remove_mapping(place.message);
        }
        Reclaim::Done
    }

    fn release(&mut self, task: TaskIndex) {
        self.places[task.get()] = None;
        self.living.remove(&task);
        self.released.push(task);
    }

    fn set_result(&mut self, task: TaskIndex, result: isize, sender: Option<TaskId>, info: usize) {
        let outcome = Outcome { result: Error::decode(result), sender, info };
        self.place(task).outcome = Some(outcome);
        let from_kernel = self.kernel_message.take() == Some(task);
        let payload = self.payload(task);
        if let Some(place) = self.places.get(task.get()).and_then(Option::as_ref) {
            self.trace.returned(self.now, task, place, from_kernel, &outcome, &payload);
        }
    }

    fn repeat_syscall(&mut self, task: TaskIndex, request: &Request) {
        self.place(task).repeat = Some(*request);
    }

    fn frame(&mut self, _task: TaskIndex) -> Frame {
        // A host thread's registers would be different in each run, and mean nothing here.
        Frame::default()
    }

    fn copy_message(&mut self, from: TaskIndex, to: TaskIndex, words: usize) {
        let payload = self.payload(from);
        self.set_payload(to, payload.get(..words).unwrap_or(&payload));
    }

    fn write_message(&mut self, to: TaskIndex, payload: &[u64]) {
        self.set_payload(to, payload);
        self.kernel_message = Some(to);
    }

    fn lend(&mut self, task: TaskIndex, index: usize) -> Lend {
        self.place(task).lends.get(index).copied().unwrap_or_default()
    }

    fn copy(
        &mut self,
        from: (TaskIndex, usize),
        to: (TaskIndex, usize),
        length: usize,
    ) -> Result<(), CopyFault> {
        let mut bytes = vec![0; length];
        self.read_memory(from.0, from.1, &mut bytes)
            .map_err(|address| CopyFault { in_source: true, address })?;
        self.write_memory(to.0, to.1, &bytes).map_err(|address| CopyFault { in_source: false, address })
    }

    fn read(&mut self, from: (TaskIndex, usize), to: &mut [u8]) -> Result<(), usize> {
        self.read_memory(from.0, from.1, to)
    }

    fn write(&mut self, from: &[u8], to: (TaskIndex, usize)) -> Result<(), usize> {
        self.write_memory(to.0, to.1, from)
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
        match self.places.get_mut(task.get()).and_then(Option::as_mut) {
            Some(place) => place.space.map(&mut self.ram, address, frame, flags, table, mmio),
            None => Err(Error::NoTask),
        }
    }

    fn unmap(&mut self, task: TaskIndex, address: usize) -> Result<usize, Error> {
        match self.places.get_mut(task.get()).and_then(Option::as_mut) {
            Some(place) => place.space.unmap(&mut self.ram, address),
            None => Err(Error::NoTask),
        }
    }

    fn allow_ports(&mut self, task: TaskIndex, ports: &[Range]) {
        self.place(task).ports = ports.to_vec();
    }

    fn memory_use(&mut self) -> MemoryUse {
        let [reserved, mapped, unmapped] = self.ram.count();
        MemoryUse { kernel: reserved, tables: 0, mapped, unmapped }
    }

    fn has_irq(&self, irq: usize) -> bool {
        irq < IRQS
    }

    fn message(&self, irq: usize) -> Option<(u32, u32)> {
        (FIRST_MESSAGE_IRQ..IRQS).contains(&irq).then_some((MESSAGES, irq as u32))
    }

    fn set_irq_enabled(&mut self, irq: usize, enabled: bool) {
        if let Some(line) = self.devices.irq_enabled.get_mut(irq) {
            *line = enabled;
        }
    }

    fn put(&mut self, byte: u8) {
        self.console.push(byte);
    }

    fn halt(&mut self, status: usize) {
        self.halted = Some(status);
    }
}

/// Where the memory that a task passes in a system call appears in its address space.
const ARGUMENT: usize = 0x7100_0000_0000;
/// Where its lends appear, one after the other.
const LENDS: usize = 0x7200_0000_0000;
/// How far lends lie apart: what a lend claims beyond its end is not mapped.
const LEND_SPAN: usize = 1 << 36;

impl Place {
    /// Makes host memory appear in the address space for the system call that follows.
    pub(crate) fn pass(&mut self, bytes: Vec<u8>, writable: bool) -> usize {
        self.space.buffers.push(Buffer { address: ARGUMENT, bytes, writable });
        ARGUMENT
    }

    /// As [`Place::pass`], for lend `index`, of which the message claims a length of `claimed` bytes.
    pub(crate) fn lend_buffer(&mut self, index: usize, bytes: Vec<u8>, claimed: usize, writable: bool) {
        let address = LENDS + index * LEND_SPAN;
        if let Some(lend) = self.lends.get_mut(index) {
            *lend = Lend { address: address as u64, length: claimed as u64 };
            self.space.buffers.push(Buffer { address, bytes, writable });
        }
    }
}
