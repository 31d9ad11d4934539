//! Messages from the kernel: the types it uses, page faults and exceptions.

/// Message types that the kernel sends and that libraries reserve. Interfaces start at [`kind::FIRST_INTERFACE`].
pub mod kind {
    /// Notifications: payload word 0 holds the bits. No sender.
    pub const NOTIFICATIONS: u16 = 1;
    /// A page fault of the sender. Payload: address, [`crate::Access`] bits, instruction pointer, stack pointer,
    /// frame pointer. A reply resumes the task, which repeats the access.
    pub const PAGE_FAULT: u16 = 2;
    /// An exception of the sender. Payload: [`crate::Exception`] code, machine-specific detail, instruction pointer,
    /// stack pointer, frame pointer. A reply resumes the task at the same instruction.
    pub const EXCEPTION: u16 = 3;
    /// The sender has ended by itself. Payload: status, 1 if it panicked, instruction pointer, stack pointer, frame
    /// pointer. It cannot be replied to, only destroyed. A task that was half destroyed when its pager ended is sent
    /// to the next pager as one that has exited with status 0.
    pub const EXIT: u16 = 4;
    /// The sender has used up its quantum and is of the policy that reports it. A reply resumes it with a new one.
    pub const QUANTUM: u16 = 5;
    /// A system call or fault of a task with the ABI hook (none can be created with it yet).
    pub const ABI_HOOK: u16 = 6;
    /// Asks the receiver for the next asynchronous message that it has queued for the sender.
    pub const ASYNC_PULL: u16 = 7;
    /// The first type that interfaces use.
    pub const FIRST_INTERFACE: u16 = 32;
}

/// What kind of access a page fault was; bits of a payload word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access(pub u64);

impl Access {
    /// The access was a read. (Bits: 1 write, 2 instruction fetch, 4 the page is mapped but forbids this.)
    pub const READ: Self = Self(0);
    /// A write.
    pub const WRITE: Self = Self(1);
    /// An instruction fetch.
    pub const EXECUTE: Self = Self(2);
    /// The page is mapped, but not for this access.
    pub const PRESENT: Self = Self(4);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// "read", "write" or "execute".
    pub const fn name(self) -> &'static str {
        match self.0 & 3 {
            0 => "read",
            1 => "write",
            _ => "execute",
        }
    }
}

/// The exceptions of every machine, by their effect. The detail word has the machine's own number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exception {
    /// Anything that the others do not name.
    Other = 0,
    /// An undefined or forbidden instruction.
    IllegalInstruction = 1,
    /// A division by zero, or one whose result does not fit.
    Divide = 2,
    /// A breakpoint instruction or a debug trap.
    Breakpoint = 3,
    /// What no mapping could make legal: non-canonical addresses, privileged instructions, I/O ports without the
    /// right. (An access to a kernel address is a page fault, so that its pager learns the address.)
    Protection = 4,
    /// A misaligned access where the machine forbids it.
    Alignment = 5,
    /// A floating-point exception.
    FloatingPoint = 6,
    /// An uncorrectable hardware error that hit this task.
    MachineCheck = 7,
}

impl Exception {
    /// The exception with this code; [`Exception::Other`] if there is none.
    pub const fn from_code(code: u64) -> Self {
        match code {
            1 => Self::IllegalInstruction,
            2 => Self::Divide,
            3 => Self::Breakpoint,
            4 => Self::Protection,
            5 => Self::Alignment,
            6 => Self::FloatingPoint,
            7 => Self::MachineCheck,
            _ => Self::Other,
        }
    }

    /// What happened, for a report.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Other => "exception",
            Self::IllegalInstruction => "illegal instruction",
            Self::Divide => "division error",
            Self::Breakpoint => "breakpoint",
            Self::Protection => "protection violation",
            Self::Alignment => "misaligned access",
            Self::FloatingPoint => "floating-point exception",
            Self::MachineCheck => "machine check",
        }
    }
}
