//! Services, and what the library builds on messages: stubs, later answers, handles, asynchronous messages, shared
//! memory.

use crate::kit::{Ending, Failure, Kit, Outcome, ensure, equal, refused};
use crate::raw;
use crate::server::{MAX_DATA, MAX_OBJECTS};
use abi::{Error, NOTIFY_ASYNC, TaskId, TaskState};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use interfaces::test::{Client, NAME, Receiver, receive};
use ipc::{Outbox, Region};

/// Starts the server and looks it up.
fn server(kit: &mut Kit) -> Result<(TaskId, Client), Failure> {
    let server = kit.child(&["serve"])?;
    let found = kit.vm().lookup(NAME)?;
    equal("the task that was found", found, server)?;
    Ok((server, Client::new(found)))
}

pub fn a_lookup_waits_for_the_service(kit: &mut Kit) -> Outcome {
    for _ in 0..2 {
        // In the second round the first server is gone, and so is its name.
        let client = kit.child(&["client", "add"])?;
        let vm = kit.vm().task();
        kit.until(client, "waiting for vm", |task| {
            task.state == TaskState::Calling && task.peer == Some(vm)
        })?;
        kit.sleep(5)?;
        let (server, _) = server(kit)?;
        equal("ending of the client", kit.ending(client)?, Ending::Exited(42))?;
        kit.kill(server)?;
    }
    Ok(())
}

pub fn a_service_has_one_server(kit: &mut Kit) -> Outcome {
    let (first, client) = server(kit)?;
    let second = kit.child(&["serve"])?;
    let taken = Ending::Exited(Error::AlreadyExists.code() as i32);
    equal("ending of the second server", kit.ending(second)?, taken)?;
    equal("the first one answers", client.add(1, 2)?, 3)?;
    kit.kill(first)?;
    refused("a call to the dead server", client.add(1, 2), Error::NoTask)
}

pub fn stubs_carry_values_memory_and_text(kit: &mut Kit) -> Outcome {
    /// Nothing has touched this before it is lent.
    static UNTOUCHED: [u8; 9000] = [7; 9000];
    let (_, client) = server(kit)?;
    equal("sum", client.add(u64::MAX, 3)?, 2)?;
    let mut buffer = alloc::vec![0; MAX_DATA + 1];
    for length in [0, 1, 4095, 4096, 4097, UNTOUCHED.len()] {
        let data = UNTOUCHED.get(..length).unwrap_or_default();
        equal("length", client.increment(data, &mut buffer)?, length)?;
        ensure(
            buffer.iter().take(length).all(|&byte| byte == 8),
            format!("{length} bytes came back changed"),
        )?;
    }
    let data = alloc::vec![0xff; MAX_DATA + 1];
    let limit = data.get(..MAX_DATA).unwrap_or_default();
    equal("longest", client.increment(limit, &mut buffer)?, MAX_DATA)?;
    refused("too long", client.increment(&data, &mut buffer), Error::TooLarge)?;
    equal("characters", client.characters("grüße 語🦀")?, 8)?;
    equal("no characters", client.characters("")?, 0)?;
    refused("text with a NUL", client.characters("a\0b"), Error::BadText)?;
    refused("too long a text", client.characters(&"x".repeat(257)), Error::TooLarge)
}

pub fn answers_can_come_later(kit: &mut Kit) -> Outcome {
    let (task, client) = server(kit)?;
    equal("nobody waits", client.release(1)?, 0)?;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let child = kit.child(&["client", "wait"])?;
        kit.until(child, "calling", |info| info.state == TaskState::Calling && info.peer == Some(task))?;
        waiting.push(child);
    }
    equal("sum meanwhile", client.add(1, 1)?, 2)?;
    // One of them does not live to see it.
    if let Some(child) = waiting.pop() {
        kit.kill(child)?;
    }
    equal("released", client.release(77)?, 3)?;
    for child in waiting {
        equal("ending of one that waited", kit.ending(child)?, Ending::Exited(77))?;
    }
    Ok(())
}

pub fn handles_belong_to_their_client(kit: &mut Kit) -> Outcome {
    let (_, client) = server(kit)?;
    let handle = client.open(55)?;
    equal("value", client.value(handle)?, 55)?;
    let bad = Ending::Exited(Error::BadHandle.code() as i32);
    let thief = kit.child(&["client", &format!("value={}", handle.raw())])?;
    equal("ending of another client", kit.ending(thief)?, bad)?;
    for raw in [0, 1, handle.raw() + 1, handle.raw() ^ 1 << 16, u32::MAX] {
        refused(format!("handle {raw:#x}"), client.value(ipc::Handle::from_raw(raw)), Error::BadHandle)?;
    }
    let napper = kit.child(&["idle"])?;
    let given = client.give(handle, napper)?;
    refused("a handle that was given away", client.value(handle), Error::BadHandle)?;
    refused("a handle that is another's", client.value(given), Error::BadHandle)?;
    equal("objects", client.objects()?, 1)?;
    kit.kill(napper)?;
    equal("objects after the owner's end", client.objects()?, 0)?;
    let handle = client.open(1)?;
    client.close(handle)?;
    refused("a closed handle", client.value(handle), Error::BadHandle)?;
    refused("closing it again", client.close(handle), Error::BadHandle)
}

pub fn handles_are_freed_with_their_owner(kit: &mut Kit) -> Outcome {
    let (_, client) = server(kit)?;
    for _ in 0..3 {
        let child = kit.child(&["client", "open-all"])?;
        equal("ending", kit.ending(child)?, Ending::Exited(MAX_OBJECTS as i32))?;
        equal("objects afterwards", client.objects()?, 0)?;
    }
    Ok(())
}

/// The numbers that came.
struct Changes(Vec<u32>);

impl Receiver for Changes {
    fn changed(&mut self, _: TaskId, number: u32) {
        self.0.push(number);
    }
}

fn pull_all(server: TaskId) -> Result<Vec<u32>, Failure> {
    let mut changes = Changes(Vec::new());
    loop {
        match ipc::pull(server) {
            Ok(message) => drop(receive(&mut changes, &message)),
            Err(Error::Empty) => return Ok(changes.0),
            Err(error) => return Err(error.into()),
        }
    }
}

pub fn asynchronous_messages_are_notified_and_pulled(kit: &mut Kit) -> Outcome {
    let (task, client) = server(kit)?;
    refused("a pull of nothing", ipc::pull(task).map(drop), Error::Empty)?;
    equal("queued", client.subscribe(5)?, 5)?;
    let bits = kit.message()?.notifications().unwrap_or(0);
    equal("notification", bits & NOTIFY_ASYNC, NOTIFY_ASYNC)?;
    equal("messages", pull_all(task)?, (0..5).collect())
}

pub fn a_full_queue_is_an_error_to_the_sender(kit: &mut Kit) -> Outcome {
    let (task, client) = server(kit)?;
    let limit = Outbox::CAPACITY_PER_RECEIVER as u32;
    equal("queued", client.subscribe(100)?, limit)?;
    equal("queued after that", client.subscribe(1)?, 0)?;
    equal("messages", pull_all(task)?, (0..limit).collect())?;
    equal("queued now that there is room", client.subscribe(1)?, 1)?;
    equal("messages", pull_all(task)?, alloc::vec![0])
}

pub fn shared_memory_has_access_control(kit: &mut Kit) -> Outcome {
    let free = kit.free_memory()?;
    let vm = kit.vm();
    let handle = vm.share_create(2 * raw::PAGE)?;
    let mapped = vm.share_map(handle, true)?;
    equal("size", mapped.size, 2 * raw::PAGE)?;
    let region = Region::new(mapped.address, mapped.size)?;
    equal("fresh shared memory", region.load(raw::PAGE)?, 0)?;
    region.store(0, 40)?;

    // For a reader: it sees what is written now and later, and cannot write.
    let reader = kit.child(&["idle"])?;
    refused("a task that was not asked", share_status(kit, handle.raw(), "read"), Error::BadHandle)?;
    kit.kill(reader)?;
    for (how, writable, expected) in [
        ("read", false, Ending::Exited(81)),
        ("write", false, Ending::Exited(Error::NotPermitted.code() as i32)),
        ("write-anyway", false, Ending::Crashed),
        ("write", true, Ending::Exited(0)),
    ] {
        region.store(0, 40)?;
        let ending = with_share(kit, &region, handle, writable, how)?;
        equal(format!("{how}, granted writable: {writable}"), ending, expected)?;
    }
    equal("what the last one wrote", region.load(8)?, 41)?;
    vm.share_close(handle)?;
    refused("closing it again", vm.share_close(handle), Error::BadHandle)?;
    refused("mapping it again", vm.share_map(handle, false).map(drop), Error::BadHandle)?;
    refused("a size of 0", vm.share_create(0).map(drop), Error::InvalidArgument)?;
    let kept = free - kit.free_memory()?;
    // The page table of the window for shared memory stays.
    ensure(kept <= 4 * raw::PAGE as u64, format!("{kept} bytes did not come back"))
}

/// What a child with a handle that it was not granted gets.
fn share_status(kit: &mut Kit, handle: u32, how: &str) -> Result<(), Error> {
    let child = kit.child(&["share", &handle.to_string(), how]).map_err(|_| Error::Unknown)?;
    match kit.ending(child).map_err(|_| Error::Unknown)? {
        Ending::Exited(0) => Ok(()),
        Ending::Exited(status) => Err(Error::from_code(status as usize)),
        _ => Err(Error::Unknown),
    }
}

/// Grants a handle to a child that uses it; how it ended.
fn with_share(
    kit: &mut Kit,
    region: &Region,
    handle: ipc::Handle,
    writable: bool,
    how: &str,
) -> Result<Ending, Failure> {
    // The child learns its handle in a call: it exists before the handle does.
    let child = kit.child(&["share-asked", how])?;
    kit.message_from(child)?;
    let granted = kit.vm().share_grant(handle, child, writable)?;
    raw::set_word(0, u64::from(granted.raw()));
    raw::reply(child.raw(), super::ipc::info(1))?;
    if how == "read" {
        kit.message_from(child)?;
        region.store(0, 41)?;
        raw::reply(child.raw(), super::ipc::info(0))?;
    }
    kit.ending(child)
}
