//! The FPU and SSE registers belong to their task.

use crate::kit::{Ending, Kit, Outcome, ensure, equal};
use crate::raw;

pub fn vector_registers_are_each_tasks_own(kit: &mut Kit) -> Outcome {
    raw::set_vectors(1);
    let (one, other) = (kit.child(&["vectors", "2"])?, kit.child(&["vectors", "3"])?);
    // They call in turns; each reply switches to a task with other values.
    for _ in 0..40 {
        let client = kit.message()?.sender;
        ensure(raw::vectors_are(1), "the registers were changed by another task")?;
        raw::reply(client, super::ipc::info(0))?;
        ensure(raw::vectors_are(1), "the registers were changed by a switch")?;
    }
    for child in [one, other] {
        equal("ending", kit.ending(child)?, Ending::Exited(0))?;
    }
    Ok(())
}

pub fn a_new_task_finds_the_vector_registers_empty(kit: &mut Kit) -> Outcome {
    for seed in 1..4 {
        raw::set_vectors(seed);
        kit.succeeds(&["vectors-empty"])?;
        ensure(raw::vectors_are(seed), "the registers were changed by another task")?;
    }
    Ok(())
}

pub fn a_task_that_ends_leaves_the_vector_registers_of_others_alone(kit: &mut Kit) -> Outcome {
    raw::set_vectors(9);
    let child = kit.child(&["vectors", "4"])?;
    kit.message_from(child)?;
    kit.kill(child)?;
    kit.crashes(&["access", "read", "null"])?;
    ensure(raw::vectors_are(9), "the registers were changed")
}
