//! Rights: what a task without them cannot do, and what no task can do to strangers.

use super::ipc::info;
use crate::kit::{Ending, Kit, Outcome, ensure, equal, refused};
use crate::raw::{self, Address};
use abi::{Error, MapFlags, Syscall};
use alloc::string::ToString;

pub fn strangers_cannot_be_reached(kit: &mut Kit) -> Outcome {
    // `sleep` provides no service: nobody may send to it but its pager.
    let stranger = kit.launch(&["sleep", "100"])?;
    let id = stranger.raw();
    refused("send", raw::send(id, info(0), 0), Error::NotPermitted)?;
    refused("send without waiting", raw::send(id, info(0), 1), Error::NotPermitted)?;
    refused("call", raw::call(id, info(0)), Error::NotPermitted)?;
    refused("notify", raw::notify(id, usize::MAX), Error::NotPermitted)?;
    refused("reply", raw::reply(id, info(0)), Error::NotWaiting)?;
    refused("lend_copy", raw::lend_copy(id, 0, 0, Address::scratch(0), 8), Error::NotWaiting)?;
    refused("schedule", raw::plain(Syscall::Schedule as usize, [id, 31, 0, 0, 1]), Error::NotPermitted)?;
    refused(
        "task_destroy",
        raw::plain(Syscall::TaskDestroy as usize, [id, 0, 0, 0, 0]),
        Error::NotPermitted,
    )?;
    let window = Address::window();
    refused("map", raw::map(id, window, 0x10_0000, MapFlags::READ, 0), Error::NotPermitted)?;
    refused("unmap", raw::unmap(id, window), Error::NotPermitted)?;
    kit.kill(stranger)
}

pub fn vm_cannot_be_harmed(kit: &mut Kit) -> Outcome {
    let vm = kit.vm().task();
    let id = vm.raw();
    // vm does not count itself among the tasks that can be killed.
    let killed = kit.vm().kill(vm);
    ensure(matches!(killed, Err(Error::NoTask | Error::NotPermitted)), format_args!("kill: {killed:?}"))?;
    refused("schedule", raw::plain(Syscall::Schedule as usize, [id, 0, 0, 0, 1]), Error::NotPermitted)?;
    refused(
        "task_destroy",
        raw::plain(Syscall::TaskDestroy as usize, [id, 0, 0, 0, 0]),
        Error::NotPermitted,
    )?;
    refused("map", raw::map(id, Address::window(), 0x10_0000, MapFlags::READ, 0), Error::NotPermitted)?;
    refused("unmap", raw::unmap(id, Address::window()), Error::NotPermitted)?;
    // Notifications to it are allowed, and mean nothing to it.
    for bit in 0..32 {
        raw::notify(id, 1 << bit)?;
    }
    kit.succeeds(&["exit", "0"])
}

pub fn what_the_manifest_does_not_give_is_refused(kit: &mut Kit) -> Outcome {
    refused("reading the console", raw::console(1, Address::scratch(0), 8), Error::NotPermitted)?;
    refused("halting", raw::inspect(2, 0, Address::scratch(0), 0), Error::NotPermitted)?;
    refused("killing a stranger", kit.vm().kill(shell(kit)?), Error::NotPermitted)?;
    refused("serving what others serve", kit.vm().serve("vm"), Error::NotPermitted)?;
    refused("looking up what is not used", kit.vm().lookup("bench"), Error::NotPermitted)?;
    // This program has the powers to create, map, inspect and launch; the one without any tries those.
    let powerless = kit.launch(&["powerless", &kit.own_id().to_string()])?;
    equal("the tests of the program without rights", kit.ending(powerless)?, Ending::Exited(0))
}

/// The shell, or whatever else runs that is not this program's child: the task with the lowest ID but vm.
fn shell(kit: &Kit) -> Result<abi::TaskId, crate::kit::Failure> {
    let places = (0..abi::MAX_TASKS).filter_map(|place| ipc::inspect_task(place).ok());
    let mut strangers = places.map(|task| task.id).filter(|&id| id != kit.vm().task());
    strangers.next().ok_or_else(|| crate::kit::Failure("nobody else runs".into()))
}
