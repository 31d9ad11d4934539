//! Random steps, and how a random step becomes a system call that has a chance to mean something.

extern crate std;

use std::vec::Vec;

use abi::{MapFlags, MessageInfo, Powers, Range, Rights, ServiceSet, Syscall, TaskCreate, TaskId};

use super::world::{Doing, World};
use crate::machine::Request;
use crate::tests::system::{BUFFER, CONSTANTS, NOWHERE};

/// A task that lives from the start of a run: the seed of its rights, its priority, and whether it reports its quanta.
pub type Start = (u16, usize, bool);

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// The current task makes this system call, with arguments made of the seeds.
    Call(Syscall, [u16; 5]),
    /// A number that is no system call, or arguments that are noise.
    Noise(usize, [usize; 5]),
    /// An interrupt of this number, below 16.
    Interrupt(usize),
    /// Time passes. If `late`, the timer interrupt comes only after the next step.
    Elapse {
        /// How much.
        nanoseconds: u64,
        /// Whether the timer interrupt is late.
        late: bool,
    },
    /// A byte from the console: not the debugger's commands that close it or show the log, which the world does not know.
    Input(u8),
    /// The current task accesses this address, where nothing is mapped.
    PageFault(usize),
    /// The current task raises the exception with this code.
    Exception(u64),
}

/// The system calls, each as often as it deserves.
pub const CALLS: &[(u32, Syscall)] = &[
    (1, Syscall::OwnId),
    (6, Syscall::Send),
    (14, Syscall::Receive),
    (10, Syscall::Call),
    (5, Syscall::Reply),
    (10, Syscall::ReplyReceive),
    (6, Syscall::Notify),
    (6, Syscall::LendCopy),
    (5, Syscall::Timer),
    (1, Syscall::Clock),
    (4, Syscall::TaskCreate),
    (6, Syscall::TaskDestroy),
    (1, Syscall::Exit),
    (8, Syscall::Schedule),
    (4, Syscall::Map),
    (3, Syscall::Unmap),
    (4, Syscall::Irq),
    (2, Syscall::Console),
    (2, Syscall::Inspect),
];

/// Most tasks that a run has at once, so that they meet each other.
const CROWD: usize = 12;

/// A set of some of the first six services.
fn services(seed: u16) -> ServiceSet {
    (0..6).filter(|bit| seed >> bit & 1 != 0).fold(ServiceSet::EMPTY, |set, bit| set.with(bit * 20))
}

/// Rights made of a seed; mostly no more than `own`.
pub fn rights(seed: u16, own: &Rights) -> Rights {
    let both = |one: ServiceSet, two: ServiceSet| {
        let ([a, b], [c, d]) = (one.words(), two.words());
        ServiceSet::from_words([a & c, b & d])
    };
    let mut rights = Rights {
        powers: Powers(u64::from(seed >> 3 & 31)),
        may_send: services(seed >> 2),
        provides: services(seed >> 7),
        ..Rights::NONE
    };
    rights.irqs[seed as usize % 4] = Range { start: 0, end: u64::from(seed % 12) };
    if seed.is_multiple_of(8) {
        return rights;
    }
    rights.powers.0 &= own.powers.0;
    rights.may_send = both(rights.may_send, own.may_send);
    rights.provides = both(rights.provides, own.provides);
    let covered = own.irqs.iter().any(|range| range.start == 0 && range.end >= u64::from(seed % 12));
    if !covered {
        rights.irqs = own.irqs;
    }
    rights
}

/// Makes system calls of seeds, for one caller in the world as it is.
pub struct Chooser<'a> {
    pub world: &'a World,
    pub caller: TaskId,
}

impl Chooser<'_> {
    /// Some task's ID: mostly of one that lives, sometimes of a dead one, sometimes garbage.
    fn anyone(&self, seed: u16) -> usize {
        let pick = seed as usize >> 5;
        let living: Vec<TaskId> = self.world.tasks.keys().copied().collect();
        let dead: Vec<TaskId> = self.world.dead.iter().copied().collect();
        let id = living[pick % living.len()];
        let peers = |&&id: &&TaskId| id != self.caller && !self.world.tasks[&id].ended;
        let peers: Vec<TaskId> = living.iter().filter(peers).copied().collect();
        match seed % 32 {
            0 => [0, usize::MAX, 1, 0xfff][pick % 4],
            1 => id.raw() + (1 << 12),
            2 => id.raw() | 1 << 32,
            3..=4 if !dead.is_empty() => dead[pick % dead.len()].raw(),
            5..=8 => id.raw(),
            _ => peers.get(pick % peers.len().max(1)).unwrap_or(&id).raw(),
        }
    }

    /// Mostly one of those for which `wanted` holds.
    fn one_of(&self, seed: u16, wanted: impl Fn(TaskId) -> bool) -> usize {
        let ids: Vec<TaskId> = self.world.tasks.keys().copied().filter(|&id| wanted(id)).collect();
        match (ids.is_empty(), seed % 8) {
            (true, _) | (_, 0) => self.anyone(seed >> 3),
            _ => ids[(seed >> 3) as usize % ids.len()].raw(),
        }
    }

    fn client(&self, seed: u16) -> usize {
        self.one_of(seed, |id| self.world.waits_for(id, self.caller))
    }

    fn lender(&self, seed: u16) -> usize {
        self.one_of(seed, |id| self.world.doing(id) == Some(Doing::Calling(self.caller)))
    }

    fn child(&self, seed: u16) -> usize {
        self.one_of(seed, |id| self.world.tasks[&id].pager == Some(self.caller))
    }

    fn info(&self, seed: u16, lends: bool) -> usize {
        let info = MessageInfo::new(seed, (seed >> 5) as usize % 31);
        match seed % 32 {
            0 => (seed as usize) << 16,
            1 => info.with_lends(1, 1).raw(),
            _ if lends => info.with_lends(seed as usize % 5, u32::from(seed >> 8)).raw(),
            _ => info.raw(),
        }
    }

    fn buffer(&self, seed: u16) -> usize {
        let offset = (seed >> 4) as usize % 256;
        match seed % 16 {
            // A fault of the first task would end the run.
            _ if self.world.tasks[&self.caller].pager.is_none() => BUFFER + offset,
            0 => NOWHERE,
            1 => CONSTANTS + offset,
            2 => [usize::MAX, usize::MAX - 7, 1 << 47, 0][offset % 4],
            3 => CONSTANTS - 8,
            _ => BUFFER + offset,
        }
    }

    /// The call; the first task, whom everything depends on, seldom does what could block it for ever.
    pub fn request(&self, call: Syscall, seeds: [u16; 5]) -> Request {
        let [a, b, c, d, e] = seeds;
        let is_first = self.world.tasks[&self.caller].pager.is_none();
        let lends = self.world.tasks.values().any(|actor| actor.doing == Doing::Calling(self.caller));
        let faulted = self.world.tasks.values().any(|actor| actor.doing == Doing::Faulted(self.caller));
        let call = match call {
            Syscall::Notify | Syscall::Irq | Syscall::Schedule | Syscall::Timer if lends => Syscall::LendCopy,
            _ if is_first && faulted && a.is_multiple_of(2) => Syscall::ReplyReceive,
            _ if is_first && b.is_multiple_of(3) => Syscall::Receive,
            Syscall::Call | Syscall::Exit if is_first && !e.is_multiple_of(16) => Syscall::ReplyReceive,
            Syscall::TaskCreate if self.world.tasks.len() >= CROWD => Syscall::TaskDestroy,
            call => call,
        };
        let small = |seed: u16| if seed.is_multiple_of(32) { usize::MAX } else { seed as usize % 64 };
        let arguments = match call {
            Syscall::OwnId | Syscall::Clock => [0; 5],
            Syscall::Send if is_first => [self.anyone(a), self.info(b, false), 1, 0, 0],
            Syscall::Send => [self.anyone(a), self.info(b, false), c as usize % 9 / 4, 0, 0],
            Syscall::Receive if a.is_multiple_of(4) && !is_first => [self.anyone(b), 0, 0, 0, 0],
            Syscall::Receive => [0; 5],
            Syscall::Call => [self.anyone(a), self.info(b, true), 0, 0, 0],
            Syscall::Reply | Syscall::ReplyReceive => [self.client(a), self.info(b, false), 0, 0, 0],
            Syscall::Notify => [self.anyone(a), (b as usize) << 8, 0, 0, 0],
            Syscall::LendCopy => {
                let selector = (b as usize % 4) | (b as usize >> 2 & 1) << 8;
                let selector = if b.is_multiple_of(32) { b as usize } else { selector };
                [self.lender(a), selector, small(c) / 4, self.buffer(d), small(e) / 4]
            }
            Syscall::Timer => [if a.is_multiple_of(4) { small(b) } else { b as usize * 100 }, 0, 0, 0, 0],
            Syscall::TaskCreate => [if a.is_multiple_of(8) { self.buffer(b) } else { BUFFER }, 0, 0, 0, 0],
            Syscall::TaskDestroy => [self.child(a), 0, 0, 0, 0],
            Syscall::Exit => [a as usize, b as usize % 2, 0, 0, 0],
            Syscall::Schedule => {
                // 31 is left to the first task, so that it is never locked out.
                let priority = if b.is_multiple_of(16) { 32 + b as usize } else { b as usize % 5 * 7 };
                let quantum = if c.is_multiple_of(4) { 0 } else { c as usize * 50 };
                let policy = if d.is_multiple_of(32) { d as usize } else { d as usize % 2 };
                [self.child(a), priority, quantum, policy, if e.is_multiple_of(32) { 2 } else { 1 }]
            }
            Syscall::Map | Syscall::Unmap => {
                let address = 0x1000_0000 + (b as usize % 2) * 4096 + usize::from(b.is_multiple_of(32));
                let frame = 0x20_0000 + (c as usize % 64) * 4096;
                let target = if a.is_multiple_of(4) { self.caller.raw() } else { self.child(a) };
                let more =
                    [0, 0, 0, 0, 1, 3, MapFlags::MORE_MAX, MapFlags::MORE_MAX + 1][d as usize / 10 % 8];
                [target, address, frame, (d as usize % 10) | (more << 16), (e as usize % 2) * 0x30_0000]
            }
            Syscall::Irq => [a as usize % 7 / 2, b as usize % 18, (c as usize % 4) << 16, 0, 0],
            Syscall::Console => [a as usize % 9 / 4, self.buffer(b), small(c), 0, 0],
            Syscall::Inspect => {
                // Halting is left to the scenarios: it would end every run early.
                let place = self.world.find(self.anyone(b)).map_or(b as usize % 600, |id| id.index().get());
                let operation = [0, 0, 0, 1, 1, 3, usize::MAX][a as usize % 7];
                [operation, place, self.buffer(c), small(d), 0]
            }
        };
        Request { number: call as usize, arguments }
    }

    /// What to write to the caller's buffer before `task_create`.
    pub fn parameters(&self, seeds: [u16; 5], frames: u64) -> TaskCreate {
        let (root, message) = if seeds[3].is_multiple_of(16) { (0, 0) } else { (frames, frames + 4096) };
        let rights = rights(seeds[2], &self.world.tasks[&self.caller].rights);
        TaskCreate { entry: 0x21_0000, stack: 0x1f_f000, argument: 0, root, message, rights }
    }
}
