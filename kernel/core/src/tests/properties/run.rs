//! One run: how it begins, its steps, and how it ends with every place of the task table free.

extern crate std;

use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{Policy, TaskId, TaskIndex};

use super::driver::Driver;
use super::steps::{Start, Step, rights};
use crate::machine::Request;
use crate::tests::requests;
use crate::tests::system::BUFFER;

/// The first task makes a system call, which must not block it.
fn first(driver: &mut Driver, request: &Request) -> Result<(), String> {
    driver.call(driver.first, request)
}

fn begin(driver: &mut Driver, start: &[Start]) -> Result<(), String> {
    for (place, &(seed, priority, reports)) in start.iter().enumerate() {
        let root = 0x40_0000 + place as u64 * 0x2000;
        let rights = rights(seed, &abi::Rights::ALL);
        let create = abi::TaskCreate { root, message: root + 0x1000, rights, ..Default::default() };
        for (place, word) in create.encode().iter().enumerate() {
            driver.kernel.machine.poke(driver.first.index(), BUFFER + 8 * place, &word.to_le_bytes());
        }
        first(driver, &requests::task_create(BUFFER))?;
        let id = driver.world.tasks.keys().copied().max_by_key(|id| id.index()).ok_or("nobody lives")?;
        let policy = if reports { Policy::Report } else { Policy::Refill };
        first(driver, &requests::schedule(id, priority, 1_000_000, policy as usize))?;
    }
    first(driver, &requests::irq(0, 0, 0x100))?;
    first(driver, &requests::console(1, BUFFER, 0))
}

/// Destroys everything but the first task, if it still can; then every place must be free.
fn finish(driver: &mut Driver) -> Result<(), String> {
    if driver.world.debugging {
        driver.input(0x14)?;
    }
    driver.input(b'x')?;
    if driver.world.halted || driver.kernel.current() != Some(driver.first.index()) {
        return Ok(());
    }
    let child = |driver: &Driver| {
        let mut tasks = driver.world.tasks.iter();
        tasks.find(|(_, actor)| actor.pager == Some(driver.first)).map(|(&id, _)| id)
    };
    while let Some(id) = child(driver) {
        first(driver, &requests::destroy(id))?;
    }
    let kernel = &driver.kernel;
    let living: Vec<TaskId> =
        (0..abi::MAX_TASKS).filter_map(|place| kernel.task(TaskIndex::new(place)).id).collect();
    let places = kernel.machine.places.iter().flatten().count();
    if living == [driver.first] && places == 1 {
        Ok(())
    } else {
        Err(format!("left over: {living:?}, {places}"))
    }
}

/// Makes a run and returns what it led to.
pub fn play(start: &[Start], steps: &[Step]) -> Result<Driver, String> {
    let mut driver = Driver::new();
    begin(&mut driver, start)?;
    for (number, step) in steps.iter().enumerate() {
        driver.step(step).map_err(|text| format!("step {number}: {text}"))?;
        if driver.world.halted {
            return Ok(driver);
        }
    }
    finish(&mut driver)?;
    Ok(driver)
}

/// Makes a run: the tasks in `start` (at most 8), then `steps`.
///
/// # Errors
///
/// What the kernel did otherwise than its manual says, and in which step.
pub fn run(start: &[Start], steps: &[Step]) -> Result<(), String> {
    play(start, steps).map(drop)
}
