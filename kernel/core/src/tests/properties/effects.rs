//! What the system calls that succeed do to the world.

extern crate std;

use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{MessageInfo, TaskId, kind};

use super::driver::{Driver, ensure};
use super::rules::Facts;
use super::world::{Doing, Message, Style};
use crate::machine::{Reclaim, Request};
use crate::tests::model::{Event, Outcome};
use crate::tests::system::done;

impl Driver {
    /// What a call that succeeds does to the world.
    pub fn apply(
        &mut self,
        caller: TaskId,
        request: &Request,
        facts: &Facts,
        own: Option<Outcome>,
    ) -> Result<(), String> {
        match request.number {
            0..=9 => self.apply_message(caller, request, facts),
            10..=13 => self.apply_task(caller, request, facts, own),
            _ => self.apply_device(caller, request, facts),
        }
    }

    /// Messages, notifications and time.
    fn apply_message(&mut self, caller: TaskId, request: &Request, facts: &Facts) -> Result<(), String> {
        let [first, second, ..] = request.arguments;
        match (request.number, self.world.find(first)) {
            (0, _) => self.world.returns(caller, done(caller.raw())),
            (1 | 3, Some(to)) => {
                let style = if request.number == 1 { Style::Send } else { Style::Call };
                let info = MessageInfo::from_raw(second).ok_or("a malformed message was accepted")?;
                let payload = self.world.tasks[&caller].page[..info.words()].to_vec();
                self.world.post(caller, to, Message { style, info, payload });
            }
            (2, from) => self.world.receive(caller, from),
            (4 | 5, client) => {
                let info = MessageInfo::from_raw(second).ok_or("a malformed reply was accepted")?;
                if let Some(client) = client.filter(|&client| self.world.waits_for(client, caller)) {
                    self.world.reply(caller, client, info);
                }
                match request.number {
                    4 => self.world.returns(caller, done(0)),
                    _ => self.world.receive(caller, None),
                }
            }
            (6, Some(to)) => {
                self.world.notify(to, second);
                self.world.returns(caller, done(0));
            }
            (7, Some(lender)) => self.check_copy(caller, lender, request, facts)?,
            (8, _) => {
                let deadline = self.kernel.machine.now.saturating_add(first as u64);
                self.world.actor(caller).timer = (first != 0).then_some(deadline);
                self.world.returns(caller, done(0));
            }
            (9, _) => self.world.returns(caller, done(self.kernel.machine.now as usize)),
            _ => return unexpected(request),
        }
        Ok(())
    }

    /// Tasks.
    fn apply_task(
        &mut self,
        caller: TaskId,
        request: &Request,
        facts: &Facts,
        own: Option<Outcome>,
    ) -> Result<(), String> {
        let [first, second, _, fourth, _] = request.arguments;
        let value = own.and_then(|outcome| outcome.result.ok());
        match (request.number, self.world.find(first)) {
            (10, _) => {
                let id = value.and_then(TaskId::from_raw).ok_or("task_create returned no ID")?;
                let rights = facts.create.map(|create| create.rights).ok_or("task_create read no memory")?;
                self.world.add(id, Some(caller), rights)?;
                self.world.returns(caller, done(id.raw()));
                self.give_memory(id.index());
            }
            (11, Some(task)) => self.destroyed(caller, task)?,
            (12, _) => self.world.raise(caller, kind::EXIT, [first as u64, u64::from(second != 0)]),
            (13, Some(task)) => {
                let actor = self.world.actor(task);
                (actor.priority, actor.reports) = (second, fourth == 1);
                if actor.doing == Doing::New {
                    actor.doing = Doing::Ready;
                }
                self.world.returns(caller, done(0));
            }
            _ => return unexpected(request),
        }
        Ok(())
    }

    /// Memory, IRQs, the console and what the kernel tells of itself.
    fn apply_device(&mut self, caller: TaskId, request: &Request, facts: &Facts) -> Result<(), String> {
        let [first, second, third, fourth, _] = request.arguments;
        match (request.number, self.world.find(first)) {
            (14 | 15, Some(_)) => {
                let mapped = |event: &Event| match event {
                    Event::Mapped(result) => Some(*result),
                    _ => None,
                };
                let mapped: Vec<_> = self.kernel.machine.events.iter().map_while(mapped).collect();
                let [Ok(bits), behind @ ..] = &mapped[..] else {
                    return Err(format!("{request:?} did not reach the machine"));
                };
                // Pages follow one that is mapped until there are enough, or one cannot.
                let wanted = if request.number == 14 && bits & 1 != 0 { fourth >> 16 } else { 0 };
                let followed = behind.iter().take_while(|result| result.is_ok()).count();
                ensure(behind.len() == wanted.min(followed + 1), || format!("{request:?}: {mapped:?}"))?;
                self.world.returns(caller, done(bits + 4 * followed));
            }
            (16, _) if first == 3 => self.world.returns(caller, done(second << 32 | 0xfee0_0000)),
            (16, _) => {
                self.world.irqs[second] = match first {
                    0 => Some((caller, third)),
                    1 => self.world.irqs[second],
                    _ => None,
                };
                self.world.irq_enabled[second] = first != 2;
                self.world.returns(caller, done(0));
            }
            (17, _) => {
                let mut count = third.min(abi::MAX_CONSOLE);
                if first == 1 {
                    count = count.min(self.world.input);
                    (self.world.reader, self.world.input) = (Some(caller), self.world.input - count);
                }
                self.world.returns(caller, done(count));
            }
            (18, _) => {
                let (start, count) = facts.log_read(second, fourth);
                let read = Outcome { result: Ok(count), sender: None, info: start + count };
                self.world.returns(caller, if first == 1 { Some(read) } else { done(0) });
            }
            _ => return unexpected(request),
        }
        Ok(())
    }

    fn check_copy(
        &mut self,
        caller: TaskId,
        lender: TaskId,
        request: &Request,
        facts: &Facts,
    ) -> Result<(), String> {
        let [_, _, offset, buffer, length] = request.arguments;
        let lent = self.kernel.machine.peek(lender.index(), facts.lend.address as usize + offset, length);
        let copied = self.kernel.machine.peek(caller.index(), buffer, length);
        self.world.returns(caller, done(length));
        ensure(lent.is_some() && lent == copied, || format!("{request:?} copied something else"))
    }

    fn destroyed(&mut self, caller: TaskId, task: TaskId) -> Result<(), String> {
        let mut remaining = 1;
        if !matches!(self.world.doing(task), Some(Doing::Dying(_))) {
            self.world.begin_destroy(task);
        } else if !self.world.continue_destroy(task, caller) {
            let reclaimed = Event::Reclaimed(task.index(), Reclaim::Done);
            if self.kernel.machine.events.contains(&reclaimed) {
                self.world.bury(task)?;
                remaining = 0;
            }
        }
        self.world.returns(caller, done(remaining));
        Ok(())
    }
}

fn unexpected(request: &Request) -> Result<(), String> {
    Err(format!("{request:?} succeeded without a living target"))
}
