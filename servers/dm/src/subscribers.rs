//! Who is notified when drivers come and go.

use alloc::vec::Vec;
use interfaces::dm::{Class, NOTIFY_DEVICES};
use ipc::{Error, TaskId};

/// Most subscriptions at once.
pub const MOST_SUBSCRIBERS: usize = 32;

/// The subscriptions.
#[derive(Default, Debug)]
pub struct Subscribers(Vec<(TaskId, Class)>);

impl Subscribers {
    /// Adds one, in place of those whose tasks have ended if there is no room. `TableFull`: none has.
    pub fn add(&mut self, task: TaskId, class: Class) -> Result<(), Error> {
        if self.0.contains(&(task, class)) {
            return Ok(());
        }
        if self.0.len() == MOST_SUBSCRIBERS {
            // Nothing has changed for them, but only notifying tells who lives.
            self.keep(|_| true);
        }
        if self.0.len() == MOST_SUBSCRIBERS {
            return Err(Error::TableFull);
        }
        self.0.push((task, class));
        Ok(())
    }

    /// A driver of this class has become ready or has ended.
    pub fn notify(&mut self, class: Class) {
        self.keep(|other| other == class);
    }

    /// Notifies those with a class that matches, and forgets those that have ended.
    fn keep(&mut self, matches: impl Fn(Class) -> bool) {
        self.0
            .retain(|(task, class)| !matches(*class) || ipc::notify(*task, NOTIFY_DEVICES as usize).is_ok());
    }
}
