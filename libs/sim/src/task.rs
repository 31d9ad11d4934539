//! Tasks as threads of the host, of which exactly one runs at a time.
//!
//! A thread runs until its next system call. Then the world goes one step further, and the thread of whoever is current
//! then has its turn; the others sleep. A task that ends unwinds its thread, so that what it owned is dropped, but the
//! system calls that this makes do nothing: on the real machine nobody would make them. A destructor that panics
//! because of that ends the whole process, which Rust does whenever a panic meets another.

use crate::program::Body;
use crate::world::{Over, World};
use abi::{TaskId, TaskIndex};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};

/// The exit status of a task that has panicked.
const PANICKED: i32 = 101;

/// Stack of a task's thread in bytes; more than any task has on the real machine, since debug code needs more.
const STACK: usize = 1 << 20;

/// The thread of a task.
pub(crate) struct Thread {
    pub(crate) id: TaskId,
    pub(crate) name: String,
    /// Nothing is left of the task: the thread has to end.
    released: AtomicBool,
    /// Set under the world's lock when the thread has nothing more to do.
    ended: AtomicBool,
    wake: Condvar,
}

/// What the threads of a run have in common.
pub(crate) struct Shared {
    world: Mutex<World>,
    /// A thread has ended, or the run is over.
    pub(crate) changed: Condvar,
}

/// The end of a thread that is not a panic.
struct Unwind;

/// The calling thread's task.
pub(crate) struct Task {
    pub(crate) shared: Arc<Shared>,
    pub(crate) thread: Arc<Thread>,
    /// It is unwinding: its system calls do nothing.
    ending: Cell<bool>,
}

std::thread_local! {
    static TASK: RefCell<Option<Rc<Task>>> = const { RefCell::new(None) };
    /// Message and place of the thread's last panic.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The calling thread's task.
///
/// Panics outside of a simulated system.
pub(crate) fn current() -> Rc<Task> {
    match TASK.with_borrow(Clone::clone) {
        Some(task) => task,
        None => panic!("this function of `sim` works only inside of a simulated system"),
    }
}

impl Shared {
    pub(crate) fn new(world: World) -> Arc<Self> {
        Arc::new(Self { world: Mutex::new(world), changed: Condvar::new() })
    }

    /// The world. A panic while it was locked is a defect of the simulator, which shows as it is.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the turn to the current task's thread, which is made if it is new; or ends everything.
    pub(crate) fn hand_over(self: &Arc<Self>, world: &mut World) {
        let Some(task) = world.kernel.current().filter(|_| world.over.is_none()) else {
            world.turn = None;
            world.threads.iter().flatten().for_each(|thread| thread.wake.notify_all());
            self.changed.notify_all();
            return;
        };
        let thread = match world.threads.get(task.get()).and_then(Option::as_ref) {
            Some(thread) => Arc::clone(thread),
            None => self.start(world, task),
        };
        thread.wake.notify_all();
        world.turn = Some(thread);
    }

    /// Makes a thread for a task that runs for the first time.
    fn start(self: &Arc<Self>, world: &mut World, task: TaskIndex) -> Arc<Thread> {
        let mut page = [0; 4096];
        page.copy_from_slice(world.kernel.machine.message_page(task));
        let (name, body) = world.program_of(task);
        let Some(id) = world.kernel.task(task).id else { unreachable!("a current task has an ID") };
        let thread = Arc::new(Thread {
            id,
            name: name.clone(),
            released: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            wake: Condvar::new(),
        });
        world.threads[task.get()] = Some(Arc::clone(&thread));
        world.kernel.machine.trace.event(world.kernel.machine.now, format!("{name} starts"));
        let (shared, its_thread) = (Arc::clone(self), Arc::clone(&thread));
        let run = move || run(shared, its_thread, &page, body);
        match std::thread::Builder::new().name(name).stack_size(STACK).spawn(run) {
            Ok(_) => thread,
            Err(error) => panic!("the host cannot make a thread for a task: {error}"),
        }
    }

    /// Waits until the threads of released tasks have ended.
    fn bury<'a>(&'a self, mut world: MutexGuard<'a, World>) -> MutexGuard<'a, World> {
        while let Some(task) = world.kernel.machine.released.pop() {
            let Some(thread) = world.threads.get_mut(task.get()).and_then(Option::take) else { continue };
            thread.released.store(true, Ordering::Relaxed);
            let event = format!("{} is gone", thread.name);
            let now = world.kernel.machine.now;
            world.kernel.machine.trace.event(now, event);
            thread.wake.notify_all();
            while !thread.ended.load(Ordering::Relaxed) {
                world = self.changed.wait(world).unwrap_or_else(PoisonError::into_inner);
            }
        }
        world
    }

    /// Waits until all threads have ended. They do when the run is over.
    pub(crate) fn join(&self) {
        let mut world = self.lock();
        while world.threads.iter().flatten().any(|thread| !thread.ended.load(Ordering::Relaxed)) {
            world = self.changed.wait(world).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Task {
    /// Whether the task's system calls do nothing any more.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.get()
    }

    /// Takes a step: `event` happens, and the function returns when it is this task's turn again. Unwinds if that never
    /// comes.
    pub(crate) fn step(&self, event: impl FnOnce(&mut World, TaskIndex)) -> MutexGuard<'_, World> {
        let task = self.thread.id.index();
        let mut world = self.shared.lock();
        if !world.crashes_before_call(&self.thread.name) {
            event(&mut world, task);
        }
        world.settle();
        loop {
            world = self.wait(world);
            match world.kernel.machine.place(task).repeat.take() {
                Some(request) => {
                    world.kernel.syscall(&request);
                    world.settle();
                }
                None => return world,
            }
        }
    }

    /// Hands over to whoever is current, and waits until it is this task.
    fn wait<'a>(&'a self, mut world: MutexGuard<'a, World>) -> MutexGuard<'a, World> {
        world = self.shared.bury(world);
        let is_current = |world: &World| world.kernel.current() == Some(self.thread.id.index());
        if !is_current(&world) || world.over.is_some() || self.thread.released.load(Ordering::Relaxed) {
            self.shared.hand_over(&mut world);
        }
        loop {
            if world.over.is_some() || self.thread.released.load(Ordering::Relaxed) {
                drop(world);
                self.unwind();
            }
            if is_current(&world) && world.turn.as_ref().is_some_and(|turn| Arc::ptr_eq(turn, &self.thread)) {
                return world;
            }
            world = self.thread.wake.wait(world).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the thread. Its destructors run without effect on the system.
    pub(crate) fn unwind(&self) -> ! {
        self.ending.set(true);
        panic::resume_unwind(Box::new(Unwind))
    }
}

/// A task's thread, from its start to its end.
fn run(shared: Arc<Shared>, thread: Arc<Thread>, page: &[u8; 4096], body: Body) {
    watch_panics();
    let task = Rc::new(Task { shared, thread, ending: Cell::new(false) });
    TASK.set(Some(Rc::clone(&task)));
    ipc::host::set_page(page);
    let installed = ipc::host::install(Rc::clone(&task) as Rc<dyn ipc::host::Backend>);
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| body()))
        && !payload.is::<Unwind>()
    {
        // The exit unwinds again.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| panicked(&task, payload.as_ref())));
    }
    drop(installed);
    TASK.set(None);
    leave(&task);
}

/// What the library's panic handler does on the real machine.
fn panicked(task: &Task, payload: &(dyn Any + Send)) {
    let message = PANIC.take().unwrap_or_else(|| message_of(payload));
    let name = task.thread.name.clone();
    ipc::console_write(format!("{name}: {message}\n").as_bytes());
    task.shared.lock().panics.push((name, message));
    ipc::exit_panicked(PANICKED)
}

/// The thread ends. If it had the turn, it passes it on.
fn leave(task: &Task) {
    let mut world = task.shared.lock();
    if world.turn.as_ref().is_some_and(|turn| Arc::ptr_eq(turn, &task.thread)) {
        world.settle();
        world = task.shared.bury(world);
        task.shared.hand_over(&mut world);
    }
    task.thread.ended.store(true, Ordering::Relaxed);
    task.shared.changed.notify_all();
}

/// The test's own task ends the run.
pub(crate) fn finish(over: Over) {
    let task = current();
    task.shared.lock().over.get_or_insert(over);
}

/// The test has panicked, or its thread has to end.
pub(crate) fn finish_panicked(payload: Box<dyn Any + Send>) {
    if current().is_ending() {
        panic::resume_unwind(payload);
    }
    finish(Over::Failed(PANIC.take().unwrap_or_else(|| message_of(payload.as_ref()))));
}

/// The text of a panic's payload.
fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    format!("panicked: {}", text.unwrap_or_else(|| "(no message)".to_string()))
}

/// Has the panics of tasks kept for their console instead of printed by the host.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A panic while a task unwinds ends the process at once: its message would never be seen.
            if TASK.with_borrow(|task| task.as_ref().is_none_or(|task| task.is_ending())) {
                return before(info);
            }
            let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
            let message = message_of(info.payload());
            let message = message.strip_prefix("panicked: ").unwrap_or(&message);
            PANIC.set(Some(format!("panicked{place}: {message}")));
        }));
    });
}
