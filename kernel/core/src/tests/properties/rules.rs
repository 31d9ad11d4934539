//! Which errors the manual allows a system call to return in the world as it is. None: it has to succeed.

extern crate std;

use std::vec::Vec;

use abi::{
    COUNTED_TASKS, Error, LendSelector, MAX_COPY, MAX_TASKS, MapFlags, MessageInfo, PRIORITIES, Powers,
    Range, Rights, TaskCreate, TaskId,
};

use super::world::{Doing, Style, World};
use crate::machine::Request;
use crate::tests::model::{IRQS, MESSAGES, PAGE};
use crate::tests::system::{BUFFER, CONSTANTS};

/// The first byte of a buffer that its owner cannot access like this.
pub fn inaccessible(address: usize, length: usize, write: bool) -> Option<usize> {
    let end = if write { BUFFER + PAGE } else { CONSTANTS + PAGE };
    if length == 0 {
        None
    } else if !(BUFFER..end).contains(&address) {
        Some(address)
    } else {
        (length > end - address).then_some(end)
    }
}

/// What the rules need to know besides the world: what the caller's and the lender's memory says.
pub struct Facts {
    /// The parameters at the address given to `task_create`.
    pub create: Option<TaskCreate>,
    /// The region lent by the task given to `lend_copy`.
    pub lend: abi::Lend,
    /// Bytes written to the console so far.
    pub logged: usize,
}

impl Facts {
    /// From where and how much of the log is read.
    pub fn log_read(&self, position: usize, length: usize) -> (usize, usize) {
        let oldest = self.logged.saturating_sub(16 * 1024);
        let start = if (oldest..=self.logged).contains(&position) { position } else { oldest };
        (start, length.min(abi::MAX_CONSOLE).min(self.logged - start))
    }
}

/// The errors, and the caller's own memory that the call cannot access, with the kind of access.
pub struct Verdict {
    pub errors: Vec<Error>,
    pub fault: Option<(usize, abi::Access)>,
}

impl Verdict {
    fn error(&mut self, applies: bool, error: Error) {
        if applies {
            self.errors.push(error);
        }
    }

    fn access(&mut self, address: usize, length: usize, write: bool) {
        let access = if write { abi::Access::WRITE } else { abi::Access::READ };
        self.fault = inaccessible(address, length, write).map(|address| (address, access));
    }
}

fn within(inner: &[Range], outer: &[Range]) -> bool {
    inner
        .iter()
        .filter(|range| range.start < range.end)
        .all(|range| outer.iter().any(|outer| outer.start <= range.start && range.end <= outer.end))
}

fn rights_within(inner: &Rights, outer: &Rights) -> bool {
    let bits = |rights: &Rights| {
        let ([a, b], [c, d]) = (rights.may_send.words(), rights.provides.words());
        [rights.powers.0, a, b, c, d]
    };
    bits(inner).iter().zip(bits(outer)).all(|(inner, outer)| inner | outer == outer)
        && within(&inner.irqs, &outer.irqs)
        && within(&inner.ports, &outer.ports)
        && within(&inner.mmio, &outer.mmio)
}

impl World {
    fn may_send(&self, from: TaskId, to: TaskId) -> bool {
        let ([a, b], [c, d]) =
            (self.tasks[&from].rights.may_send.words(), self.tasks[&to].rights.provides.words());
        (a & c) != 0 || (b & d) != 0 || self.tasks[&from].pager == Some(to)
    }

    fn has_power(&self, id: TaskId, power: Powers) -> bool {
        self.tasks[&id].rights.powers.0 & power.0 == power.0
    }

    /// What the manual says about `caller` making this call.
    pub fn judge(&self, caller: TaskId, request: &Request, facts: &Facts) -> Verdict {
        let mut verdict = Verdict { errors: Vec::new(), fault: None };
        match request.number {
            0 | 8 | 9 | 12 => {}
            1..=7 => self.judge_messages(&mut verdict, caller, request, facts),
            10..=15 => self.judge_tasks(&mut verdict, caller, request, facts),
            16..=18 => self.judge_devices(&mut verdict, caller, request, facts),
            _ => verdict.error(true, Error::NotSupported),
        }
        verdict
    }

    /// Messages, notifications and lends.
    fn judge_messages(&self, verdict: &mut Verdict, caller: TaskId, request: &Request, facts: &Facts) {
        let [first, second, third, ..] = request.arguments;
        let target = self.find(first);
        let alive = target.filter(|target| !self.tasks[target].ended);
        match request.number {
            1 => {
                self.judge_message(verdict, caller, first, second, false);
                verdict.error(third > 1, Error::InvalidArgument);
                let waits = alive.is_some_and(|to| self.receives_from(to, caller));
                verdict.error(third == 1 && !waits, Error::WouldBlock);
            }
            2 => {
                let queued = target.is_some_and(|from| self.tasks[&caller].queue.contains(&from));
                verdict.error(first != 0 && alive.is_none() && !queued, Error::NoTask);
                verdict.error(target == Some(caller), Error::InvalidArgument);
            }
            3 => self.judge_message(verdict, caller, first, second, true),
            4 => {
                verdict.error(target.is_none(), Error::NoTask);
                verdict
                    .error(!target.is_some_and(|client| self.waits_for(client, caller)), Error::NotWaiting);
                verdict.error(is_malformed(second, false), Error::InvalidArgument);
            }
            5 => verdict.error(is_malformed(second, false), Error::InvalidArgument),
            6 => {
                verdict.error(alive.is_none(), Error::NoTask);
                let may = |to| self.may_send(caller, to) || self.may_send(to, caller);
                verdict.error(target.is_some_and(|to| !may(to)), Error::NotPermitted);
            }
            7 => self.judge_lend(verdict, caller, request, facts),
            _ => {}
        }
    }

    /// Tasks and their memory.
    fn judge_tasks(&self, verdict: &mut Verdict, caller: TaskId, request: &Request, facts: &Facts) {
        let [first, second, third, fourth, fifth] = request.arguments;
        let target = self.find(first);
        let alive = target.filter(|target| !self.tasks[target].ended);
        match request.number {
            10 => {
                verdict
                    .error(!self.has_power(caller, Powers::CREATE.union(Powers::MAP)), Error::NotPermitted);
                verdict.access(first, TaskCreate::WORDS * 8, false);
                let rights = facts.create.map(|create| create.rights);
                let within = rights.is_none_or(|rights| rights_within(&rights, &self.tasks[&caller].rights));
                verdict.error(!within, Error::NotPermitted);
            }
            11 => self.judge_child(verdict, caller, target),
            13 => {
                self.judge_child(verdict, caller, target);
                verdict.error(alive.is_none(), Error::NoTask);
                let bad =
                    second >= PRIORITIES || (1..100_000).contains(&third) || fourth > 1 || fifth & 1 == 0;
                verdict.error(bad, Error::InvalidArgument);
            }
            14 | 15 => {
                verdict.error(alive.is_none(), Error::NoTask);
                verdict.error(!self.has_power(caller, Powers::MAP), Error::NotPermitted);
                if target != Some(caller) {
                    self.judge_child(verdict, caller, target);
                }
                let bad = request.number == 14 && MapFlags::from_raw(fourth).is_none();
                verdict.error(bad, Error::InvalidArgument);
            }
            _ => {}
        }
    }

    /// IRQs, the console and what the kernel tells of itself.
    fn judge_devices(&self, verdict: &mut Verdict, caller: TaskId, request: &Request, facts: &Facts) {
        let [first, second, third, fourth, _] = request.arguments;
        match request.number {
            16 => self.judge_irq(verdict, caller, [first, second, third]),
            17 => {
                verdict.error(first > 1, Error::InvalidArgument);
                verdict.error(first == 1 && !self.has_power(caller, Powers::CONSOLE), Error::NotPermitted);
                if first == 0 {
                    verdict.access(second, third.min(abi::MAX_CONSOLE), false);
                } else if first == 1 {
                    verdict.access(second, third.min(abi::MAX_CONSOLE).min(self.input), true);
                }
            }
            18 => {
                let power = if first == 2 { Powers::POWER } else { Powers::INSPECT };
                verdict.error(!self.has_power(caller, power), Error::NotPermitted);
                verdict.error(first > 3 || (first == 3 && second >= COUNTED_TASKS), Error::InvalidArgument);
                verdict.error(first == 0 && second >= MAX_TASKS, Error::InvalidArgument);
                let lives = self.tasks.keys().any(|id| id.index().get() == second);
                verdict.error(first == 0 && second < MAX_TASKS && !lives, Error::NoTask);
                if first == 0 {
                    verdict.access(third, abi::TaskInfo::WORDS * 8, true);
                } else if first == 1 {
                    verdict.access(third, facts.log_read(second, fourth).1, true);
                } else if first == 3 {
                    verdict.access(third, COUNTED_TASKS * 4, true);
                }
            }
            _ => {}
        }
    }

    fn judge_message(&self, verdict: &mut Verdict, caller: TaskId, to: usize, info: usize, lending: bool) {
        let to = self.find(to);
        verdict.error(to.is_none_or(|to| self.tasks[&to].ended), Error::NoTask);
        verdict.error(to.is_some_and(|to| !self.may_send(caller, to)), Error::NotPermitted);
        verdict.error(to == Some(caller) || is_malformed(info, lending), Error::InvalidArgument);
    }

    fn judge_child(&self, verdict: &mut Verdict, caller: TaskId, target: Option<TaskId>) {
        verdict.error(target.is_none(), Error::NoTask);
        let others = target.is_some_and(|target| self.tasks[&target].pager != Some(caller));
        verdict.error(others, Error::NotPermitted);
    }

    fn judge_irq(&self, verdict: &mut Verdict, caller: TaskId, [operation, irq, bits]: [usize; 3]) {
        let ranges = self.tasks[&caller].rights.irqs;
        let allowed = ranges.iter().any(|range| range.start <= irq as u64 && (irq as u64) < range.end);
        verdict.error(!allowed, Error::NotPermitted);
        verdict.error(irq >= IRQS || operation > 3 || (operation == 0 && bits == 0), Error::InvalidArgument);
        verdict.error(operation == 3 && irq < MESSAGES, Error::InvalidArgument);
        let owner = self.irqs.get(irq).copied().flatten().map(|(owner, _)| owner);
        let others = operation == 0 && owner.is_some_and(|owner| owner != caller);
        verdict.error(others, Error::AlreadyExists);
        verdict.error((1..=2).contains(&operation) && owner != Some(caller), Error::NotPermitted);
    }

    fn judge_lend(&self, verdict: &mut Verdict, caller: TaskId, request: &Request, facts: &Facts) {
        let [lender, selector, offset, buffer, length] = request.arguments;
        let lender = self.find(lender);
        verdict.error(lender.is_none(), Error::NoTask);
        let call = lender.filter(|&lender| self.doing(lender) == Some(Doing::Calling(caller)));
        verdict.error(call.is_none(), Error::NotWaiting);
        let message = call.and_then(|lender| self.tasks[&lender].message.as_ref());
        let Some(message) = message.filter(|message| message.style == Style::Call) else { return };
        let selector = LendSelector::from_raw(selector).filter(|lend| lend.index < message.info.lends());
        verdict.error(selector.is_none() || length > MAX_COPY, Error::InvalidArgument);
        let Some(LendSelector { index, write }) = selector else { return };
        verdict.error(write && !message.info.is_writable(index), Error::NotPermitted);
        let in_bounds = offset.checked_add(length).is_some_and(|end| end as u64 <= facts.lend.length);
        verdict.error(!in_bounds, Error::OutOfBounds);
        let address = (facts.lend.address as usize).checked_add(offset);
        let bad = address.is_none_or(|address| inaccessible(address, length, write).is_some());
        verdict.error(bad, Error::BadLend);
        verdict.access(buffer, length, !write);
    }
}

fn is_malformed(info: usize, lending: bool) -> bool {
    MessageInfo::from_raw(info).is_none_or(|info| !lending && info.lends() > 0)
}
