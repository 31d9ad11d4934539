//! Those who wait for a driver.

use crate::manager::Manager;
use crate::slot::{Life, Slot};
use alloc::string::String;
use alloc::vec::Vec;
use interfaces::dm::{DriverOfCall, NAME_MAX};
use ipc::{Error, TaskId};

/// Most tasks that wait at once.
const MOST_WAITING: usize = 32;

/// The calls that are not answered yet, with the names of the units.
#[derive(Default)]
pub struct Waiting(Vec<(String, DriverOfCall)>);

/// What is known of a unit.
enum Unit {
    /// This driver has it.
    Driver(TaskId, u32),
    /// That is to be seen.
    Unknown,
    /// There is none, or none now.
    None(Error),
}

fn look(slots: &[Slot], name: &str) -> Unit {
    for slot in slots {
        let Some(unit) = slot.names.iter().position(|of_unit| of_unit == name) else { continue };
        return match slot.life {
            Life::Running(running) if !running.ready => Unit::Unknown,
            Life::Running(running) if running.units >> unit & 1 == 0 => Unit::None(Error::NotFound),
            Life::Running(running) => Unit::Driver(running.task, unit as u32),
            Life::Waiting => Unit::Unknown,
            Life::Parked => Unit::None(Error::InputOutput),
        };
    }
    Unit::None(Error::NotFound)
}

impl<C> Manager<C> {
    /// Answers a call, or keeps it until there is an answer.
    pub(crate) fn answer_or_keep(&mut self, call: DriverOfCall) {
        let mut buffer = [0; NAME_MAX];
        let name = match call.name().read(&mut buffer) {
            Ok(name) => name,
            Err(error) => return call.fail(error),
        };
        match look(&self.slots, name) {
            Unit::Driver(task, unit) => call.reply(task, unit),
            Unit::None(error) => call.fail(error),
            Unit::Unknown => {
                let waiting = &mut self.waiting.0;
                if waiting.len() == MOST_WAITING {
                    // Those who have ended wait no more; only notifying tells.
                    waiting.retain(|(_, call)| ipc::notify(call.sender(), 0).is_ok());
                }
                if waiting.len() == MOST_WAITING {
                    return call.fail(Error::TableFull);
                }
                waiting.push((name.into(), call));
            }
        }
    }

    /// Answers those whose driver has become ready, or will not.
    pub(crate) fn answer_waiting(&mut self) {
        for (name, call) in core::mem::take(&mut self.waiting.0) {
            match look(&self.slots, &name) {
                Unit::Driver(task, unit) => call.reply(task, unit),
                Unit::None(error) => call.fail(error),
                Unit::Unknown => self.waiting.0.push((name, call)),
            }
        }
    }
}
