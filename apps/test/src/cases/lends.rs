//! Memory lent with a call: what the server may do with it, and for how long.

use super::ipc::info;
use crate::kit::{Ending, Kit, Outcome, equal, fill_scratch, refused, scratch_is_filled};
use crate::raw::{self, Address};
use abi::{Error, MAX_COPY, MessageInfo};

pub fn lent_memory_is_copied(kit: &mut Kit) -> Outcome {
    let client = kit.child(&["lend"])?;
    kit.message_from(client)?;
    let id = client.raw();
    // All of the first lend, then a part of it.
    equal("bytes", raw::lend_copy(id, raw::reading(0), 0, Address::scratch(0), raw::PAGE)?, raw::PAGE)?;
    scratch_is_filled(raw::PAGE / 8, 11)?;
    let (sixth, seventh) = (raw::read(Address::scratch(40)), raw::read(Address::scratch(48)));
    raw::lend_copy(id, raw::reading(0), 40, Address::scratch(0), 16)?;
    equal("word at 40", raw::read(Address::scratch(0)), sixth)?;
    equal("word at 48", raw::read(Address::scratch(8)), seventh)?;
    // One that spans two pages, into a buffer that does.
    raw::lend_copy(id, raw::reading(2), 0, Address::scratch(2000), raw::PAGE)?;
    raw::write(Address::scratch(0), 0x1234);
    raw::lend_copy(id, raw::writing(1), 0, Address::scratch(0), 8)?;
    raw::reply(id, info(0))?;
    equal("ending of the lender", kit.ending(client)?, Ending::Exited(0))
}

pub fn what_is_lent_for_reading_is_not_written(kit: &mut Kit) -> Outcome {
    let client = kit.child(&["lend"])?;
    kit.message_from(client)?;
    for index in [0, 2] {
        let result = raw::lend_copy(client.raw(), raw::writing(index), 0, Address::scratch(0), 8);
        refused(format_args!("writing to lend {index}"), result, Error::NotPermitted)?;
    }
    raw::write(Address::scratch(0), 0x1234);
    raw::lend_copy(client.raw(), raw::writing(1), 0, Address::scratch(0), 8)?;
    raw::reply(client.raw(), info(0))?;
    equal("ending of the lender", kit.ending(client)?, Ending::Exited(0))
}

pub fn a_bad_lend_is_the_lenders_error(kit: &mut Kit) -> Outcome {
    for (class, _) in Address::BAD {
        let client = kit.child(&["lend-bad", class])?;
        kit.message_from(client)?;
        let (id, scratch) = (client.raw(), Address::scratch(0));
        let read = raw::lend_copy(id, raw::reading(0), 0, scratch, 8);
        refused(format_args!("reading at {class}"), read, Error::BadLend)?;
        let written = raw::lend_copy(id, raw::writing(1), 0, scratch, 8);
        refused(format_args!("writing at {class}"), written, Error::BadLend)?;
        let code = raw::lend_copy(id, raw::writing(2), 0, scratch, 8);
        refused("writing to code", code, Error::BadLend)?;
        raw::lend_copy(id, raw::reading(2), 0, scratch, 8)?;
        for offset in [usize::MAX - 8, usize::MAX / 2, 0x8000_0000_0000] {
            let far = raw::lend_copy(id, raw::writing(3), offset, scratch, 8);
            refused(format_args!("writing {offset:#x} bytes behind"), far, Error::BadLend)?;
        }
        raw::reply(id, info(0))?;
        equal("the lender goes on", kit.ending(client)?, Ending::Exited(0))?;
    }
    Ok(())
}

pub fn a_loan_ends_with_the_reply(kit: &mut Kit) -> Outcome {
    let client = kit.child(&["lend-nothing"])?;
    kit.message_from(client)?;
    let (id, scratch) = (client.raw(), Address::scratch(0));
    equal("no bytes", raw::lend_copy(id, raw::reading(0), 0, scratch, 0)?, 0)?;
    refused("a byte", raw::lend_copy(id, raw::reading(0), 0, scratch, 1), Error::OutOfBounds)?;
    raw::reply(id, info(0))?;
    // The client calls again, without lending.
    kit.message_from(client)?;
    let gone = raw::lend_copy(id, raw::reading(0), 0, scratch, 0);
    refused("the lend of the call before", gone, Error::InvalidArgument)?;
    raw::reply(id, info(0))?;
    let ended = raw::lend_copy(id, raw::reading(0), 0, scratch, 0);
    equal("after the last reply", matches!(ended, Err(Error::NotWaiting | Error::NoTask)), true)?;
    equal("ending of the lender", kit.ending(client)?, Ending::Exited(0))
}

pub fn one_copy_moves_at_most_its_limit(kit: &mut Kit) -> Outcome {
    let client = kit.child(&["lend"])?;
    kit.message_from(client)?;
    let (id, scratch) = (client.raw(), Address::scratch(0));
    let result = raw::lend_copy(id, raw::reading(0), 0, scratch, MAX_COPY + 1);
    refused("above the limit", result, Error::InvalidArgument)?;
    refused("past the end", raw::lend_copy(id, raw::reading(0), 0, scratch, MAX_COPY), Error::OutOfBounds)?;
    kit.kill(client)?;
    refused("of a dead task", raw::lend_copy(id, raw::reading(0), 0, scratch, 8), Error::NoTask)
}

pub fn lends_of_a_call_that_has_not_been_received_are_out_of_reach(kit: &mut Kit) -> Outcome {
    let client = kit.child(&["lend"])?;
    kit.until(client, "sending or calling", |task| task.peer.is_some())?;
    let early = raw::lend_copy(client.raw(), raw::reading(0), 0, Address::scratch(0), 8);
    refused("before it was received", early, Error::NotWaiting)?;
    kit.message_from(client)?;
    fill_scratch(1, 1);
    raw::write(Address::scratch(0), 0x1234);
    raw::lend_copy(client.raw(), raw::writing(1), 0, Address::scratch(0), 8)?;
    raw::reply(client.raw(), MessageInfo::error(Error::Aborted).raw())?;
    equal("ending of the lender", kit.ending(client)?, Ending::Exited(0))
}
