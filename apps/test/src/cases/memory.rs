//! Memory: what a task cannot do with it, and what comes back when it ends.

use crate::kit::{Ending, Kit, Outcome, ensure, equal, refused};
use crate::pager::task_of;
use crate::raw::{self, Address, Child};
use abi::{Error, MapFlags};
use alloc::vec::Vec;

pub fn a_wrong_access_ends_the_task_with_a_report(kit: &mut Kit) -> Outcome {
    for (class, _) in Address::BAD {
        for how in ["read", "write", "execute"] {
            kit.crashes(&["access", how, class])?;
        }
    }
    Ok(())
}

pub fn nothing_is_writable_and_executable(kit: &mut Kit) -> Outcome {
    kit.crashes(&["access", "write", "code"])?;
    kit.crashes(&["access", "execute", "data"])?;
    let flags = MapFlags(MapFlags::WRITE.0 | MapFlags::EXECUTE.0);
    let result = raw::map(kit.own_id(), Address::window(), 0x10_0000, flags, 0);
    refused("map, writable and executable", result, Error::InvalidArgument)
}

pub fn the_kernels_memory_cannot_be_mapped(kit: &mut Kit) -> Outcome {
    // The kernel is loaded at 1 MiB; local APIC and I/O APIC are devices that this program has no right to.
    for frame in [0x10_0000, 0x10_1000, 0xfee0_0000, 0xfec0_0000] {
        for flags in [MapFlags::READ, MapFlags::WRITE, MapFlags::EXECUTE, MapFlags::DEVICE] {
            let result = raw::map(kit.own_id(), Address::window(), frame, flags, 0);
            let refused =
                matches!(result, Err(Error::PageInUse | Error::NotPermitted | Error::InvalidArgument));
            ensure(refused, format_args!("map of {frame:#x}, flags {:#x}: {result:?}", flags.0))?;
        }
    }
    Ok(())
}

/// After reset the LDT is memory from address 0 on: a task that has a page there could make call gates to the kernel.
pub fn the_local_descriptor_table_is_empty(_: &mut Kit) -> Outcome {
    for index in [0, 1, 2, 0x1fff] {
        let selector = index << 3 | 1 << 2 | 3;
        equal(format_args!("segment {selector:#x}"), raw::segment_limit(selector), None)?;
    }
    Ok(())
}

pub fn a_stack_overflow_is_reported(kit: &mut Kit) -> Outcome {
    kit.crashes(&["overflow-stack"])
}

pub fn out_of_memory_is_an_error(kit: &mut Kit) -> Outcome {
    let mut memory: Vec<u8> = Vec::new();
    ensure(memory.try_reserve(1 << 40).is_err(), "a terabyte of heap was there")?;
    refused("a shared object of everything", kit.vm().share_create(usize::MAX), Error::TooLarge)?;
    let free = kit.free_memory()? as usize;
    let result = kit.vm().share_create(2 * free);
    let refused = matches!(result, Err(Error::OutOfMemory | Error::TooLarge));
    ensure(refused, format_args!("a shared object of twice the free memory: {result:?}"))?;
    kit.succeeds(&["exit", "0"])
}

pub fn fresh_memory_is_zero(kit: &mut Kit) -> Outcome {
    for _ in 0..4 {
        let page: Vec<u64> = alloc::vec![0; 512];
        ensure(page.iter().all(|&word| word == 0), "fresh heap memory is not zero")?;
        kit.succeeds(&["vectors-empty"])?;
    }
    Ok(())
}

pub fn the_64th_task_and_more(kit: &mut Kit) -> Outcome {
    touch_heap();
    // The same call as later, so that the pages it touches are counted.
    refused("task_create", Child::create(&task_of(1, 1)), Error::InvalidArgument)?;
    let free = kit.free_memory()?;
    let own_id = alloc::string::ToString::to_string(&kit.own_id());
    let mut tasks = Vec::new();
    let error = loop {
        match kit.launch_unwatched(&["test", "child", &own_id, "idle"]) {
            Ok(task) => tasks.push(task),
            Err(error) => break error,
        }
    };
    let count = tasks.len();
    if error == Error::TableFull {
        // Not vm's table but the kernel's: this task gets no place either.
        refused("task_create", Child::create(&task_of(0, 0)), Error::TableFull)?;
    }
    for task in tasks {
        kit.vm().kill(task)?;
    }
    let full = matches!(error, Error::TableFull | Error::OutOfMemory);
    ensure(full, format_args!("task {count} could not be launched: {error}"))?;
    ensure(count >= 64, format_args!("only {count} tasks fit: {error}"))?;
    equal("free memory afterwards", kit.free_memory()?, free)?;
    kit.succeeds(&["exit", "0"])
}

pub fn ended_and_killed_tasks_give_everything_back(kit: &mut Kit) -> Outcome {
    launches(kit, 200)
}

/// Launches `count` tasks; ends of all kinds; the memory must be free again.
pub fn launches(kit: &mut Kit, count: usize) -> Outcome {
    // The first round makes vm keep what it needs for its tables, and touches this task's own stack.
    touch_heap();
    round(kit)?;
    let free = kit.free_memory()?;
    for _ in 0..count.div_ceil(4) {
        round(kit)?;
    }
    equal("free memory afterwards", kit.free_memory()?, free)
}

/// Touches as much heap as the tests use, so that their own growth does not look like a leak.
fn touch_heap() {
    drop(core::hint::black_box(alloc::vec![1u8; 256 << 10]));
}

fn round(kit: &mut Kit) -> Outcome {
    kit.succeeds(&["exit", "0"])?;
    let child = kit.child(&["exit", "3"])?;
    equal("ending", kit.ending(child)?, Ending::Exited(3))?;
    // One that runs, and one that may not have run yet.
    let child = kit.child(&["send", "1"])?;
    kit.message_from(child)?;
    kit.ending(child)?;
    let child = kit.child(&["idle"])?;
    kit.kill(child)
}
