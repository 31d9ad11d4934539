//! Who provides which service, and who waits for one.
//!
//! Every name is known from the manifests before the first program runs, and has a number below
//! [`abi::MAX_SERVICES`] for the kernel's [`abi::ServiceSet`]. A task waits for at most one service at a time, because
//! it is blocked in its call meanwhile; so the table of waiting tasks has a place for each task and is never full.
//!
//! Says nothing about rights: whoever calls has compared the manifest.

use abi::{Error, MAX_SERVICES, MAX_TASKS, TaskId, TaskIndex};

/// A service's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Service(u8);

impl Service {
    /// Every number, given to a name or not.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..MAX_SERVICES as u8).map(Self)
    }

    /// The number, below [`MAX_SERVICES`].
    pub const fn get(self) -> usize {
        self.0 as usize & (MAX_SERVICES - 1)
    }
}

/// All services.
pub struct Services {
    names: [Option<&'static str>; MAX_SERVICES],
    count: usize,
    providers: [Option<TaskId>; MAX_SERVICES],
    /// For each task: the number of the service that it waits for, plus 1.
    waiting: [u8; MAX_TASKS],
    /// How many wait for each service: most often none, and then nobody has to be looked for.
    waiters: [u16; MAX_SERVICES],
}

impl Services {
    /// No services.
    pub const fn new() -> Self {
        Self {
            names: [None; MAX_SERVICES],
            count: 0,
            providers: [None; MAX_SERVICES],
            waiting: [0; MAX_TASKS],
            waiters: [0; MAX_SERVICES],
        }
    }

    /// The service with this name, which gets a number if it is new. `TableFull`: there are [`MAX_SERVICES`].
    pub fn add(&mut self, name: &'static str) -> Result<Service, Error> {
        if let Some(service) = self.find(name) {
            return Ok(service);
        }
        *self.names.get_mut(self.count).ok_or(Error::TableFull)? = Some(name);
        self.count += 1;
        Ok(Service((self.count - 1) as u8))
    }

    /// The service with this name.
    pub fn find(&self, name: &str) -> Option<Service> {
        let known = self.names.get(..self.count)?;
        known.iter().position(|known| *known == Some(name)).map(|number| Service(number as u8))
    }

    /// The service's name.
    pub fn name(&self, service: Service) -> &'static str {
        self.names[service.get()].unwrap_or("")
    }

    /// Who provides it now.
    pub fn provider(&self, service: Service) -> Option<TaskId> {
        self.providers[service.get()]
    }

    /// Makes `task` the provider. `AlreadyExists`: another task is.
    pub fn serve(&mut self, service: Service, task: TaskId) -> Result<(), Error> {
        match self.provider(service) {
            Some(provider) if provider != task => Err(Error::AlreadyExists),
            _ => {
                self.providers[service.get()] = Some(task);
                Ok(())
            }
        }
    }

    /// Notes that `task` waits for `service`, and for no other.
    pub fn wait(&mut self, service: Service, task: TaskIndex) {
        self.stop_waiting(task);
        self.waiting[task.get()] = service.0 + 1;
        self.waiters[service.get()] += 1;
    }

    /// Takes one of those who wait for `service`.
    pub fn next_waiter(&mut self, service: Service) -> Option<TaskIndex> {
        if self.waiters[service.get()] == 0 {
            return None;
        }
        let place = self.waiting.iter().position(|&waiting| waiting == service.0 + 1)?;
        let task = TaskIndex::new(place);
        self.stop_waiting(task);
        Some(task)
    }

    /// Forgets what `task` waited for.
    pub fn stop_waiting(&mut self, task: TaskIndex) {
        if let Some(number) = self.waiting[task.get()].checked_sub(1) {
            self.waiters[Service(number).get()] -= 1;
            self.waiting[task.get()] = 0;
        }
    }

    /// Forgets a task that has ended: its name becomes free.
    pub fn forget(&mut self, task: TaskId) {
        self.stop_waiting(task.index());
        for provider in &mut self.providers[..self.count.min(MAX_SERVICES)] {
            if *provider == Some(task) {
                *provider = None;
            }
        }
    }
}

impl Default for Services {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::boxed::Box;
    use std::collections::BTreeMap;
    use std::format;

    fn task(index: usize, generation: u32) -> TaskId {
        TaskId::new(TaskIndex::new(index), generation).unwrap()
    }

    #[test]
    fn names_get_numbers_until_none_is_left() {
        let mut services = Services::new();
        for number in 0..MAX_SERVICES {
            let name = Box::leak(format!("service{number}").into_boxed_str());
            let service = services.add(name).unwrap();
            assert_eq!((service.get(), services.add(name)), (number, Ok(service)));
            assert_eq!(services.name(service), name);
        }
        assert_eq!(services.add("one too many"), Err(Error::TableFull));
        assert_eq!(services.find("unknown"), None);
    }

    #[test]
    fn a_dead_providers_name_becomes_free() {
        let mut services = Services::new();
        let fs = services.add("fs").unwrap();
        services.serve(fs, task(3, 1)).unwrap();
        assert_eq!(services.serve(fs, task(3, 1)), Ok(()));
        assert_eq!(services.serve(fs, task(4, 1)), Err(Error::AlreadyExists));
        services.forget(task(3, 2));
        assert_eq!(services.provider(fs), Some(task(3, 1)), "another task at the same place is another task");
        services.forget(task(3, 1));
        assert_eq!(services.serve(fs, task(4, 1)), Ok(()));
    }

    proptest! {
        #[test]
        fn everybody_waits_for_the_last_thing_asked_for(
            steps in proptest::collection::vec((0..3u8, 0..4usize, 0..6usize), 1..100)
        ) {
            let mut services = Services::new();
            let all = ["a", "b", "c", "d"].map(|name| services.add(name).unwrap());
            let mut model: BTreeMap<usize, usize> = BTreeMap::new();
            for (action, service, index) in steps {
                match action {
                    0 => {
                        services.wait(all[service], TaskIndex::new(index));
                        model.insert(index, service);
                    }
                    1 => {
                        services.stop_waiting(TaskIndex::new(index));
                        model.remove(&index);
                    }
                    _ => {
                        let waiter = services.next_waiter(all[service]).map(TaskIndex::get);
                        let expected = model.iter().find(|entry| *entry.1 == service).map(|entry| *entry.0);
                        prop_assert_eq!(waiter, expected);
                        model.retain(|index, _| Some(*index) != waiter);
                    }
                }
            }
            for (number, service) in all.into_iter().enumerate() {
                while let Some(waiter) = services.next_waiter(service) {
                    prop_assert_eq!(model.remove(&waiter.get()), Some(number));
                }
            }
            prop_assert!(model.is_empty());
        }
    }
}
