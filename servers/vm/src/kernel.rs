//! The seam between vm and the system: the calls that vm makes, and its access to frames.
//!
//! [`Native`] makes real system calls. Tests put a model of the kernel there, which also checks what the real one
//! would only punish: that vm touches nothing that it has not mapped.

use crate::frames::PAGE;
use abi::{Affinity, Error, MapFlags, Policy, TaskCreate, TaskId, TaskIndex};
use ipc::Region;
pub use ipc::{Mapped, Schedule};

/// Where vm maps frames to fill and read them: the frame at physical address P at `WINDOW + P`.
pub const WINDOW: u64 = 0x1000_0000_0000;

/// Physical memory from here on has no place in the window.
pub const WINDOW_SIZE: u64 = Region::END as u64 - WINDOW;

/// What vm needs. Physical addresses given to [`Kernel::zero`], [`Kernel::read`] and [`Kernel::write`] must be mapped in
/// the window, and accesses must not leave the page.
pub trait Kernel {
    /// System call `task_create`.
    fn create(&mut self, parameters: &TaskCreate) -> Result<TaskId, Error>;
    /// System call `task_destroy`: one step; true if there are more.
    fn destroy_step(&mut self, task: TaskId) -> Result<bool, Error>;
    /// The task at place `index` of the kernel's table if vm is its pager: system call `inspect`.
    fn paged_task(&mut self, index: TaskIndex) -> Option<TaskId>;
    /// Starts a new task with this priority: system call `schedule`.
    fn start(&mut self, task: TaskId, priority: usize) -> Result<(), Error>;
    /// System call `map`.
    fn map(
        &mut self,
        task: TaskId,
        address: u64,
        physical: u64,
        flags: MapFlags,
        table: u64,
    ) -> Result<Mapped, Error>;
    /// System call `unmap`.
    fn unmap(&mut self, task: TaskId, address: u64) -> Result<(), Error>;
    /// The message that raises an IRQ, where and what: system call `irq`.
    fn irq_message(&mut self, irq: usize) -> Result<(u64, u32), Error>;
    /// System call `notify`. That the task has ended is not told.
    fn notify(&mut self, task: TaskId, bits: usize);
    /// Nanoseconds since the machine started.
    fn clock(&mut self) -> u64;
    /// Sets the one-shot timer to so many nanoseconds from now.
    fn set_timer(&mut self, nanoseconds: u64);
    /// Writes to the console and the kernel log.
    fn print(&mut self, text: &str);
    /// Fills the frame at `physical` with zeros.
    fn zero(&mut self, physical: u64);
    /// Copies from physical memory.
    fn read(&mut self, physical: u64, bytes: &mut [u8]);
    /// Copies to physical memory.
    fn write(&mut self, physical: u64, bytes: &[u8]);
}

/// The real system.
#[derive(Clone, Copy, Debug)]
pub struct Native;

/// The piece of the window at `physical`, not leaving the page.
#[inline]
fn window(physical: u64, length: usize) -> Option<Region> {
    let fits = physical < WINDOW_SIZE && length as u64 <= PAGE - physical % PAGE;
    if fits { Region::new((WINDOW + physical) as usize, length).ok() } else { None }
}

impl Kernel for Native {
    fn create(&mut self, parameters: &TaskCreate) -> Result<TaskId, Error> {
        ipc::task_create(parameters)
    }

    fn destroy_step(&mut self, task: TaskId) -> Result<bool, Error> {
        ipc::task_destroy_step(task)
    }

    fn paged_task(&mut self, index: TaskIndex) -> Option<TaskId> {
        let info = ipc::inspect_task(index.get()).ok()?;
        (info.pager == Some(ipc::own_id())).then_some(info.id)
    }

    fn start(&mut self, task: TaskId, priority: usize) -> Result<(), Error> {
        let schedule =
            Schedule { priority, quantum: 0, policy: Policy::Refill, affinity: Affinity(usize::MAX) };
        ipc::task_schedule(task, &schedule)
    }

    #[inline]
    fn map(
        &mut self,
        task: TaskId,
        address: u64,
        physical: u64,
        flags: MapFlags,
        table: u64,
    ) -> Result<Mapped, Error> {
        ipc::map(task, address as usize, physical as usize, flags, table as usize)
    }

    fn unmap(&mut self, task: TaskId, address: u64) -> Result<(), Error> {
        ipc::unmap(task, address as usize).map(drop)
    }

    fn irq_message(&mut self, irq: usize) -> Result<(u64, u32), Error> {
        ipc::irq_message(irq)
    }

    fn notify(&mut self, task: TaskId, bits: usize) {
        let _ = ipc::notify(task, bits);
    }

    fn clock(&mut self) -> u64 {
        ipc::clock()
    }

    fn set_timer(&mut self, nanoseconds: u64) {
        ipc::timer(nanoseconds);
    }

    fn print(&mut self, text: &str) {
        ipc::console_write(text.as_bytes());
    }

    #[inline]
    fn zero(&mut self, physical: u64) {
        if let Some(region) = window(physical, PAGE as usize) {
            region.zero();
        }
    }

    fn read(&mut self, physical: u64, bytes: &mut [u8]) {
        if let Some(region) = window(physical, bytes.len()) {
            // The region is exactly as long as the buffer.
            let _ = region.read(0, bytes);
        }
    }

    fn write(&mut self, physical: u64, bytes: &[u8]) {
        if let Some(region) = window(physical, bytes.len()) {
            // The region is exactly as long as the buffer.
            let _ = region.write(0, bytes);
        }
    }
}
