//! The system calls of a task's thread: arguments into registers, memory into the task's address space, and back.

use crate::hardware;
use crate::machine::{Outcome, Simulated};
use crate::memory::PAGE;
use crate::task::Task;
use crate::world::World;
use abi::{
    Access, COUNTED_TASKS, ConsoleOperation, Error, Exception, InspectOperation, IrqOperation, LendSelector,
    MapFlags, MessageInfo, Received, SendFlags, Syscall, TaskCreate, TaskId, TaskIndex, TaskInfo,
};
use ipc::Schedule;
use ipc::host::{Backend, Lent};
use kernel_core::{Fault, Request};

/// A system call: its registers and what it takes besides.
pub(crate) struct Call<'a> {
    pub(crate) number: Syscall,
    pub(crate) arguments: [usize; 5],
    /// Words of payload that are sent.
    pub(crate) sends: usize,
    /// Memory whose address becomes the argument with this number.
    pub(crate) memory: Option<(usize, Memory<'a>)>,
    /// Memory lent: content, claimed length, whether it may be written to.
    pub(crate) lends: Vec<(Vec<u8>, usize, bool)>,
}

impl Call<'_> {
    /// A call of registers only.
    pub(crate) fn new(number: Syscall, arguments: [usize; 5]) -> Self {
        Self { number, arguments, sends: 0, memory: None, lends: Vec::new() }
    }
}

/// Memory that a system call reads or fills.
pub(crate) enum Memory<'a> {
    Read(&'a [u8]),
    Fill(&'a mut [u8]),
}

impl Task {
    /// Makes a system call. Afterwards the thread's message page has what arrived, and the second value is what the
    /// lends hold. Of a task that is ending, all calls fail with `Aborted`.
    pub(crate) fn system_call(&self, call: Call<'_>) -> (Outcome, Vec<Vec<u8>>) {
        if self.is_ending() {
            return (Outcome { result: Err(Error::Aborted), sender: None, info: 0 }, Vec::new());
        }
        let Call { number, mut arguments, sends, memory, lends } = call;
        let task = self.thread.id.index();
        let payload = ipc::host::payload();
        let (passed, mut filled) = match memory {
            Some((argument, Memory::Read(bytes))) => (Some((argument, bytes.to_vec(), false)), None),
            Some((argument, Memory::Fill(bytes))) => (Some((argument, bytes.to_vec(), true)), Some(bytes)),
            None => (None, None),
        };
        let mut world = self.step(|world, task| {
            let machine = &mut world.kernel.machine;
            machine.set_payload(task, payload.get(..sends).unwrap_or(&payload));
            let place = machine.place(task);
            for (index, (bytes, claimed, writable)) in lends.into_iter().enumerate() {
                place.lend_buffer(index, bytes, claimed, writable);
            }
            if let Some((argument, bytes, writable)) = passed {
                arguments[argument] = place.pass(bytes, writable);
            }
            enter(world, task, Request { number: number as usize, arguments });
        });
        let machine = &mut world.kernel.machine;
        let buffers: Vec<_> =
            machine.place(task).space.buffers.drain(..).map(|buffer| buffer.bytes).collect();
        if let (Some(memory), Some(bytes)) = (&mut filled, buffers.first()) {
            memory.copy_from_slice(bytes);
        }
        let outcome = outcome(machine, task);
        (outcome, buffers)
    }

    fn value(&self, number: Syscall, arguments: [usize; 5]) -> Result<usize, Error> {
        self.system_call(Call::new(number, arguments)).0.result
    }

    /// A call that reads or fills memory, given by its address in argument `argument`.
    fn with_memory(
        &self,
        number: Syscall,
        arguments: [usize; 5],
        argument: usize,
        memory: Memory<'_>,
    ) -> Result<Outcome, Error> {
        let call = Call { memory: Some((argument, memory)), ..Call::new(number, arguments) };
        let (outcome, _) = self.system_call(call);
        outcome.result.map(|_| outcome)
    }

    /// A call that sends or receives messages.
    fn exchange(&self, number: Syscall, arguments: [usize; 5], sends: usize) -> Result<Outcome, Error> {
        let (outcome, _) = self.system_call(Call { sends, ..Call::new(number, arguments) });
        outcome.result.map(|_| outcome)
    }

    /// Accesses foreign memory; while it is not there, the task's pager is asked.
    fn access(
        &self,
        address: usize,
        access: Access,
        mut attempt: impl FnMut(&mut Simulated, TaskIndex) -> Result<(), usize>,
    ) {
        if self.is_ending() {
            return;
        }
        let task = self.thread.id.index();
        let mut result = attempt(&mut self.shared.lock().kernel.machine, task);
        while let Err(fault) = result {
            let mut world = self.step(|world, _| {
                world.kernel.fault(Fault::Page { address: fault.max(address), access });
            });
            result = attempt(&mut world.kernel.machine, task);
        }
    }

    /// Accesses I/O ports; without the right to them the task faults, which only a pager could mend.
    fn access_ports(&self, mut attempt: impl FnMut(&mut Simulated, TaskIndex) -> Result<(), ()>) {
        if self.is_ending() {
            return;
        }
        let task = self.thread.id.index();
        let mut result = attempt(&mut self.shared.lock().kernel.machine, task);
        while result.is_err() {
            let mut world = self.step(|world, _| {
                world.kernel.fault(Fault::Exception { exception: Exception::Protection, detail: 0 });
            });
            result = attempt(&mut world.kernel.machine, task);
        }
    }
}

/// Enters the kernel with a system call; the trace sees what it sends.
fn enter(world: &mut World, task: TaskIndex, request: Request) {
    let machine = &mut world.kernel.machine;
    machine.place(task).request = request;
    let payload = machine.payload(task);
    let id = world.kernel.task(task).id;
    let machine = &mut world.kernel.machine;
    if let (Some(id), Some(place)) = (id, machine.places.get(task.get()).and_then(Option::as_ref)) {
        machine.trace.called(machine.now, id, place, &payload);
    }
    world.kernel.syscall(&request);
}

/// What the system call that a task has returned from gave it, with the message in the thread's page.
fn outcome(machine: &mut Simulated, task: TaskIndex) -> Outcome {
    let Some(outcome) = machine.place(task).outcome.take() else {
        unreachable!("a task goes on only after the kernel has set its result")
    };
    if outcome.info != 0 {
        ipc::host::set_payload(&machine.payload(task));
    }
    outcome
}

fn info(raw: usize) -> MessageInfo {
    match MessageInfo::from_raw(raw) {
        Some(info) => info,
        None => unreachable!("the kernel gives valid info words"),
    }
}

fn received(outcome: Outcome) -> Received {
    Received { sender: outcome.sender, info: info(outcome.info) }
}

impl Backend for Task {
    fn own_id(&self) -> TaskId {
        self.thread.id
    }

    fn send(&self, to: TaskId, info: MessageInfo, flags: SendFlags) -> Result<(), Error> {
        self.exchange(Syscall::Send, [to.raw(), info.raw(), flags.0, 0, 0], info.words()).map(drop)
    }

    fn receive(&self, from: Option<TaskId>) -> Result<Received, Error> {
        self.exchange(Syscall::Receive, [from.map_or(0, TaskId::raw), 0, 0, 0, 0], 0).map(received)
    }

    fn call(&self, to: TaskId, message: MessageInfo, lends: &mut [Lent<'_>]) -> Result<MessageInfo, Error> {
        let copies = lends.iter().map(|lent| {
            let bytes = lent.bytes().to_vec();
            let length = bytes.len();
            (bytes, length, matches!(lent, Lent::Writable(_)))
        });
        let (outcome, after) = self.system_call(Call {
            sends: message.words(),
            lends: copies.collect(),
            ..Call::new(Syscall::Call, [to.raw(), message.raw(), 0, 0, 0])
        });
        for (lent, bytes) in lends.iter_mut().zip(&after) {
            if let Lent::Writable(memory) = lent {
                memory.copy_from_slice(bytes);
            }
        }
        outcome.result.map(|_| info(outcome.info))
    }

    fn reply(&self, to: TaskId, info: MessageInfo) -> Result<(), Error> {
        self.exchange(Syscall::Reply, [to.raw(), info.raw(), 0, 0, 0], info.words()).map(drop)
    }

    fn reply_receive(&self, to: TaskId, info: MessageInfo) -> Result<Received, Error> {
        self.exchange(Syscall::ReplyReceive, [to.raw(), info.raw(), 0, 0, 0], info.words()).map(received)
    }

    fn notify(&self, to: TaskId, bits: usize) -> Result<(), Error> {
        self.value(Syscall::Notify, [to.raw(), bits, 0, 0, 0]).map(drop)
    }

    fn lend_read(
        &self,
        lender: TaskId,
        selector: LendSelector,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let arguments = [lender.raw(), selector.raw(), offset, 0, buffer.len()];
        self.with_memory(Syscall::LendCopy, arguments, 3, Memory::Fill(buffer)).map(drop)
    }

    fn lend_write(
        &self,
        lender: TaskId,
        selector: LendSelector,
        offset: usize,
        data: &[u8],
    ) -> Result<(), Error> {
        let arguments = [lender.raw(), selector.raw(), offset, 0, data.len()];
        self.with_memory(Syscall::LendCopy, arguments, 3, Memory::Read(data)).map(drop)
    }

    fn timer(&self, nanoseconds: u64) {
        // It has no errors.
        let _ = self.value(Syscall::Timer, [nanoseconds as usize, 0, 0, 0, 0]);
    }

    fn clock(&self) -> u64 {
        self.value(Syscall::Clock, [0; 5]).unwrap_or(0) as u64
    }

    fn task_create(&self, parameters: &TaskCreate) -> Result<TaskId, Error> {
        let bytes: Vec<u8> = parameters.encode().iter().flat_map(|word| word.to_le_bytes()).collect();
        let outcome = self.with_memory(Syscall::TaskCreate, [0; 5], 0, Memory::Read(&bytes))?;
        TaskId::from_raw(outcome.result?).ok_or(Error::Unknown)
    }

    fn task_destroy(&self, task: TaskId) -> Result<bool, Error> {
        self.value(Syscall::TaskDestroy, [task.raw(), 0, 0, 0, 0]).map(|remaining| remaining != 0)
    }

    fn schedule(&self, task: TaskId, schedule: &Schedule) -> Result<(), Error> {
        let Schedule { priority, quantum, policy, affinity } = *schedule;
        self.value(Syscall::Schedule, [task.raw(), priority, quantum, policy as usize, affinity.0]).map(drop)
    }

    fn map(
        &self,
        task: TaskId,
        address: usize,
        frame: usize,
        flags: MapFlags,
        table: usize,
    ) -> Result<usize, Error> {
        self.value(Syscall::Map, [task.raw(), address, frame, flags.0, table])
    }

    fn unmap(&self, task: TaskId, address: usize) -> Result<usize, Error> {
        self.value(Syscall::Unmap, [task.raw(), address, 0, 0, 0])
    }

    fn irq(&self, operation: IrqOperation, irq: usize, bits: usize) -> Result<(), Error> {
        self.value(Syscall::Irq, [operation as usize, irq, bits, 0, 0]).map(drop)
    }

    fn irq_message(&self, irq: usize) -> Result<usize, Error> {
        self.value(Syscall::Irq, [IrqOperation::Message as usize, irq, 0, 0, 0])
    }

    fn console_write(&self, text: &[u8]) -> Result<usize, Error> {
        let arguments = [ConsoleOperation::Write as usize, 0, text.len(), 0, 0];
        self.with_memory(Syscall::Console, arguments, 1, Memory::Read(text))?.result
    }

    fn console_read(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        let arguments = [ConsoleOperation::Read as usize, 0, buffer.len(), 0, 0];
        self.with_memory(Syscall::Console, arguments, 1, Memory::Fill(buffer))?.result
    }

    fn inspect_task(&self, index: usize) -> Result<TaskInfo, Error> {
        let mut bytes = [0; TaskInfo::WORDS * 8];
        let arguments = [InspectOperation::Task as usize, index, 0, bytes.len(), 0];
        self.with_memory(Syscall::Inspect, arguments, 2, Memory::Fill(&mut bytes))?;
        let mut words = [0; TaskInfo::WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        TaskInfo::decode(&words)
    }

    fn inspect_log(&self, position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error> {
        let arguments = [InspectOperation::Log as usize, position, 0, buffer.len(), 0];
        let outcome = self.with_memory(Syscall::Inspect, arguments, 2, Memory::Fill(buffer))?;
        Ok((outcome.result?, outcome.info))
    }

    fn inspect_messages(&self, receiver: usize, counts: &mut [u32; COUNTED_TASKS]) -> Result<(), Error> {
        let mut bytes = [0; COUNTED_TASKS * 4];
        let arguments = [InspectOperation::Messages as usize, receiver, 0, bytes.len(), 0];
        self.with_memory(Syscall::Inspect, arguments, 2, Memory::Fill(&mut bytes))?.result?;
        for (count, bytes) in counts.iter_mut().zip(bytes.as_chunks().0) {
            *count = u32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn halt(&self, status: usize) -> Error {
        self.value(Syscall::Inspect, [InspectOperation::Halt as usize, status, 0, 0, 0])
            .err()
            .unwrap_or(Error::Unknown)
    }

    fn region_read(&self, address: usize, buffer: &mut [u8]) -> bool {
        for (number, piece) in buffer.chunks_mut(PAGE).enumerate() {
            let at = address + number * PAGE;
            self.access(at, Access::READ, |machine, task| machine.read_memory(task, at, piece));
        }
        true
    }

    fn region_write(&self, address: usize, data: &[u8]) -> bool {
        for (number, piece) in data.chunks(PAGE).enumerate() {
            let at = address + number * PAGE;
            self.access(at, Access::WRITE, |machine, task| machine.write_memory(task, at, piece));
        }
        true
    }

    fn port_read(&self, port: u16, width: usize) -> u32 {
        let mut bytes = [0xff; 4];
        let buffer = &mut bytes[..width];
        self.access_ports(|machine, task| machine.access_ports(task, port, hardware::Access::Read(buffer)));
        u32::from_le_bytes(bytes)
    }

    fn port_write(&self, port: u16, width: usize, value: u32) {
        let bytes = value.to_le_bytes();
        let data = &bytes[..width];
        self.access_ports(|machine, task| machine.access_ports(task, port, hardware::Access::Write(data)));
    }

    fn boot_image(&self) -> &'static [u8] {
        self.shared.lock().boot_image
    }

    fn exit(&self, status: i32, panicked: bool) -> ! {
        if !self.is_ending() {
            let mut world = self.shared.lock();
            let task = self.thread.id.index();
            let is_current = world.over.is_none() && world.kernel.current() == Some(task);
            if is_current && !world.crashes_before_call(&self.thread.name) {
                let arguments = [status as usize, panicked as usize, 0, 0, 0];
                enter(&mut world, task, Request { number: Syscall::Exit as usize, arguments });
            }
        }
        self.unwind()
    }
}
