//! A task's beginning and end: create, exit, destroy.
//!
//! Ending a task has to find everybody who depends on it. That is looked for in the whole table, some places at a
//! time, so that the IPC path keeps no lists for it and no call takes long: `task_destroy` is repeated until it is
//! done. Meanwhile the task is dying: nobody can begin to depend on it any more.

use abi::{Error, MAX_TASKS, Powers, TaskCreate, TaskId, TaskIndex};

use crate::fault::Fault;
use crate::kernel::Kernel;
use crate::machine::{Machine, Reclaim};
use crate::schedule::DEFAULT_QUANTUM;
use crate::syscall::Handled;
use crate::task::{Outgoing, State, Task};

/// Places of the task table looked at in one step of `task_destroy`.
const PLACES_PER_STEP: u16 = 128;

impl<M: Machine> Kernel<M> {
    /// The system call `task_create`.
    pub(crate) fn sys_task_create(&mut self, caller: TaskIndex, address: usize) -> Handled {
        // The call names two physical frames, so whoever may make it can read and write any task's memory.
        self.check_power(caller, Powers::CREATE.union(Powers::MAP))?;
        let parameters = TaskCreate::decode(&self.read_words(caller, address)?);
        if !parameters.rights.is_subset(&self.tasks[caller].rights) {
            return Err(Error::NotPermitted.into());
        }
        let pager = self.tasks[caller].id;
        let (_, id) = self.create(&parameters, pager)?;
        Ok(Some(id.raw()))
    }

    /// Makes a new task, which `schedule` will start.
    pub(crate) fn create(
        &mut self,
        parameters: &TaskCreate,
        pager: Option<TaskId>,
    ) -> Result<(TaskIndex, TaskId), Error> {
        let (place, fresh) = match self.free.first() {
            Some(place) => (place, false),
            None if self.fresh < MAX_TASKS => (TaskIndex::new(self.fresh), true),
            None => return Err(Error::TableFull),
        };
        let generation = self.tasks[place].generation + 1;
        let id = TaskId::new(place, generation).ok_or(Error::TableFull)?;
        self.machine.create(place, parameters)?;
        self.machine.allow_ports(place, &parameters.rights.ports);
        if fresh {
            self.fresh += 1;
        } else {
            self.free.remove(&mut self.tasks, place);
        }
        self.tasks[place] = Task {
            state: State::New,
            id: Some(id),
            pager,
            rights: parameters.rights,
            quantum: DEFAULT_QUANTUM,
            quantum_left: DEFAULT_QUANTUM,
            generation,
            ..Task::FREE
        };
        Ok((place, id))
    }

    /// The system call `exit`.
    pub(crate) fn sys_exit(&mut self, caller: TaskIndex, status: usize, panicked: usize) -> Handled {
        self.raise(caller, Fault::Exit { status, panicked: panicked != 0 });
        self.reschedule();
        Ok(None)
    }

    /// The system call `task_destroy`: one step of it.
    pub(crate) fn sys_task_destroy(&mut self, caller: TaskIndex, target: usize) -> Handled {
        let task = self.lookup(target)?;
        self.check_pager(caller, task)?;
        match self.tasks[task].state {
            State::Dying(place) if (place as usize) < MAX_TASKS => {
                let end = place.saturating_add(PLACES_PER_STEP);
                for dependent in place..end.min(MAX_TASKS as u16) {
                    self.detach(TaskIndex::new(dependent as usize), task, caller);
                }
                self.tasks[task].state = State::Dying(end);
                self.reschedule();
            }
            State::Dying(_) => {
                if self.machine.reclaim(task) == Reclaim::Done {
                    self.free_place(task);
                    return Ok(Some(0));
                }
            }
            _ => self.begin_destroy(task),
        }
        Ok(Some(1))
    }

    /// Takes a task out of everything that it is in.
    fn begin_destroy(&mut self, task: TaskIndex) {
        match self.tasks[task].state {
            State::Ready => self.ready.remove(&mut self.tasks, task),
            State::Sending(to) => self.dequeue(task, to),
            _ => {}
        }
        self.timers.remove(&mut self.tasks, task);
        self.release_irqs(task);
        self.input.disown(task);
        self.end_slice_of(task);
        self.program_timer();
        self.tasks[task].ended = true;
        self.tasks[task].state = State::Dying(0);
    }

    /// Frees `task` from its dependence on `dying`, whose tasks `heir` inherits.
    fn detach(&mut self, task: TaskIndex, dying: TaskIndex, heir: TaskIndex) {
        let is_child = self.tasks[task].pager.is_some() && self.tasks[task].pager == self.tasks[dying].id;
        if is_child {
            self.tasks[task].pager = self.tasks[heir].id;
        }
        match self.tasks[task].state {
            State::Sending(to) if to == dying => {
                self.dequeue(task, dying);
                match self.tasks[task].outgoing {
                    Outgoing::Fault(_) => self.send_to(task, heir),
                    _ => self.abort(task),
                }
            }
            State::Faulted(pager) if pager == dying => self.send_to(task, heir),
            State::Exited if is_child => self.send_to(task, heir),
            // Half destroyed: the heir, who has to begin again, learns of it as of an exit.
            State::Dying(_) if is_child => {
                self.tasks[task].outgoing = Outgoing::Fault(Fault::Exit { status: 0, panicked: false });
                self.send_to(task, heir);
            }
            State::Calling(peer) | State::Receiving(Some(peer)) if peer == dying => self.abort(task),
            _ => {}
        }
    }

    fn abort(&mut self, task: TaskIndex) {
        self.machine.set_result(task, Error::encode(Err(Error::Aborted)), None, 0);
        self.wake(task);
    }

    /// Gives back the place of a task of which nothing is left. A place whose generations are used up stays empty.
    fn free_place(&mut self, task: TaskIndex) {
        self.machine.release(task);
        self.counts.forget(task);
        #[cfg(debug_assertions)]
        self.messages.forget(task);
        let generation = self.tasks[task].generation;
        self.tasks[task] = Task { generation, ..Task::FREE };
        if generation < TaskId::LAST_GENERATION {
            self.free.push_back(&mut self.tasks, task);
        }
    }

    /// Checks that `caller` has a power.
    #[inline]
    pub(crate) fn check_power(&self, caller: TaskIndex, power: Powers) -> Result<(), Error> {
        if self.tasks[caller].rights.powers.contains(power) { Ok(()) } else { Err(Error::NotPermitted) }
    }

    /// Checks that `caller` is the pager of `task`.
    pub(crate) fn check_pager(&self, caller: TaskIndex, task: TaskIndex) -> Result<(), Error> {
        match self.tasks[task].pager {
            Some(pager) if self.tasks[caller].id == Some(pager) => Ok(()),
            _ => Err(Error::NotPermitted),
        }
    }
}
