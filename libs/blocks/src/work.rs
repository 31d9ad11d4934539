//! The requests that a driver has taken and not answered: one table for all users.

use crate::{REQUESTS, Transfer};
use alloc::vec::Vec;

/// How many ticks a request may take.
const PATIENCE: u8 = 3;

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Whose.
    pub place: usize,
    pub transfer: Transfer,
    /// Whether the device has it.
    pub started: bool,
    /// Ticks since it was started.
    age: u8,
}

/// The table. A job's token is its place there.
pub struct Work {
    jobs: Vec<Option<Job>>,
    count: usize,
    /// Jobs that the device does not have.
    idle: usize,
}

impl Work {
    /// Room for [`REQUESTS`] jobs.
    pub fn new() -> Self {
        Self { jobs: alloc::vec![None; REQUESTS], count: 0, idle: 0 }
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub const fn is_full(&self) -> bool {
        self.count == REQUESTS
    }

    /// Adds a job that is not started; its token. `None` if there is no room.
    pub fn add(&mut self, place: usize, transfer: Transfer) -> Option<u16> {
        let token = self.jobs.iter().position(Option::is_none)?;
        *self.jobs.get_mut(token)? = Some(Job { place, transfer, started: false, age: 0 });
        (self.count, self.idle) = (self.count + 1, self.idle + 1);
        Some(token as u16)
    }

    /// The job with this token.
    pub fn get(&self, token: u16) -> Option<&Job> {
        self.jobs.get(usize::from(token))?.as_ref()
    }

    /// The device has it now.
    pub fn set_started(&mut self, token: u16) {
        if let Some(Some(job)) = self.jobs.get_mut(usize::from(token))
            && !job.started
        {
            (job.started, job.age) = (true, 0);
            self.idle -= 1;
        }
    }

    /// Takes a job out.
    pub fn remove(&mut self, token: u16) -> Option<Job> {
        let job = self.jobs.get_mut(usize::from(token))?.take()?;
        self.count -= 1;
        self.idle -= usize::from(!job.started);
        Some(job)
    }

    /// A job that the device does not have, not of these disks (bits).
    pub fn first_idle(&self, except: u32) -> Option<u16> {
        if self.idle == 0 {
            return None;
        }
        self.find(|job| !job.started && except >> job.transfer.unit & 1 == 0)
    }

    /// A job of this place.
    pub fn first_of(&self, place: usize) -> Option<u16> {
        self.find(|job| job.place == place)
    }

    /// Some time has passed. Whether a job has taken too long.
    pub fn tick(&mut self) -> bool {
        let mut late = false;
        for job in self.jobs.iter_mut().flatten().filter(|job| job.started) {
            job.age = job.age.saturating_add(1);
            late |= job.age >= PATIENCE;
        }
        late
    }

    /// The device was reset: it has no job any more.
    pub fn stopped(&mut self) {
        for job in self.jobs.iter_mut().flatten() {
            job.started = false;
        }
        self.idle = self.count;
    }

    /// A job that has taken too long.
    pub fn first_late(&self) -> Option<u16> {
        self.find(|job| job.age >= PATIENCE)
    }

    fn find(&self, wanted: impl Fn(&Job) -> bool) -> Option<u16> {
        let found = |job: &Option<Job>| job.as_ref().is_some_and(&wanted);
        self.jobs.iter().position(found).map(|token| token as u16)
    }
}
