//! Messages between tasks: what arrives, in which order, and what is refused.

use crate::kit::{Ending, Kit, Outcome, ensure, equal, fill, filled, refused};
use crate::raw;
use abi::{Error, MessageInfo, PAYLOAD_WORDS, SendFlags, TaskState, kind};
use alloc::format;
use alloc::string::ToString;

/// A message of type 100 with `words` words.
pub fn info(words: usize) -> usize {
    MessageInfo::new(100, words).raw()
}

pub fn a_message_arrives_as_it_was_sent(kit: &mut Kit) -> Outcome {
    let child = kit.child(&["send", "7"])?;
    let message = kit.message_from(child)?;
    equal("info", message.info, info(PAYLOAD_WORDS))?;
    filled(PAYLOAD_WORDS, 7)?;
    equal("ending", kit.ending(child)?, Ending::Exited(0))
}

pub fn every_length_makes_the_round_trip(kit: &mut Kit) -> Outcome {
    let server = kit.child(&["echo"])?;
    for words in 0..=PAYLOAD_WORDS {
        fill(PAYLOAD_WORDS, words as u64);
        let reply = raw::call(server.raw(), info(words))?;
        equal("sender of the reply", reply.sender, server.raw())?;
        equal("info of the reply", reply.info, info(words))?;
        filled(PAYLOAD_WORDS, words as u64)?;
    }
    kit.kill(server)
}

pub fn only_the_words_in_use_are_copied(kit: &mut Kit) -> Outcome {
    let child = kit.child(&["send-short"])?;
    kit.until(child, "sending", |task| task.state == TaskState::Sending)?;
    fill(PAYLOAD_WORDS, 3);
    raw::receive(child.raw())?;
    equal("word that was sent", raw::word(0), 1)?;
    raw::set_word(0, 0);
    fill(1, 3);
    filled(PAYLOAD_WORDS, 3)
}

pub fn a_closed_receive_takes_only_its_sender(kit: &mut Kit) -> Outcome {
    let first = kit.child(&["send", "1"])?;
    kit.until(first, "sending", |task| task.state == TaskState::Sending)?;
    let second = kit.child(&["send", "2"])?;
    equal("closed receive", raw::receive(second.raw())?.sender, second.raw())?;
    filled(PAYLOAD_WORDS, 2)?;
    kit.message_from(first)?;
    filled(PAYLOAD_WORDS, 1)
}

pub fn an_open_receive_takes_senders_in_their_order(kit: &mut Kit) -> Outcome {
    let mut senders = alloc::vec::Vec::new();
    for seed in 1..=4 {
        let child = kit.child(&["send", &format!("{seed}")])?;
        kit.until(child, "sending", |task| task.state == TaskState::Sending)?;
        senders.push(child);
    }
    for (sender, seed) in senders.into_iter().zip(1..) {
        kit.message_from(sender)?;
        filled(PAYLOAD_WORDS, seed)?;
    }
    Ok(())
}

pub fn notifications_come_before_senders(kit: &mut Kit) -> Outcome {
    let child = kit.child(&["send", "1"])?;
    kit.until(child, "sending", |task| task.state == TaskState::Sending)?;
    raw::notify(kit.own_id(), 1 << 9)?;
    equal("first", raw::receive(0)?.notifications(), Some(1 << 9))?;
    equal("second", raw::receive(0)?.sender, child.raw())
}

pub fn notifications_are_never_lost_and_never_twice(kit: &mut Kit) -> Outcome {
    for bit in [8, 31, 8, 20] {
        raw::notify(kit.own_id(), 1 << bit)?;
    }
    equal("all bits at once", raw::receive(0)?.notifications(), Some(1 << 8 | 1 << 31 | 1 << 20))?;
    let child = kit.child(&["notify-then-send", "10"])?;
    equal("a closed receive leaves them", raw::receive(child.raw())?.sender, child.raw())?;
    equal("and an open one gets them", kit.message()?.notifications(), Some(1 << 10))?;
    let child = kit.child(&["send", "1"])?;
    kit.message_from(child)?;
    Ok(())
}

pub fn a_nonblocking_send_does_not_wait(kit: &mut Kit) -> Outcome {
    let busy = kit.child(&["send", "1"])?;
    kit.until(busy, "sending", |task| task.state == TaskState::Sending)?;
    refused("send to a busy task", raw::send(busy.raw(), info(0), SendFlags::NOBLOCK.0), Error::WouldBlock)?;
    let ready = kit.child(&["receive-one"])?;
    kit.until(ready, "receiving", |task| task.state == TaskState::Receiving)?;
    raw::set_word(0, 42);
    raw::send(ready.raw(), info(1), SendFlags::NOBLOCK.0)?;
    equal("ending of the receiver", kit.ending(ready)?, Ending::Exited(42))
}

pub fn a_receiver_that_waits_for_another_gets_nothing(kit: &mut Kit) -> Outcome {
    let server = kit.child(&["hold"])?;
    let waiting = kit.child(&["receive-from", &server.to_string()])?;
    kit.until(waiting, "receiving", |task| task.state == TaskState::Receiving && task.peer == Some(server))?;
    refused("send", raw::send(waiting.raw(), info(0), SendFlags::NOBLOCK.0), Error::WouldBlock)?;
    kit.kill(server)?;
    let ending = kit.ending(waiting)?;
    equal("ending of the one that waited", ending, Ending::Exited(Error::Aborted.code() as i32))
}

pub fn stale_ids_name_nobody(kit: &mut Kit) -> Outcome {
    let child = kit.child(&["exit", "0"])?;
    equal("ending", kit.ending(child)?, Ending::Exited(0))?;
    for _ in 0..3 {
        // Other tasks take the place of the dead one.
        kit.succeeds(&["exit", "0"])?;
        super::arguments::id_is_nobodys(kit, child.raw())?;
    }
    Ok(())
}

pub fn a_reply_needs_a_call(kit: &mut Kit) -> Outcome {
    refused("reply to oneself", raw::reply(kit.own_id(), info(0)), Error::NotWaiting)?;
    let receiver = kit.child(&["receive-one"])?;
    kit.until(receiver, "receiving", |task| task.state == TaskState::Receiving)?;
    refused("reply to a receiver", raw::reply(receiver.raw(), info(0)), Error::NotWaiting)?;
    let sender = kit.child(&["send", "1"])?;
    kit.until(sender, "sending", |task| task.state == TaskState::Sending)?;
    refused("reply to a sender", raw::reply(sender.raw(), info(0)), Error::NotWaiting)?;
    kit.message_from(sender)?;
    refused("reply to one that has sent", raw::reply(sender.raw(), info(0)), Error::NotWaiting)
}

pub fn a_call_is_answered_once(kit: &mut Kit) -> Outcome {
    let client = kit.child(&["call-me", "2"])?;
    kit.message_from(client)?;
    raw::reply(client.raw(), info(0))?;
    kit.message_from(client)?;
    raw::reply(client.raw(), info(0))?;
    refused("a second reply", raw::reply(client.raw(), info(0)), Error::NotWaiting)?;
    equal("ending", kit.ending(client)?, Ending::Exited(0))
}

pub fn a_third_task_cannot_answer(kit: &mut Kit) -> Outcome {
    let server = kit.child(&["hold"])?;
    let client = kit.child(&["call", &server.to_string()])?;
    kit.until(client, "calling", |task| task.state == TaskState::Calling && task.peer == Some(server))?;
    refused("forged reply", raw::reply(client.raw(), info(0)), Error::NotWaiting)?;
    let stolen = raw::lend_copy(client.raw(), raw::reading(0), 0, raw::Address::scratch(0), 8);
    refused("forged access to a lend", stolen, Error::NotWaiting)?;
    raw::send(server.raw(), info(0), 0)?;
    equal("ending of the client", kit.ending(client)?, Ending::Exited(0))
}

pub fn clients_of_a_dead_server_are_released(kit: &mut Kit) -> Outcome {
    let aborted = Ending::Exited(Error::Aborted.code() as i32);
    for (role, state) in [
        ("call", TaskState::Calling),
        ("send-to", TaskState::Sending),
        ("receive-from", TaskState::Receiving),
    ] {
        let server = kit.child(&["hold"])?;
        // The server holds its first client, so that others stay in its queue.
        let held = kit.child(&["call", &server.to_string()])?;
        kit.until(held, "calling", |task| task.state == TaskState::Calling)?;
        let client = kit.child(&[role, &server.to_string()])?;
        kit.until(client, "waiting", |task| task.peer == Some(server))?;
        let seen = ::ipc::inspect_task(client.index().get())?.state;
        let queued = role == "call" && seen == TaskState::Sending;
        ensure(seen == state || queued, format_args!("{role}: state {seen:?}"))?;
        kit.kill(server)?;
        equal("client whose call was received", kit.ending(held)?, aborted)?;
        equal(format_args!("client in {role}"), kit.ending(client)?, aborted)?;
    }
    Ok(())
}

pub fn an_error_is_an_answer(kit: &mut Kit) -> Outcome {
    let server = kit.child(&["refuse"])?;
    for &error in Error::ALL {
        raw::set_word(0, error.code() as u64);
        let reply = raw::call(server.raw(), info(1))?;
        let answer = MessageInfo::from_raw(reply.info).map(MessageInfo::as_error);
        equal("answer", answer, Some(Err(error)))?;
    }
    kit.kill(server)
}

pub fn reply_receive_drops_a_reply_that_nobody_waits_for(kit: &mut Kit) -> Outcome {
    let child = kit.child(&["send", "5"])?;
    kit.until(child, "sending", |task| task.state == TaskState::Sending)?;
    equal("sender", raw::reply_receive(child.raw(), info(0))?.sender, child.raw())?;
    filled(PAYLOAD_WORDS, 5)?;
    raw::notify(kit.own_id(), 1 << 12)?;
    // The child's end may have been told already.
    let bits = raw::reply_receive(usize::MAX, info(0))?.notifications().unwrap_or(0);
    ensure(bits & 1 << 12 != 0, "the notification did not come")
}

pub fn nobody_can_forge_the_kernels_messages(kit: &mut Kit) -> Outcome {
    let child = kit.child(&["forge"])?;
    for kind in [kind::NOTIFICATIONS, kind::PAGE_FAULT, kind::EXCEPTION, kind::EXIT, kind::QUANTUM] {
        let message = kit.message_from(child)?;
        equal("info", message.info, MessageInfo::new(kind, 1).raw())?;
        equal("it does not count as notifications", message.notifications(), None)?;
    }
    Ok(())
}

pub fn vm_survives_forged_and_malformed_messages(kit: &mut Kit) -> Outcome {
    for role in ["forge-to-vm", "garbage-to-vm"] {
        let child = kit.child(&[role])?;
        // Whoever tells vm that it has ended is taken at its word.
        kit.ending(child)?;
    }
    kit.succeeds(&["exit", "0"])
}
