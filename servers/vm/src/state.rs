//! Everything that vm remembers, in tables of fixed size.
//!
//! The tables start as zeros, so that they take no room in the boot image. [`Vm`] holds them together with the kernel
//! and the memory; its methods are spread over the modules that the subjects of vm's work have given their names.

use crate::catalog::{Catalog, MAX_PROGRAMS};
use crate::devices::Devices;
use crate::kernel::Kernel;
use crate::memory::Memory;
use crate::program::Program;
use crate::restart::Restarts;
use crate::services::Services;
use crate::shares::Shares;
use crate::tasks::Tasks;
use crate::watches::Watches;
use abi::{Error, MAX_TASKS, TaskId};
use bootfs::{Bootfs, File};
use interfaces::vm::LookupCall;

/// vm's tables.
pub struct State {
    /// The boot image, once it was read.
    pub image: Option<Bootfs<'static>>,
    /// The programs in it.
    pub catalog: Catalog,
    /// The tasks.
    pub tasks: Tasks,
    /// Names of services.
    pub services: Services,
    /// Who is told about whose end.
    pub watches: Watches,
    /// Shared memory objects.
    pub shares: Shares,
    /// What there is for drivers.
    pub devices: Devices,
    /// For each program, when it is started again.
    pub restarts: [Restarts; MAX_PROGRAMS],
    /// For each task, the lookup that it waits for.
    pub lookups: [Option<LookupCall>; MAX_TASKS],
}

impl State {
    /// Empty tables.
    pub const fn new() -> Self {
        Self {
            image: None,
            catalog: Catalog::new(),
            tasks: Tasks::new(),
            services: Services::new(),
            watches: Watches::new(),
            shares: Shares::new(),
            devices: Devices::new(),
            restarts: [Restarts::NEW; MAX_PROGRAMS],
            lookups: [const { None }; MAX_TASKS],
        }
    }
}

impl State {
    /// The file of the boot image with this number. `NotFound`.
    pub(crate) fn boot_file(&self, index: u32) -> Result<File<'static>, Error> {
        let index = usize::try_from(index).map_err(|_| Error::NotFound)?;
        self.image.and_then(|image| image.files().nth(index)).ok_or(Error::NotFound)
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// The server.
pub struct Vm<'a, K> {
    /// The system.
    pub kernel: K,
    /// Frames.
    pub memory: Memory,
    /// Tables.
    pub state: &'a mut State,
    /// vm's own task ID.
    pub own: TaskId,
    /// All RAM in bytes.
    pub ram: u64,
    /// Frames that vm's metadata takes.
    pub metadata_frames: u32,
}

impl<K: Kernel> Vm<'_, K> {
    /// The program of one of vm's tasks. `NotPermitted` for others: vm would not learn of their end.
    pub(crate) fn program_of(&self, task: TaskId) -> Result<&Program, Error> {
        let task = self.state.tasks.get(task).ok_or(Error::NotPermitted)?;
        self.state.catalog.get(task.program).ok_or(Error::NotPermitted)
    }

    /// Whether the kernel tells vm about this task: vm has launched it, or inherited it from a pager that has ended.
    #[inline]
    pub(crate) fn is_pager_of(&mut self, task: TaskId) -> bool {
        self.state.tasks.get(task).is_some() || self.kernel.paged_task(task.index()) == Some(task)
    }

    /// The name of a task's program; `?` if it is not one of vm's.
    pub(crate) fn name_of(&self, task: TaskId) -> &str {
        if task == self.own { "vm" } else { self.program_of(task).map_or("?", |program| program.name.text()) }
    }
}
