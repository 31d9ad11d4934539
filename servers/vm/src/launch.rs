//! The beginning and the end of tasks.
//!
//! A launch either succeeds or leaves everything as it was. An end gives back everything that the task had, in an order
//! that makes each thing free only when nobody can reach it any more: first the task itself and with it its page
//! table, then its frames, shares, names, waits and watches.

use crate::fault::give_first_pages;
use crate::frames::PAGE;
use crate::image::Image;
use crate::kernel::Kernel;
use crate::memory::{Memory, Owned};
use crate::print::log;
use crate::program::{HEAP, Layout, Program, STACK_TOP, Starts};
use crate::restart::Verdict;
use crate::services::Service;
use crate::state::Vm;
use crate::tasks::Task;
use crate::told::Told;
use crate::watches::{End, EndKind};
use abi::{
    Error, MAX_TASKS, MESSAGE_PAGE, MapFlags, NOTIFY_CHILD, Powers, Rights, STARTUP_OFFSET, ServiceSet,
    Startup, TaskCreate, TaskId, TaskIndex,
};

/// Steps that ending one task may take: far more than the largest address space needs.
const MAX_DESTROY_STEPS: usize = 1 << 24;

/// Most bytes of arguments and environment together.
pub const MAX_ARGUMENTS: usize = interfaces::vm::ARGUMENTS_MAX;

const ARGUMENTS_OFFSET: usize = STARTUP_OFFSET + size_of::<Startup>();
// A name as the only argument has no NUL of its own.
const _: () = assert!(ARGUMENTS_OFFSET + MAX_ARGUMENTS + bootfs::MAX_PATH < PAGE as usize);

impl<K: Kernel> Vm<'_, K> {
    /// Starts the program at place `program` of the catalog.
    ///
    /// Errors: `BadProgram`, `OutOfMemory`, `TooLarge` (what it is told), `TableFull` (tasks).
    pub fn launch_program(
        &mut self,
        program: u16,
        launcher: Option<TaskId>,
        told: Told<'_>,
    ) -> Result<TaskId, Error> {
        let entry = self.state.catalog.get(program).ok_or(Error::NotFound)?;
        let rights = self.rights_of(entry);
        self.launch_with_rights(program, launcher, told, &rights)
    }

    /// As [`Vm::launch_program`], with these rights.
    pub(crate) fn launch_with_rights(
        &mut self,
        program: u16,
        launcher: Option<TaskId>,
        told: Told<'_>,
        rights: &Rights,
    ) -> Result<TaskId, Error> {
        let entry = self.state.catalog.get(program).ok_or(Error::NotFound)?;
        let layout = entry.layout.as_ref().ok_or(Error::BadProgram)?;
        if told.len() > MAX_ARGUMENTS {
            return Err(Error::TooLarge);
        }
        let mut owned = Owned::EMPTY;
        let beginning = Beginning { own: self.own, program: entry, layout, rights, told, image: None };
        let launched = beginning.start(&mut self.kernel, &mut self.memory, &mut owned);
        let id = match launched {
            Ok(id) => id,
            Err(error) => {
                self.memory.give_back(&mut owned);
                return Err(error);
            }
        };
        let started = if entry.starts.contains(Starts::AGAIN) { self.kernel.clock() } else { 0 };
        self.state.tasks.insert(id, Task::new(id, program, launcher, started, owned));
        Ok(id)
    }

    /// Ends a task and takes back everything it had. Does nothing for tasks that are not vm's, but those that vm has
    /// inherited as pager are destroyed. With a task that hands out devices end its drivers.
    pub fn end(&mut self, id: TaskId, status: i32, kind: EndKind) {
        let program = self.program_of(id);
        let has_drivers = program.is_ok_and(|program| program.rights.powers.contains(Powers::DEVICES));
        self.end_one(id, status, kind);
        while has_drivers && let Some(driver) = self.state.tasks.orphaned_driver() {
            self.end_one(driver, -1, EndKind::Killed);
        }
    }

    fn end_one(&mut self, id: TaskId, status: i32, kind: EndKind) {
        if !destroy(&mut self.kernel, id) {
            // Its frames cannot be used again, as it may still have them mapped. Does not happen to vm's own tasks.
            if self.state.tasks.get(id).is_some() {
                log!(self.kernel, "task {id} could not be destroyed; its memory is lost");
            } else {
                return;
            }
        } else {
            self.destroy_children(id);
            if let Some(task) = self.state.tasks.get_mut(id) {
                self.memory.give_back(&mut task.owned);
            }
        }
        while let Some(mut closed) = self.state.shares.close_any(id) {
            self.memory.give_back_pages(&mut closed.frames);
        }
        self.state.services.forget(id);
        // A call that is dropped is answered; its client is no more, so nothing happens.
        self.state.lookups[id.index().get()] = None;
        let kernel = &mut self.kernel;
        let end = End { task: id, status, kind };
        self.state.watches.ended(end, |watcher| kernel.notify(watcher, NOTIFY_CHILD));
        if let Some(task) = self.state.tasks.remove(id) {
            self.state.catalog.forget(task.program);
            self.plan_restart(task.program, task.started, kind);
            if task.launcher.is_none() {
                self.give_up_waiting(task.program);
            }
        }
    }

    /// A server that was started on demand has ended without serving: those who wait for it wait in vain, unless
    /// another one is coming.
    fn give_up_waiting(&mut self, program: u16) {
        let Some(entry) = self.state.catalog.get(program) else { return };
        let provides = entry.rights.provides;
        for service in Service::all() {
            let concerned = ServiceSet::EMPTY.with(service.get()).meets(provides)
                && self.state.services.provider(service).is_none()
                && matches!(self.provider_to_start(service), Ok(Some(_)));
            while concerned && let Some(waiter) = self.state.services.next_waiter(service) {
                if let Some(call) = self.take_lookup(waiter) {
                    call.fail(Error::Aborted);
                }
            }
        }
    }

    /// Ends the tasks that a dead one has made by itself: the kernel has made vm their pager. Their memory can only be
    /// the dead task's.
    fn destroy_children(&mut self, id: TaskId) {
        let makes_tasks =
            self.program_of(id).is_ok_and(|program| program.rights.powers.contains(Powers::CREATE));
        if !makes_tasks {
            return;
        }
        for index in (0..MAX_TASKS).map(TaskIndex::new) {
            if let Some(child) = self.kernel.paged_task(index)
                && self.state.tasks.get(child).is_none()
            {
                destroy(&mut self.kernel, child);
            }
        }
    }

    /// Starts a program of the system, for no one in particular; tells the log if that fails.
    pub(crate) fn launch_for_system(&mut self, program: u16) {
        if let Err(error) = self.launch_program(program, None, Told::default()) {
            let name = self.state.catalog.get(program).map_or("?", |program| program.name.text());
            log!(self.kernel, "{name} could not be started: {error}");
            let now = self.kernel.clock();
            self.plan_restart(program, now, EndKind::Exited);
        }
    }

    /// A program has ended: if it should always run, sets the time for its next start.
    fn plan_restart(&mut self, program: u16, started: u64, kind: EndKind) {
        if self.state.tasks.iter().any(|(_, task)| task.program == program) {
            // It was one too many, started by hand: the one that lives is what should always run.
            return;
        }
        let Some(entry) =
            self.state.catalog.get(program).filter(|entry| entry.starts.contains(Starts::AGAIN))
        else {
            return;
        };
        let name = entry.name.text();
        let now = self.kernel.clock();
        let restarts = &mut self.state.restarts[usize::from(program) % self.state.restarts.len()];
        let verdict = match kind {
            EndKind::Killed => Verdict::Wait(restarts.killed(now)),
            EndKind::Exited | EndKind::Panicked | EndKind::Crashed => restarts.died(started, now),
        };
        match verdict {
            Verdict::Wait(wait) => {
                log!(self.kernel, "{name} has ended and is started again in {} ms", wait / 1_000_000);
            }
            Verdict::GiveUp => {
                log!(self.kernel, "{name} keeps ending soon after its start and is not started again");
            }
        }
        self.set_restart_timer(now);
    }

    /// The timer has expired: starts what is due.
    pub fn timer_expired(&mut self) {
        let now = self.kernel.clock();
        for program in 0..self.state.restarts.len() {
            let restart = &mut self.state.restarts[program];
            if restart.due().is_some_and(|due| due <= now) {
                restart.clear_due();
                self.launch_for_system(program as u16);
            }
        }
        self.set_restart_timer(now);
    }

    fn set_restart_timer(&mut self, now: u64) {
        let next = self.state.restarts.iter().filter_map(|restart| restart.due()).min();
        if let Some(due) = next {
            self.kernel.set_timer(due.saturating_sub(now).max(1));
        }
    }
}

/// Ends a task in the kernel; whether that succeeded.
fn destroy<K: Kernel>(kernel: &mut K, id: TaskId) -> bool {
    for _ in 0..MAX_DESTROY_STEPS {
        match kernel.destroy_step(id) {
            Ok(true) => {}
            Ok(false) => return true,
            Err(_) => return false,
        }
    }
    false
}

/// What a task is made of.
pub(crate) struct Beginning<'a> {
    /// vm's task ID.
    pub(crate) own: TaskId,
    pub(crate) program: &'a Program,
    pub(crate) layout: &'a Layout,
    pub(crate) rights: &'a Rights,
    pub(crate) told: Told<'a>,
    /// Its file, if it is not in the boot image.
    pub(crate) image: Option<Image>,
}

impl Beginning<'_> {
    /// Makes a task and starts it. On failure its frames are in `owned` and mapped nowhere but in the window.
    pub(crate) fn start<K: Kernel>(
        &self,
        kernel: &mut K,
        memory: &mut Memory,
        owned: &mut Owned,
    ) -> Result<TaskId, Error> {
        let root = memory.take_table(kernel)?;
        memory.push(&mut owned.tables, root, 0);
        let message = memory.take_page(kernel)?;
        memory.push(&mut owned.pages, message, MESSAGE_PAGE as u64);
        let message = memory.address(message);
        kernel.zero(message);
        let parameters = TaskCreate {
            entry: self.layout.entry,
            // As after a call: 8 below a multiple of 16.
            stack: STACK_TOP - 8,
            argument: 0,
            root: memory.address(root),
            message,
            rights: *self.rights,
        };
        let id = kernel.create(&parameters)?;
        self.write_startup(kernel, message, id);
        let mapped =
            memory.map_frame(kernel, id, &mut owned.tables, MESSAGE_PAGE as u64, message, MapFlags::WRITE);
        let ready = mapped
            .and_then(|_| {
                self.image.map_or(Ok(()), |image| image.load(kernel, memory, id, owned, self.layout))
            })
            .and_then(|()| give_first_pages(kernel, memory, id, owned, self.layout))
            .and_then(|()| kernel.start(id, self.program.priority));
        if let Err(error) = ready {
            destroy(kernel, id);
            return Err(error);
        }
        Ok(id)
    }

    /// Writes the start record, the arguments and the environment to the task's message page, which is all zeros.
    fn write_startup<K: Kernel>(&self, kernel: &mut K, message: u64, id: TaskId) {
        let Self { own, program, layout, told, .. } = *self;
        let arguments = told.arguments;
        let arguments = if arguments.is_empty() { program.name.text().as_bytes() } else { arguments };
        // The page is zeros, so a missing last NUL is there already.
        let length = arguments.len() + usize::from(arguments.last() != Some(&0));
        let words = [
            own.raw() as u64,
            id.raw() as u64,
            HEAP,
            layout.heap_size,
            layout.stack(),
            layout.stack_size,
            length as u64,
            told.environment.len() as u64,
        ];
        const _: () = assert!(size_of::<Startup>() == 8 * 8);
        let mut record = [0; size_of::<Startup>()];
        for (place, word) in record.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        kernel.write(message + STARTUP_OFFSET as u64, &record);
        kernel.write(message + ARGUMENTS_OFFSET as u64, arguments);
        kernel.write(message + (ARGUMENTS_OFFSET + length) as u64, told.environment);
    }
}
