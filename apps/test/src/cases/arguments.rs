//! Every system call with every class of bad argument.

use super::ipc::info;
use crate::kit::{Kit, Outcome, equal, refused};
use crate::raw::{self, Address};
use abi::{
    COUNTED_TASKS, Error, LendSelector, MAX_CONSOLE, MAX_COPY, MAX_TASKS, MapFlags, MessageInfo, Syscall,
    TaskState,
};
use core::ops::Range;

/// Numbers that are the ID of no task: no generation, an index past the table, more than 32 bits, pointers.
const NO_IDS: [usize; 9] = [
    1,
    MAX_TASKS - 1,
    4095,
    1 << 12 | MAX_TASKS,
    u32::MAX as usize,
    1 << 32,
    0x8000_0000_0000,
    0xffff_ffff_8010_0000,
    usize::MAX,
];

const CALLS: Range<usize> = 0..Syscall::COUNT;

/// Every call that takes an ID refuses this one.
pub fn id_is_nobodys(kit: &mut Kit, id: usize) -> Outcome {
    let (scratch, window) = (Address::scratch(0), Address::window());
    refused("send", raw::send(id, info(0), 0), Error::NoTask)?;
    refused("send without waiting", raw::send(id, info(0), 1), Error::NoTask)?;
    refused("receive", raw::receive(id), Error::NoTask)?;
    refused("call", raw::call(id, info(0)), Error::NoTask)?;
    refused("reply", raw::reply(id, info(0)), Error::NoTask)?;
    refused("notify", raw::notify(id, 1 << 8), Error::NoTask)?;
    refused("lend_copy", raw::lend_copy(id, 0, 0, scratch, 8), Error::NoTask)?;
    refused("task_destroy", raw::plain(Syscall::TaskDestroy as usize, [id, 0, 0, 0, 0]), Error::NoTask)?;
    refused("schedule", raw::plain(Syscall::Schedule as usize, [id, 8, 0, 0, 1]), Error::NoTask)?;
    refused("map", raw::map(id, window, 0, MapFlags::READ, 0), Error::NoTask)?;
    refused("unmap", raw::unmap(id, window), Error::NoTask)?;
    // A reply_receive drops the reply and receives.
    raw::notify(kit.own_id(), 1 << 30)?;
    let bits = raw::reply_receive(id, info(0))?.notifications().unwrap_or(0);
    equal("notification after reply_receive", bits & 1 << 30, 1 << 30)
}

pub fn what_is_no_task_id_names_nobody(kit: &mut Kit) -> Outcome {
    NO_IDS.into_iter().try_for_each(|id| id_is_nobodys(kit, id))?;
    // 0 is nobody too, but means "from anyone" to receive.
    refused("send to 0", raw::send(0, info(0), 0), Error::NoTask)?;
    refused("call to 0", raw::call(0, info(0)), Error::NoTask)?;
    refused("notify 0", raw::notify(0, 1 << 8), Error::NoTask)
}

pub fn unknown_calls_do_not_exist(_: &mut Kit) -> Outcome {
    for number in [CALLS.end, CALLS.end + 1, 255, 256, 1 << 32, 1 << 63, usize::MAX] {
        for arguments in [[0; 5], [usize::MAX; 5], [0xffff_8000_0000_0000; 5]] {
            refused(format_args!("call {number}"), raw::plain(number, arguments), Error::NotSupported)?;
        }
    }
    Ok(())
}

pub fn info_words_out_of_range_are_refused(kit: &mut Kit) -> Outcome {
    let server = kit.child(&["echo"])?;
    let lending = MessageInfo::new(100, 0).with_lends(1, 0).raw();
    for bad in [31 << 16, 5 << 21, 7 << 21, 1 << 28, 1 << 30, 1 << 32, usize::MAX] {
        refused(format_args!("call {bad:#x}"), raw::call(server.raw(), bad), Error::InvalidArgument)?;
    }
    for bad in [31 << 16, 5 << 21, 7 << 21, 1 << 28, 1 << 30, 1 << 32, usize::MAX, lending] {
        refused(format_args!("send {bad:#x}"), raw::send(server.raw(), bad, 0), Error::InvalidArgument)?;
        refused(format_args!("reply {bad:#x}"), raw::reply(server.raw(), bad), Error::InvalidArgument)?;
        let result = raw::reply_receive(server.raw(), bad);
        refused(format_args!("reply_receive {bad:#x}"), result, Error::InvalidArgument)?;
    }
    for flags in [2, 3, 1 << 32, usize::MAX] {
        let result = raw::send(server.raw(), info(0), flags);
        refused(format_args!("send with flags {flags:#x}"), result, Error::InvalidArgument)?;
    }
    kit.kill(server)
}

pub fn a_task_cannot_wait_for_itself(kit: &mut Kit) -> Outcome {
    let own_id = kit.own_id();
    refused("send", raw::send(own_id, info(0), 0), Error::InvalidArgument)?;
    refused("call", raw::call(own_id, info(0)), Error::InvalidArgument)?;
    refused("receive", raw::receive(own_id), Error::InvalidArgument)
}

pub fn non_canonical_pointer_does_not_kill_the_kernel(kit: &mut Kit) -> Outcome {
    for class in ["non-canonical", "non-canonical-high"] {
        for call in ["console-write", "task-create", "inspect-task", "inspect-log", "stack"] {
            kit.crashes(&["pointer", call, class])?;
        }
        for how in ["read", "write", "execute"] {
            kit.crashes(&["access", how, class])?;
        }
    }
    Ok(())
}

pub fn bad_memory_of_its_own_ends_the_caller(kit: &mut Kit) -> Outcome {
    for (class, _) in Address::BAD {
        for call in ["console-write", "task-create", "inspect-task", "inspect-log"] {
            kit.crashes(&["pointer", call, class])?;
        }
    }
    Ok(())
}

pub fn bad_buffers_of_lend_copy_end_the_server_only(kit: &mut Kit) -> Outcome {
    for call in ["lend-read", "lend-write"] {
        for class in ["null", "unmapped", "non-canonical", "kernel", "wraps-around"] {
            let server = kit.child(&["pointer", call, class])?;
            raw::write(Address::scratch(0), 0);
            raw::set_lend(0, Address::scratch(0), 64);
            let result = raw::call(server.raw(), MessageInfo::new(100, 0).with_lends(1, 1).raw());
            refused("the call of the lender", result, Error::Aborted)?;
            equal("ending of the server", kit.ending(server)?, crate::kit::Ending::Crashed)?;
        }
    }
    Ok(())
}

pub fn console_moves_a_bounded_length(_: &mut Kit) -> Outcome {
    // Terminals do nothing with NULs.
    raw::write(Address::scratch(0), 0);
    equal("short text", raw::console(0, Address::scratch(0), 8)?, 8)?;
    equal("no text", raw::console(0, Address::scratch(0), 0)?, 0)?;
    equal("no text from nowhere", raw::console(0, Address::window(), 0)?, 0)?;
    for index in 0..MAX_CONSOLE / 8 {
        raw::write(Address::scratch(index * 8), 0);
    }
    equal("huge text", raw::console(0, Address::scratch(0), usize::MAX)?, MAX_CONSOLE)?;
    for operation in [2, 3, 256, usize::MAX] {
        let result = raw::console(operation, Address::scratch(0), 8);
        refused(format_args!("operation {operation}"), result, Error::InvalidArgument)?;
    }
    Ok(())
}

/// Where the kernel log ends.
fn end_of_log() -> Result<usize, Error> {
    let (mut buffer, mut position) = ([0; MAX_CONSOLE], 0);
    loop {
        match ::ipc::inspect_log(position, &mut buffer)? {
            (0, _) => return Ok(position),
            (_, next) => position = next,
        }
    }
}

pub fn long_text_is_written_whole_and_logged(_: &mut Kit) -> Outcome {
    let start = end_of_log()?;
    for length in [1, MAX_CONSOLE, MAX_CONSOLE + 1, 5000] {
        let before = end_of_log()?;
        // Terminals do nothing with NULs.
        ::ipc::console_write(&alloc::vec![0; length]);
        equal("bytes in the log", end_of_log()? - before, length)?;
    }
    equal("bytes in all", end_of_log()? - start, 1 + 2 * MAX_CONSOLE + 1 + 5000)
}

pub fn inspect_checks_its_arguments(_: &mut Kit) -> Outcome {
    let scratch = Address::scratch(0);
    for place in [MAX_TASKS, MAX_TASKS + 1, 1 << 32, usize::MAX] {
        refused(format_args!("place {place}"), raw::inspect(0, place, scratch, 72), Error::InvalidArgument)?;
    }
    refused("a free place", raw::inspect(0, MAX_TASKS - 1, scratch, 72), Error::NoTask)?;
    refused(
        "a place that is not counted",
        raw::inspect(3, COUNTED_TASKS, scratch, 256),
        Error::InvalidArgument,
    )?;
    for operation in [4, 5, 1 << 8, 1 << 32, usize::MAX] {
        let result = raw::inspect(operation, 0, scratch, 8);
        refused(format_args!("operation {operation}"), result, Error::InvalidArgument)?;
    }
    for position in [0, 1 << 40, usize::MAX] {
        let count = raw::inspect(1, position, scratch, usize::MAX)?;
        crate::kit::ensure(count <= MAX_CONSOLE, format_args!("the log gave {count} bytes at once"))?;
    }
    Ok(())
}

pub fn lend_copy_checks_its_arguments(kit: &mut Kit) -> Outcome {
    let client = kit.child(&["lend"])?;
    kit.message_from(client)?;
    let (id, scratch) = (client.raw(), Address::scratch(0));
    for selector in [3, 4, 0x103, 0x104, 1 << 9, 1 << 32, usize::MAX] {
        let result = raw::lend_copy(id, selector, 0, scratch, 8);
        refused(format_args!("selector {selector:#x}"), result, Error::InvalidArgument)?;
    }
    for length in [MAX_COPY + 1, 1 << 32, usize::MAX] {
        let result = raw::lend_copy(id, 0, 0, scratch, length);
        refused(format_args!("length {length}"), result, Error::InvalidArgument)?;
    }
    for (offset, length) in
        [(64, 1), (57, 8), (0, 65), (65, 0), (1 << 40, 8), (usize::MAX, 1), (usize::MAX, 0)]
    {
        let selector = LendSelector { index: 1, write: true }.raw();
        let result = raw::lend_copy(id, selector, offset, scratch, length);
        refused(format_args!("{length} bytes at {offset}"), result, Error::OutOfBounds)?;
    }
    raw::write(scratch, 0x1234);
    equal("bytes", raw::lend_copy(id, raw::writing(1), 0, scratch, 8)?, 8)?;
    equal("no bytes at the end", raw::lend_copy(id, raw::writing(1), 64, scratch, 0)?, 0)?;
    raw::reply(id, info(0))?;
    equal("ending", kit.ending(client)?, crate::kit::Ending::Exited(0))
}

pub fn map_checks_its_arguments(kit: &mut Kit) -> Outcome {
    let own_id = kit.own_id();
    let window = Address::window();
    for address in [window.plus(1), window.plus(8), window.plus(raw::PAGE - 1)] {
        let result = raw::map(own_id, address, 0x10_0000, MapFlags::READ, 0);
        refused("map, unaligned", result, Error::InvalidArgument)?;
        refused("unmap, unaligned", raw::unmap(own_id, address), Error::InvalidArgument)?;
    }
    for class in ["non-canonical", "kernel"] {
        let Some(address) = Address::bad(class) else { continue };
        let result = raw::map(own_id, address, 0x10_0000, MapFlags::READ, 0);
        refused(format_args!("map at {class}"), result, Error::InvalidArgument)?;
        refused(format_args!("unmap at {class}"), raw::unmap(own_id, address), Error::InvalidArgument)?;
    }
    for flags in [3, 7, 8, 1 << 32, usize::MAX] {
        let result = raw::map(own_id, window, 0x10_0000, MapFlags(flags), 0);
        refused(format_args!("map with flags {flags:#x}"), result, Error::InvalidArgument)?;
    }
    let unaligned = raw::map(own_id, window, 0x10_0001, MapFlags::READ, 0);
    refused("an unaligned frame", unaligned, Error::InvalidArgument)?;
    refused("unmap of nothing", raw::unmap(own_id, window), Error::NotFound)
}

pub fn irqs_without_the_right_are_refused(_: &mut Kit) -> Outcome {
    for operation in 0..3 {
        for irq in [0, 1, 4, 8] {
            let result = raw::plain(Syscall::Irq as usize, [operation, irq, 1 << 4, 0, 0]);
            refused(format_args!("irq {irq}, operation {operation}"), result, Error::NotPermitted)?;
        }
    }
    for (operation, irq) in [(0, 1 << 20), (0, usize::MAX), (3, 4), (usize::MAX, 4)] {
        let result = raw::plain(Syscall::Irq as usize, [operation, irq, 1 << 4, 0, 0]);
        let refused = matches!(result, Err(Error::InvalidArgument | Error::NotPermitted));
        crate::kit::ensure(refused, format_args!("irq {irq}, operation {operation}: {result:?}"))?;
    }
    Ok(())
}

pub fn forbidden_instructions_end_the_task(kit: &mut Kit) -> Outcome {
    raw::FORBIDDEN.into_iter().try_for_each(|name| kit.crashes(&["forbidden", name]))
}

pub fn flags_and_segments_do_not_reach_the_kernel(kit: &mut Kit) -> Outcome {
    const DIRECTION: u64 = 1 << 10;
    const NESTED: u64 = 1 << 14;
    const ALIGNMENT: u64 = 1 << 18;
    const IDENTIFICATION: u64 = 1 << 21;
    for flags in [0, DIRECTION, NESTED, ALIGNMENT, IDENTIFICATION, DIRECTION | NESTED | ALIGNMENT] {
        raw::with_flags(flags)?;
    }
    raw::without_segments()?;
    kit.succeeds(&["exit", "0"])
}

pub fn any_task_can_be_looked_at(kit: &mut Kit) -> Outcome {
    let child = kit.child(&["idle"])?;
    kit.until(child, "receiving", |task| {
        task.state == TaskState::Receiving && task.peer.is_none() && task.pager.is_some()
    })?;
    kit.kill(child)
}
