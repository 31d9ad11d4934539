//! What is measured, and how.

use crate::boot;
use crate::ticks::samples;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};
use interfaces::bench::Client;
use ipc::{Error, TaskId};

/// Unmeasured rounds before IPC is measured.
const WARM_UP: usize = 100;
/// Samples of what is quick.
const SAMPLES: usize = 1000;
/// Samples of a launch.
const LAUNCHES: usize = 50;
/// Pages that are touched for the page fault, each once.
const PAGES: usize = 256;
const PAGE: usize = 4096;
/// The bit that goes there and back.
const BIT: usize = 1 << 8;

/// A figure.
pub struct Figure {
    /// Its name in the results.
    pub name: &'static str,
    /// Measures it.
    pub measure: fn(&mut Peers) -> Result<Summary, Error>,
}

/// Every figure.
pub const ALL: &[Figure] = &[
    Figure { name: "null_call", measure: null_call },
    Figure { name: "ipc_0", measure: ipc_0 },
    Figure { name: "ipc_4", measure: ipc_4 },
    Figure { name: "ipc_24", measure: ipc_24 },
    Figure { name: "lend_64", measure: lend_64 },
    Figure { name: "lend_4096", measure: lend_4096 },
    Figure { name: "notify", measure: notify },
    Figure { name: "page_fault", measure: page_fault },
    Figure { name: "launch", measure: launch },
    Figure { name: "boot", measure: |_| boot::boot() },
];

/// The least, the middle and the greatest of some samples, in ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The least.
    pub min: u64,
    /// The middle.
    pub median: u64,
    /// The greatest.
    pub max: u64,
}

impl Summary {
    /// Of a figure that can be measured once only.
    pub const fn single(ticks: u64) -> Self {
        Self { min: ticks, median: ticks, max: ticks }
    }

    fn of(samples: Result<Vec<u64>, Error>) -> Result<Self, Error> {
        let mut samples = samples?;
        samples.sort_unstable();
        let at = |index: usize| samples.get(index).copied().ok_or(Error::Empty);
        Ok(Self { min: at(0)?, median: at(samples.len() / 2)?, max: at(samples.len().saturating_sub(1))? })
    }
}

/// The tasks on the other side.
pub struct Peers {
    vm: interfaces::vm::Client,
    server: Client,
}

impl Peers {
    /// Launches them.
    pub fn launch() -> Result<Self, Error> {
        let vm = resea::vm();
        let server = Client::new(run(&vm, b"benchmark\0server\0")?);
        // The first call waits until the server serves, and tells it whom to notify.
        server.nothing()?;
        Ok(Self { vm, server })
    }

    /// Ends them.
    pub fn end(self) {
        // It was launched by this task; if it has ended by itself, that is what was wanted.
        let _ = self.vm.kill(self.server.task());
    }
}

fn run(vm: &interfaces::vm::Client, arguments: &[u8]) -> Result<TaskId, Error> {
    vm.launch("bin/benchmark", arguments, b"")
}

/// The cheapest system call.
fn null_call(_: &mut Peers) -> Result<Summary, Error> {
    Summary::of(samples(WARM_UP, SAMPLES, || {
        core::hint::black_box(ipc::own_id());
        Ok(())
    }))
}

/// From stub to stub and back.
fn ipc_0(peers: &mut Peers) -> Result<Summary, Error> {
    Summary::of(samples(WARM_UP, SAMPLES, || peers.server.nothing()))
}

fn ipc_4(peers: &mut Peers) -> Result<Summary, Error> {
    Summary::of(samples(WARM_UP, SAMPLES, || {
        peers.server.words4(1, 2, 3, 4).map(|reply| {
            core::hint::black_box(reply);
        })
    }))
}

fn ipc_24(peers: &mut Peers) -> Result<Summary, Error> {
    let values = core::array::from_fn(|index| index as u64);
    Summary::of(samples(WARM_UP, SAMPLES, || {
        peers.server.words24(core::hint::black_box(values)).map(|reply| {
            core::hint::black_box(reply);
        })
    }))
}

fn lend_64(peers: &mut Peers) -> Result<Summary, Error> {
    lend(peers, &[1; 64])
}

fn lend_4096(peers: &mut Peers) -> Result<Summary, Error> {
    lend(peers, &alloc::vec![1; 4096])
}

/// A call that lends memory, which the server copies once.
fn lend(peers: &mut Peers, data: &[u8]) -> Result<Summary, Error> {
    Summary::of(samples(WARM_UP, SAMPLES, || peers.server.lend(data)))
}

/// A notification to a task that waits for one and its notification back: two calls and a switch each way.
fn notify(peers: &mut Peers) -> Result<Summary, Error> {
    let server = peers.server.task();
    Summary::of(samples(WARM_UP, SAMPLES, || {
        ipc::notify(server, BIT)?;
        loop {
            let received = ipc::receive(None)?;
            if received.sender.is_none() {
                return Ok(());
            }
        }
    }))
}

/// The first access to a page of zeroed memory: the kernel asks vm, which maps one.
fn page_fault(_: &mut Peers) -> Result<Summary, Error> {
    static MEMORY: [AtomicU8; PAGES * PAGE] = [const { AtomicU8::new(0) }; PAGES * PAGE];
    let mut pages = MEMORY.iter().step_by(PAGE);
    // The first page may share its frame with other data; the next ones make vm's tables warm.
    let warm_up = 16;
    Summary::of(samples(warm_up, PAGES - warm_up - 1, || {
        pages.next().ok_or(Error::OutOfBounds)?.store(1, Ordering::Relaxed);
        Ok(())
    }))
}

/// A program from its launch to the news of its end.
fn launch(peers: &mut Peers) -> Result<Summary, Error> {
    let vm = peers.vm;
    Summary::of(samples(3, LAUNCHES, || {
        let task = run(&vm, b"benchmark\0end\0")?;
        vm.watch(task)?;
        loop {
            match vm.next_exit() {
                Ok(exit) if exit.task == task => return Ok(()),
                Ok(_) => {}
                Err(Error::Empty) => drop(ipc::receive(None)?),
                Err(error) => return Err(error),
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_does_not_depend_on_the_order() {
        let summary = Summary { min: 1, median: 5, max: 9 };
        assert_eq!(Summary::of(Ok(alloc::vec![9, 1, 5])), Ok(summary));
        assert_eq!(Summary::of(Ok(alloc::vec![5, 9, 1])), Ok(summary));
        assert_eq!(Summary::of(Ok(alloc::vec![4])), Ok(Summary::single(4)));
        assert_eq!(Summary::of(Ok(alloc::vec![1, 2, 3, 4])).map(|summary| summary.median), Ok(3));
    }

    #[test]
    fn without_samples_there_is_no_summary() {
        assert_eq!(Summary::of(Ok(Vec::new())), Err(Error::Empty));
        assert_eq!(Summary::of(Err(Error::NotFound)), Err(Error::NotFound));
    }

    #[test]
    fn figures_have_names_of_their_own() {
        for (index, figure) in ALL.iter().enumerate() {
            assert!(ALL.iter().skip(index + 1).all(|other| other.name != figure.name), "{}", figure.name);
        }
    }
}
