//! The x86_64 machine as the core sees it: [`Machine`] for one CPU.
//!
//! Its part of each task is [`Part`]. The core calls in with a task's index; registers are set in the task's context,
//! and `entry.s` loads them when [`X64::resume`] has said whose they are.

use abi::{Error, Lend, MAX_TASKS, MapFlags, Range, TaskCreate, TaskId, TaskIndex};
use core::ops::{Index, IndexMut};
use kernel_core::{CopyFault, Frame, Machine, MemoryUse, Reclaim, Request};

use crate::apic::LocalApic;
use crate::clock::Scale;
use crate::context::{Context, kind};
use crate::cpu;
use crate::descriptors::{FIRST_IRQ, NO_PORTS};
use crate::fpu::Fpu;
use crate::frames::{Frames, Use};
use crate::io_apic::Irqs;
use crate::memory::Physical;
use crate::paging::{self, Limits, MAX_RESERVED, Memory, USER_END};
use crate::per_cpu::{IDLE, TSS};
use crate::ports::Ports;
use crate::regions::PAGE;
use crate::{exit, serial, user_memory};

/// The machine's part of a task.
#[derive(Clone, Copy)]
#[repr(C, align(256))]
pub struct Part {
    /// Its registers.
    pub context: Context,
    /// What to load into CR3: the root, the process-context identifier, and whether cached translations are kept.
    address_space: u64,
    /// Physical address of the top-level page table; 0: the place is free.
    pub root: u64,
    /// The kernel's address of the message page.
    message: u64,
    /// Up to where [`Machine::reclaim`] has come.
    cursor: u64,
    /// Whether it has used instructions that need [`crate::cpu::control::FSGSBASE`]; then its bases are here while it does not run.
    pub bases: Option<[u64; 2]>,
}

const _: () = assert!(size_of::<Part>() == 256, "a power of two is a shift when the table is indexed");

/// All tasks' parts, by index. An index is always inside of the table.
pub struct Parts([Part; MAX_TASKS]);

impl Index<TaskIndex> for Parts {
    type Output = Part;
    #[inline]
    fn index(&self, task: TaskIndex) -> &Part {
        &self.0[task.get() & (MAX_TASKS - 1)]
    }
}

impl IndexMut<TaskIndex> for Parts {
    #[inline]
    fn index_mut(&mut self, task: TaskIndex) -> &mut Part {
        &mut self.0[task.get() & (MAX_TASKS - 1)]
    }
}

/// One CPU with what belongs to it.
pub struct X64 {
    /// The tasks.
    pub parts: Parts,
    /// The context of the task whose address space is loaded; null: one without tasks.
    loaded: *mut Context,
    /// Whose registers are in the FPU.
    pub fpu: Fpu,
    /// Whose I/O ports are in the bitmap.
    pub ports: Ports,
    /// The console's output.
    output: serial::Output,
    /// What devices may interrupt.
    pub irqs: Irqs,
    /// This CPU's interrupt controller and timer.
    pub apic: LocalApic,
    /// All page frames.
    pub frames: Frames<'static>,
    /// What the CPU and the machine add to the rules of mapping.
    pub limits: Limits,
    /// The physical address of the top-level table without tasks.
    pub kernel_root: u64,
    /// The bit that keeps cached translations when CR3 is loaded; 0 without process-context identifiers.
    pub no_flush: u64,
    /// Whether the CPU has [`crate::cpu::control::FSGSBASE`].
    pub has_bases: bool,
    /// The task whose bases are loaded, for which it is on.
    pub bases_owner: Option<TaskIndex>,
    /// The time-stamp counter when the machine started.
    pub first_timestamp: u64,
    /// From its ticks to nanoseconds.
    pub to_nanoseconds: Scale,
}

impl X64 {
    /// Before boot code has set it up.
    pub const NEW: Self = Self {
        parts: Parts(
            [const {
                Part {
                    context: Context::EMPTY,
                    address_space: 0,
                    root: 0,
                    message: 0,
                    cursor: 0,
                    bases: None,
                }
            }; MAX_TASKS],
        ),
        loaded: core::ptr::null_mut(),
        fpu: Fpu::NEW,
        ports: Ports::NEW,
        output: serial::Output::NEW,
        irqs: Irqs::NEW,
        apic: LocalApic::NEW,
        frames: Frames::new(&[]),
        limits: Limits {
            no_execute: 0,
            physical_end: 0,
            reserved: [Range { start: 0, end: 0 }; MAX_RESERVED],
        },
        kernel_root: 0,
        no_flush: 0,
        has_bases: false,
        bases_owner: None,
        first_timestamp: 0,
        to_nanoseconds: Scale::ONE,
    };

    /// Prepares for `task` to run, or for idling. Returns the end of the context to resume.
    #[inline]
    pub fn resume(&mut self, task: Option<TaskIndex>) -> *mut Context {
        let Some(task) = task else {
            return IDLE.get().wrapping_add(1);
        };
        let context = self.context(task);
        if self.loaded != context {
            self.switch(task);
        }
        context.wrapping_add(1)
    }

    #[inline]
    fn context(&mut self, task: TaskIndex) -> *mut Context {
        &raw mut self.parts[task].context
    }

    #[inline]
    fn switch(&mut self, task: TaskIndex) {
        self.fpu.switch(task);
        // SAFETY: the TSS is this CPU's and set up. Without ports here, the first access faults and `Ports::take`
        // decides.
        unsafe { (&raw mut (*TSS.get().cast::<crate::descriptors::Tss>()).ports_offset).write(NO_PORTS) }
        if self.bases_owner.is_some() || self.parts[task].bases.is_some() {
            self.exchange_bases(task);
        }
        let part = &mut self.parts[task];
        // SAFETY: the root is a table that `create` made, with the kernel's half of every address space.
        unsafe { cpu::set_cr3(part.address_space) }
        part.address_space |= self.no_flush;
        self.loaded = self.context(task);
    }

    /// Nothing of `task`'s address space may be cached any more.
    fn forget(&mut self, task: TaskIndex) {
        if self.bases_owner == Some(task) {
            self.parts[task].bases = None;
            self.set_bases(task);
        }
        if self.loaded == self.context(task) {
            // SAFETY: the kernel's own tables map all that the kernel uses.
            unsafe { cpu::set_cr3(self.kernel_root) }
            self.loaded = core::ptr::null_mut();
        }
    }

    /// Copies the kernel's half into a new top-level table, whose frame is already taken.
    fn make_root(&self, root: u64) {
        let mut memory = Physical::direct();
        memory.clear(root);
        for offset in (PAGE / 2..PAGE).step_by(8) {
            memory.set_entry(root + offset, memory.entry(self.kernel_root + offset));
        }
    }
}

impl Machine for X64 {
    const PAGE: usize = PAGE as usize;

    #[inline]
    fn now(&mut self) -> u64 {
        self.to_nanoseconds.apply(cpu::timestamp().wrapping_sub(self.first_timestamp))
    }

    fn set_timer(&mut self, deadline: Option<u64>) {
        match deadline {
            Some(deadline) => {
                let left = deadline.saturating_sub(self.now());
                self.apic.arm(left, cpu::timestamp());
            }
            None => self.apic.disarm(),
        }
    }

    fn create(&mut self, task: TaskIndex, parameters: &TaskCreate) -> Result<(), Error> {
        let &TaskCreate { entry, stack, argument, root, message, .. } = parameters;
        let frames_fit = (root | message).is_multiple_of(PAGE);
        if !frames_fit || entry >= USER_END || stack > USER_END {
            return Err(Error::InvalidArgument);
        }
        if self.frames.usage(message) == Use::BootFiles {
            return Err(Error::PageInUse);
        }
        self.frames.share(message, true)?;
        if let Err(error) = self.frames.take_table(root) {
            self.frames.unshare(message);
            return Err(error);
        }
        self.make_root(root);
        // A task index has as many bits as an identifier. That the kernel's own tables share number 0 with a task does
        // no harm: they have no user half, and loading them flushes.
        let identifier = if self.no_flush != 0 { task.get() as u64 } else { 0 };
        self.parts[task] = Part {
            context: Context::new(entry, stack, argument),
            address_space: root | identifier,
            root,
            message: Physical::direct().address(message),
            cursor: 0,
            bases: None,
        };
        Ok(())
    }

    fn reclaim(&mut self, task: TaskIndex) -> Reclaim {
        self.forget(task);
        let part = &mut self.parts[task];
        part.cursor = paging::reclaim(&mut Physical::direct(), self.frames, part.root, part.cursor);
        if part.cursor >= USER_END { Reclaim::Done } else { Reclaim::More }
    }

    fn release(&mut self, task: TaskIndex) {
        self.forget(task);
        self.fpu.release(task);
        self.ports.release(task);
        let part = &mut self.parts[task];
        self.frames.give_table(part.root);
        self.frames.unshare(part.message.wrapping_sub(crate::memory::DIRECT));
        part.root = 0;
        part.bases = None;
    }

    #[inline]
    fn set_result(&mut self, task: TaskIndex, result: isize, sender: Option<TaskId>, info: usize) {
        let context = &mut self.parts[task].context;
        context.rax = result as u64;
        context.rdi = sender.map_or(0, TaskId::raw) as u64;
        context.rsi = info as u64;
    }

    fn repeat_syscall(&mut self, task: TaskIndex, request: &Request) {
        let context = &mut self.parts[task].context;
        let [first, second, third, fourth, fifth] = request.arguments.map(|argument| argument as u64);
        context.kind = kind::FULL;
        context.rip = context.rip.wrapping_sub(SYSCALL_LENGTH);
        context.rax = request.number as u64;
        (context.rdi, context.rsi, context.rdx) = (first, second, third);
        (context.r10, context.r8) = (fourth, fifth);
        (context.rcx, context.r9, context.r11) = (0, 0, 0);
    }

    fn frame(&mut self, task: TaskIndex) -> Frame {
        let context = &self.parts[task].context;
        Frame { instruction: context.rip as usize, stack: context.rsp as usize, frame: context.rbp as usize }
    }

    #[inline]
    fn copy_message(&mut self, from: TaskIndex, to: TaskIndex, words: usize) {
        let (from, to) = (self.parts[from].message, self.parts[to].message);
        let length = words.min(abi::PAYLOAD_WORDS) * 8;
        // SAFETY: both are message pages, pinned by `create` until `release`, which live tasks have not reached; the
        // payload is their first 240 bytes.
        unsafe { crate::memory::copy(from, to, length) }
    }

    fn write_message(&mut self, to: TaskIndex, payload: &[u64]) {
        let page = self.parts[to].message as *mut u64;
        for (index, &word) in payload.iter().take(abi::PAYLOAD_WORDS).enumerate() {
            // SAFETY: as in `copy_message`; user memory, so accessed as volatile.
            unsafe { page.add(index).write_volatile(word) }
        }
    }

    fn lend(&mut self, task: TaskIndex, index: usize) -> Lend {
        const OFFSET: usize = core::mem::offset_of!(abi::MessagePage, lends);
        let offset = OFFSET + (index & (abi::MAX_LENDS - 1)) * size_of::<Lend>();
        let lend = (self.parts[task].message + offset as u64) as *const Lend;
        // SAFETY: as in `copy_message`; the lends lie within the page, aligned, and any bits are a valid `Lend`.
        unsafe { lend.read_volatile() }
    }

    fn copy(
        &mut self,
        from: (TaskIndex, usize),
        to: (TaskIndex, usize),
        length: usize,
    ) -> Result<(), CopyFault> {
        let (source, target) = (self.parts[from.0].root, self.parts[to.0].root);
        user_memory::copy((source, from.1), (target, to.1), length)
    }

    fn read(&mut self, from: (TaskIndex, usize), to: &mut [u8]) -> Result<(), usize> {
        user_memory::read((self.parts[from.0].root, from.1), to)
    }

    fn write(&mut self, from: &[u8], to: (TaskIndex, usize)) -> Result<(), usize> {
        user_memory::write(from, (self.parts[to.0].root, to.1))
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
        let (address, frame, table) = (address as u64, frame as u64, table as u64);
        let mapping = paging::Mapping { address, frame, flags, table, mmio };
        // The CPU does not cache that nothing is mapped, so there is nothing to flush.
        paging::map(&mut Physical::direct(), self.frames, &self.limits, self.parts[task].root, &mapping)
    }

    fn unmap(&mut self, task: TaskIndex, address: usize) -> Result<usize, Error> {
        let root = self.parts[task].root;
        let frame = paging::unmap(&mut Physical::direct(), self.frames, root, address as u64)?;
        if self.loaded == self.context(task) {
            cpu::invalidate(address as u64);
        } else {
            self.parts[task].address_space &= !self.no_flush;
        }
        Ok(frame as usize)
    }

    fn allow_ports(&mut self, task: TaskIndex, ports: &[Range]) {
        self.ports.allow(task, ports);
    }

    fn memory_use(&mut self) -> MemoryUse {
        self.frames.count()
    }

    fn has_irq(&self, irq: usize) -> bool {
        self.irqs.has(irq)
    }

    fn message(&self, irq: usize) -> Option<(u32, u32)> {
        self.irqs.message(irq)
    }

    fn set_irq_enabled(&mut self, irq: usize, enabled: bool) {
        // The console's interrupt stays the kernel's.
        if irq != serial::IRQ {
            self.irqs.set_enabled(irq, enabled, &self.apic);
        }
    }

    fn put(&mut self, byte: u8) {
        self.output.put(byte);
    }

    fn halt(&mut self, status: usize) {
        exit::halt(status)
    }
}

/// Length of the instruction `syscall` in bytes.
const SYSCALL_LENGTH: u64 = 2;

impl X64 {
    /// Lets the console's interrupt through.
    pub fn enable_console(&mut self) {
        self.irqs.set_enabled(serial::IRQ, true, &self.apic);
        serial::enable_interrupt();
    }

    /// The vector `vector` has interrupted. Returns the IRQ if the core is to be told.
    pub fn arrived(&mut self, vector: usize) -> Option<usize> {
        let irq = vector.checked_sub(FIRST_IRQ)?;
        self.irqs.arrived(irq).then_some(irq)
    }
}
