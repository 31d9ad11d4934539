//! Tasks, and who talks to whom.

use super::{Api, Row};
use crate::json::Json;
use crate::system::System;
use abi::{COUNTED_TASKS, Error, MAX_TASKS, TaskId};
use alloc::boxed::Box;
use alloc::vec::Vec;
use interfaces::vm;

/// Names of tasks that were asked for before, by their places. An ID is never another task's, so they stay right.
pub struct Names {
    places: Vec<Option<(TaskId, Box<str>)>>,
}

impl Names {
    pub const fn new() -> Self {
        Self { places: Vec::new() }
    }

    /// The name of a task; empty if it has ended before anybody asked.
    fn get(&mut self, task: TaskId, system: &mut impl System) -> &str {
        let place = task.index().get();
        if self.places.len() <= place {
            self.places.resize_with(place + 1, || None);
        }
        let Some(known) = self.places.get_mut(place) else { return "" };
        if known.as_ref().is_none_or(|(id, _)| *id != task) {
            let mut buffer = [0; vm::NAME_MAX];
            *known = system.task_name(task, &mut buffer).ok().map(|name| (task, name.into()));
        }
        known.as_ref().map_or("", |(_, name)| name)
    }
}

impl<Y: System> Api<Y> {
    /// The task at a place, or at the next one that is taken.
    pub(super) fn task_row(&mut self, row: usize, json: &mut Json<'_>) -> Row {
        for place in row..MAX_TASKS {
            let task = match self.system.task(place) {
                Ok(task) => task,
                Err(Error::NoTask) => continue,
                Err(_) => break,
            };
            let name = self.names.get(task.id, &mut self.system);
            json.object(|json| {
                json.name("id").display(Some(task.id));
                json.name("name").text(name);
                json.name("state").text(task.state.text());
                json.name("waits_for").display(task.peer);
                json.name("priority").number(task.priority);
                json.name("pager").display(task.pager);
                json.name("senders").number(task.senders);
                json.name("messages").number(task.received);
                json.name("time").number(task.time);
            });
            return Row::Next(place + 1);
        }
        Row::End
    }

    /// What the task at a place has received, or the next one that has received anything.
    pub(super) fn message_row(&mut self, row: usize, json: &mut Json<'_>) -> Row {
        let mut counts = [0; COUNTED_TASKS];
        for receiver in row..COUNTED_TASKS {
            if self.system.messages(receiver, &mut counts).is_err() {
                break;
            }
            if counts.iter().all(|&count| count == 0) {
                continue;
            }
            for (sender, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                json.array(|json| {
                    json.number(sender as u64);
                    json.number(receiver as u64);
                    json.number(count);
                });
            }
            return Row::Next(receiver + 1);
        }
        Row::End
    }
}
