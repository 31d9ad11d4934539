//! A model of the kernel and of physical memory. Stricter than the real one: what vm must never do is a failed
//! assertion here.

use abi::{Error, MAX_TASKS, MapFlags, TaskCreate, TaskId, TaskIndex};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use vm::kernel::{Kernel, Mapped, WINDOW};

pub const PAGE: u64 = 4096;
/// Physical memory starts here.
pub const BASE: u64 = 0x10_0000;

#[derive(Default)]
pub struct Task {
    pub create: TaskCreate,
    /// Page -> (frame, flags).
    pub pages: BTreeMap<u64, (u64, MapFlags)>,
    /// (level, prefix) -> frame.
    tables: BTreeMap<(u32, u64), u64>,
    pub priority: Option<usize>,
    dying: u32,
}

#[derive(Default)]
pub struct Inner {
    memory: Vec<u8>,
    pub tasks: BTreeMap<TaskId, Task>,
    own: Option<TaskId>,
    /// Frames that are page tables.
    tables: BTreeSet<u64>,
    mapped: BTreeMap<u64, usize>,
    generations: Vec<u32>,
    pub notified: Vec<(TaskId, usize)>,
    pub console: String,
    pub clock: u64,
    pub timer: u64,
    /// No more tasks than this, vm included.
    pub max_tasks: usize,
    /// Frames that a task with the power over memory has mapped: they cannot become tables.
    pub held: BTreeSet<u64>,
}

/// Shared, so that a test can look at it while vm uses it.
#[derive(Clone)]
pub struct Model(pub Rc<RefCell<Inner>>);

impl Model {
    /// A machine with `frames` frames from [`BASE`] on, followed by `image`; vm is the first task.
    pub fn new(frames: u64, image: &[u8]) -> Self {
        let mut memory = vec![0xa5; (frames * PAGE) as usize];
        memory.extend_from_slice(image);
        memory.resize(memory.len().next_multiple_of(PAGE as usize), 0);
        let mut inner =
            Inner { memory, generations: vec![0; MAX_TASKS], max_tasks: MAX_TASKS, ..Inner::default() };
        let own = inner.free_id().unwrap();
        inner.tasks.insert(own, Task::default());
        inner.own = Some(own);
        Self(Rc::new(RefCell::new(inner)))
    }

    pub fn own(&self) -> TaskId {
        self.0.borrow().own.unwrap()
    }

    /// The byte at `address` of a task, if it is mapped.
    pub fn byte(&self, task: TaskId, address: u64) -> Option<u8> {
        let inner = self.0.borrow();
        let (frame, _) = *inner.tasks.get(&task)?.pages.get(&(address & !(PAGE - 1)))?;
        Some(inner.memory[(frame + address % PAGE - BASE) as usize])
    }

    /// Writes to a task's memory, as the task would.
    pub fn poke(&self, task: TaskId, address: u64, bytes: &[u8]) {
        let mut inner = self.0.borrow_mut();
        for (address, &byte) in (address..).zip(bytes) {
            let (frame, flags) = inner.tasks[&task].pages[&(address & !(PAGE - 1))];
            assert!(flags.contains(MapFlags::WRITE), "{address:#x} is read-only");
            inner.memory[(frame + address % PAGE - BASE) as usize] = byte;
        }
    }

    pub fn flags(&self, task: TaskId, address: u64) -> Option<MapFlags> {
        let inner = self.0.borrow();
        inner.tasks.get(&task)?.pages.get(&(address & !(PAGE - 1))).map(|page| page.1)
    }

    pub fn frame(&self, task: TaskId, address: u64) -> Option<u64> {
        let inner = self.0.borrow();
        inner.tasks.get(&task)?.pages.get(&(address & !(PAGE - 1))).map(|page| page.0)
    }

    /// Has someone map all of these frames that are neither mapped nor tables now.
    pub fn hold_frames(&self, frames: std::ops::Range<u64>) {
        let inner = &mut *self.0.borrow_mut();
        let free = |frame: &u64| !inner.mapped.contains_key(frame) && !inner.tables.contains(frame);
        inner.held = frames.step_by(PAGE as usize).filter(free).collect();
    }

    pub fn take_console(&self) -> String {
        std::mem::take(&mut self.0.borrow_mut().console)
    }

    pub fn take_notified(&self) -> Vec<(TaskId, usize)> {
        std::mem::take(&mut self.0.borrow_mut().notified)
    }
}

impl Inner {
    fn free_id(&mut self) -> Option<TaskId> {
        let taken: BTreeSet<usize> = self.tasks.keys().map(|id| id.index().get()).collect();
        let index = (0..self.max_tasks).find(|index| !taken.contains(index))?;
        self.generations[index] += 1;
        TaskId::new(TaskIndex::new(index), self.generations[index])
    }

    fn assert_ram(&self, frame: u64) {
        let end = BASE + self.memory.len() as u64;
        assert!(frame.is_multiple_of(PAGE) && (BASE..end).contains(&frame), "{frame:#x} is no frame");
    }

    /// Whether a task may map a page of a device.
    fn check_device(&self, task: TaskId, page: u64) -> Result<(), Error> {
        if page < BASE + self.memory.len() as u64 {
            return Err(Error::PageInUse);
        }
        let mmio = self.tasks.get(&task).ok_or(Error::NoTask)?.create.rights.mmio;
        let allowed = mmio.iter().any(|range| range.covers(page, page + PAGE));
        if allowed { Ok(()) } else { Err(Error::NotPermitted) }
    }

    /// A frame that becomes part of a page table.
    fn add_table(&mut self, frame: u64) {
        self.assert_ram(frame);
        assert_eq!(self.mapped.get(&frame), None, "a table must not be mapped");
        assert!(self.tables.insert(frame), "{frame:#x} is a table already");
    }

    fn remove_page(&mut self, frame: u64) {
        let count = self.mapped.get_mut(&frame).unwrap();
        *count -= 1;
        if *count == 0 {
            self.mapped.remove(&frame);
        }
    }

    /// Where physical memory is, checked to be in vm's window.
    fn window(&self, physical: u64, length: usize) -> std::ops::Range<usize> {
        assert!(physical % PAGE + length as u64 <= PAGE, "an access leaves its page");
        let page = (WINDOW + physical) & !(PAGE - 1);
        let mapped = self.tasks[&self.own.unwrap()].pages.get(&page).map(|page| page.0);
        assert_eq!(mapped, Some(physical & !(PAGE - 1)), "vm would fault at {physical:#x}");
        let start = (physical - BASE) as usize;
        start..start + length
    }
}

impl Kernel for Model {
    fn create(&mut self, parameters: &TaskCreate) -> Result<TaskId, Error> {
        let inner = &mut *self.0.borrow_mut();
        let id = inner.free_id().ok_or(Error::TableFull)?;
        inner.add_table(parameters.root);
        inner.assert_ram(parameters.message);
        assert!(!inner.tables.contains(&parameters.message));
        inner.tasks.insert(id, Task { create: *parameters, ..Task::default() });
        Ok(id)
    }

    fn destroy_step(&mut self, task: TaskId) -> Result<bool, Error> {
        let inner = &mut *self.0.borrow_mut();
        let entry = inner.tasks.get_mut(&task).ok_or(Error::NoTask)?;
        entry.dying += 1;
        if entry.dying < 3 {
            return Ok(true);
        }
        let entry = inner.tasks.remove(&task).unwrap();
        for (frame, _) in entry.pages.into_values() {
            inner.remove_page(frame);
        }
        for frame in entry.tables.into_values().chain([entry.create.root]) {
            assert!(inner.tables.remove(&frame));
        }
        Ok(false)
    }

    fn paged_task(&mut self, index: TaskIndex) -> Option<TaskId> {
        let inner = self.0.borrow();
        inner.tasks.keys().find(|id| id.index() == index && Some(**id) != inner.own).copied()
    }

    fn start(&mut self, task: TaskId, priority: usize) -> Result<(), Error> {
        let inner = &mut *self.0.borrow_mut();
        inner.tasks.get_mut(&task).ok_or(Error::NoTask)?.priority = Some(priority);
        Ok(())
    }

    fn map(
        &mut self,
        task: TaskId,
        address: u64,
        physical: u64,
        flags: MapFlags,
        table: u64,
    ) -> Result<Mapped, Error> {
        let inner = &mut *self.0.borrow_mut();
        let is_device = flags.contains(MapFlags::DEVICE);
        if is_device {
            inner.check_device(task, physical)?;
        } else {
            inner.assert_ram(physical);
        }
        assert!(!inner.tables.contains(&physical), "a page table must not be mapped");
        assert!(MapFlags::from_raw(flags.0).is_some() && address.is_multiple_of(PAGE));
        let entry = inner.tasks.get_mut(&task).ok_or(Error::NoTask)?;
        assert_eq!(entry.dying, 0);
        let missing = |entry: &Task| {
            [39, 30, 21].into_iter().find(|&level| !entry.tables.contains_key(&(level, address >> level)))
        };
        let mut table_used = false;
        if let Some(level) = missing(entry) {
            if table == 0 {
                return Err(Error::NeedsTable);
            }
            if inner.held.contains(&table) {
                return Err(Error::PageInUse);
            }
            entry.tables.insert((level, address >> level), table);
            table_used = true;
            inner.add_table(table);
        }
        let entry = inner.tasks.get_mut(&task).unwrap();
        if missing(entry).is_some() {
            return Ok(Mapped { mapped: false, table_used, more: 0 });
        }
        if entry.pages.contains_key(&address) {
            return Err(Error::AlreadyExists);
        }
        // Those behind it follow as far as the first one's table goes and nothing is in the way.
        let in_table = (0x20_0000 - address % 0x20_0000) / PAGE - 1;
        let mut pages = 0;
        for page in 0..=(flags.more() as u64).min(in_table) {
            let (address, physical) = (address + page * PAGE, physical + page * PAGE);
            if inner.tasks[&task].pages.contains_key(&address) {
                break;
            }
            if !is_device {
                inner.assert_ram(physical);
            } else if inner.check_device(task, physical).is_err() {
                break;
            }
            assert!(!inner.tables.contains(&physical), "a page table must not be mapped");
            inner.tasks.get_mut(&task).unwrap().pages.insert(address, (physical, flags.of_each()));
            *inner.mapped.entry(physical).or_default() += 1;
            pages += 1;
        }
        Ok(Mapped { mapped: true, table_used, more: pages - 1 })
    }

    fn unmap(&mut self, task: TaskId, address: u64) -> Result<(), Error> {
        let inner = &mut *self.0.borrow_mut();
        let entry = inner.tasks.get_mut(&task).ok_or(Error::NoTask)?;
        let (frame, _) = entry.pages.remove(&address).ok_or(Error::NotFound)?;
        inner.remove_page(frame);
        Ok(())
    }

    fn irq_message(&mut self, irq: usize) -> Result<(u64, u32), Error> {
        match irq {
            48..80 => Ok((0xfee0_0000, irq as u32)),
            _ => Err(Error::InvalidArgument),
        }
    }

    fn notify(&mut self, task: TaskId, bits: usize) {
        self.0.borrow_mut().notified.push((task, bits));
    }

    fn clock(&mut self) -> u64 {
        self.0.borrow().clock
    }

    fn set_timer(&mut self, nanoseconds: u64) {
        self.0.borrow_mut().timer = nanoseconds;
    }

    fn print(&mut self, text: &str) {
        self.0.borrow_mut().console.push_str(text);
    }

    fn zero(&mut self, physical: u64) {
        assert!(physical.is_multiple_of(PAGE));
        let inner = &mut *self.0.borrow_mut();
        let range = inner.window(physical, PAGE as usize);
        inner.memory[range].fill(0);
    }

    fn read(&mut self, physical: u64, bytes: &mut [u8]) {
        let inner = self.0.borrow();
        bytes.copy_from_slice(&inner.memory[inner.window(physical, bytes.len())]);
    }

    fn write(&mut self, physical: u64, bytes: &[u8]) {
        let inner = &mut *self.0.borrow_mut();
        let range = inner.window(physical, bytes.len());
        inner.memory[range].copy_from_slice(bytes);
    }
}
