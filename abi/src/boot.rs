//! What a task finds at its start: [`Startup`] for programs, [`BootInfo`] for the first task.
//!
//! Both lie in the message page at [`STARTUP_OFFSET`], where nothing else writes before the task has read them.

/// Offset of the start record in the message page.
pub const STARTUP_OFFSET: usize = 0x200;

/// Most regions of free memory that the kernel reports; smaller ones are dropped first.
pub const MAX_BOOT_REGIONS: usize = 64;

/// Start record of a program, written by vm. The arguments follow it: [`Startup::arguments`] bytes of UTF-8, each
/// argument followed by a NUL, the program's name first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Startup {
    /// The task ID of vm.
    pub vm: u64,
    /// The task's own ID.
    pub own_id: u64,
    /// First byte of the heap; a multiple of the page size.
    pub heap: u64,
    /// Size of the heap in bytes; pages appear when they are touched.
    pub heap_size: u64,
    /// Lowest byte of the stack (below it is a guard page).
    pub stack: u64,
    /// Size of the stack in bytes.
    pub stack_size: u64,
    /// Length of the arguments in bytes.
    pub arguments: u64,
    /// Length of the environment, which follows them, in bytes.
    pub environment: u64,
}

/// A region of physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub length: u64,
}

/// Start record of the first task, written by the kernel. All addresses are physical and page-aligned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct BootInfo {
    /// The first task's own ID.
    pub own_id: u64,
    /// The bootfs image; its length is not rounded.
    pub bootfs: Region,
    /// The memory-mapped PCI configuration space of the buses from 0 on, 1 MiB each (PCI Express base specification,
    /// 7.2.2); empty if the machine has none.
    pub configuration: Region,
    /// All RAM in bytes, used or free.
    pub memory: u64,
    /// How many of `free` count.
    pub regions: u64,
    /// RAM that is nobody's: the first task's to hand out. Sorted, disjoint.
    pub free: [Region; MAX_BOOT_REGIONS],
}
