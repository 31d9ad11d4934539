//! What the helper tasks do: this program, started as `test child PARENT ROLE ARGUMENTS…`.
//!
//! A role that returns an error ends its task with the error's code as the status; the test that started it knows
//! which status it wants.

use crate::kit::{fill, fill_scratch, scratch_is_filled, set_timer};
use crate::raw::{self, Address};
use crate::server;
use abi::{Error, MAX_COPY, MessageInfo, NOTIFY_TIMER, PAYLOAD_WORDS, kind};

/// Status of a role that does not exist or has bad arguments.
const BAD_ROLE: i32 = 255;
/// Status of a role that has got what it should not get.
const WRONG: i32 = 254;

/// A role's result: the status to end with.
type Done = Result<i32, Error>;

/// Plays a role; returns the task's status.
pub fn play(parent: usize, role: &str, arguments: &[&str]) -> i32 {
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let task = |index: usize| {
        let text = arguments.get(index)?;
        text.parse::<abi::TaskId>().ok().map(abi::TaskId::raw)
    };
    let text = |index: usize| arguments.get(index).copied().unwrap_or("");
    let done = match role {
        "exit" => Ok(number(0) as i32),
        "idle" => idle(),
        "spin" => spin(),
        "flood" => flood(),
        "napper" => napper(),
        "send" => send(parent, number(0) as u64),
        "send-short" => send_short(parent),
        "notify-then-send" => notify_then_send(parent, number(0)),
        "echo" => echo(),
        "refuse" => refuse(),
        "receive-one" => raw::receive(0).map(|_| raw::word(0) as i32),
        "receive-from" => raw::receive(task(0).unwrap_or(0)).map(|_| 0),
        "send-to" => raw::send(task(0).unwrap_or(0), info(0), 0).map(|()| 0),
        "call" => call(task(0).unwrap_or(0)),
        "call-me" => (0..number(0)).try_for_each(|_| raw::call(parent, info(0)).map(drop)).map(|()| 0),
        "abandon" => crate::pager::abandon(parent),
        "hold" => hold(parent),
        "lock" => lock(),
        "forge" => forge(parent),
        "forge-to-vm" => forge(resea::vm().task().raw()),
        "garbage-to-vm" => garbage(resea::vm().task().raw()),
        "lend" => lend(parent),
        "lend-bad" => lend_bad(parent, text(0)),
        "lend-nothing" => lend_nothing(parent),
        "pointer" => return pointer(parent, text(0), text(1)),
        "access" => return access(text(0), text(1)),
        "forbidden" => {
            raw::forbidden(text(0));
            Ok(WRONG)
        }
        "overflow-stack" => Ok(overflow_stack(0) as i32),
        "vectors" => vectors(parent, number(0) as u64),
        "vectors-empty" => Ok(if raw::vectors_are_empty() { 0 } else { WRONG }),
        "serve" => server::serve(),
        "client" => server::client(text(0)),
        "share" => server::use_share(parent, number(0), text(1)),
        "share-asked" => {
            raw::call(parent, info(0)).and_then(|_| server::use_share(parent, raw::word(0) as usize, text(0)))
        }
        _ => Ok(BAD_ROLE),
    };
    done.unwrap_or_else(|error| error.code() as i32)
}

fn info(words: usize) -> usize {
    MessageInfo::new(100, words).raw()
}

/// Receives and forgets, for ever.
fn idle() -> Done {
    loop {
        raw::receive(0)?;
    }
}

/// Never waits for anything.
fn spin() -> Done {
    loop {
        core::hint::spin_loop();
    }
}

/// Prints without end: the shell must get through with Ctrl-C.
fn flood() -> Done {
    loop {
        resea::println!("flood");
    }
}

/// Answers each call after as many nanoseconds as it says.
fn napper() -> Done {
    loop {
        let message = raw::receive(0)?;
        if message.sender == 0 {
            continue;
        }
        set_timer(raw::word(0).max(1));
        while raw::receive(0)?.notifications().is_none_or(|bits| bits & NOTIFY_TIMER == 0) {}
        raw::reply(message.sender, info(0))?;
    }
}

fn send(parent: usize, seed: u64) -> Done {
    fill(PAYLOAD_WORDS, seed);
    raw::send(parent, info(PAYLOAD_WORDS), 0)?;
    Ok(0)
}

/// Sends one word; those behind it must stay here.
fn send_short(parent: usize) -> Done {
    for index in 0..PAYLOAD_WORDS {
        raw::set_word(index, 1);
    }
    raw::send(parent, info(1), 0)?;
    Ok(0)
}

fn notify_then_send(parent: usize, bit: usize) -> Done {
    raw::notify(parent, 1 << bit)?;
    raw::send(parent, info(0), 0)?;
    Ok(0)
}

/// Answers each call with itself.
fn echo() -> Done {
    let mut message = raw::receive(0)?;
    loop {
        message = match message.sender {
            0 => raw::receive(0)?,
            sender => raw::reply_receive(sender, message.info)?,
        };
    }
}

/// Answers each call with the error whose code it holds.
fn refuse() -> Done {
    loop {
        let message = raw::receive(0)?;
        let error = Error::from_code(raw::word(0) as usize);
        raw::reply(message.sender, MessageInfo::error(error).raw())?;
    }
}

/// Calls with a lend.
fn call(server: usize) -> Done {
    raw::set_lend(0, Address::scratch(0), 64);
    let reply = raw::call(server, MessageInfo::new(100, 0).with_lends(1, 0).raw())?;
    Ok(if reply.sender == server { 0 } else { WRONG })
}

/// Takes a call and answers it when the parent has sent something.
fn hold(parent: usize) -> Done {
    let client = loop {
        let message = raw::receive(0)?;
        if message.sender != 0 {
            break message.sender;
        }
    };
    raw::receive(parent)?;
    raw::reply(client, info(0))?;
    Ok(0)
}

/// Takes a call and, instead of answering, waits for something else from the same client.
fn lock() -> Done {
    let client = raw::receive(0)?.sender;
    raw::receive(client).map(|_| WRONG)
}

/// Sends messages of the types that only the kernel sends.
fn forge(to: usize) -> Done {
    for kind in [kind::NOTIFICATIONS, kind::PAGE_FAULT, kind::EXCEPTION, kind::EXIT, kind::QUANTUM] {
        raw::set_word(0, 0xffff_ffff);
        raw::send(to, MessageInfo::new(kind, 1).raw(), 0)?;
    }
    Ok(0)
}

/// Calls with every type, and payloads and lends that fit none.
fn garbage(to: usize) -> Done {
    for kind in 0..100 {
        // Not those that kill the caller by being believed, and not the ones that lead to a call that waits.
        if (kind::PAGE_FAULT..=kind::ABI_HOOK).contains(&kind) {
            continue;
        }
        for (words, lends, writable) in [(0, 0, 0), (1, 0, 0), (2, 1, 0), (30, 4, 0b1111), (3, 2, 0b01)] {
            fill(words, u64::from(kind));
            for index in 0..lends {
                raw::set_lend(index, Address::scratch(0), MAX_COPY * (index + 1));
            }
            // An error is the answer that it deserves.
            let _ = raw::call(to, MessageInfo::new(kind, words).with_lends(lends, writable).raw());
        }
    }
    Ok(0)
}

/// Lends the first scratch page for reading and the second for writing, and checks what came.
fn lend(parent: usize) -> Done {
    const WORDS: usize = raw::PAGE / 8;
    fill_scratch(WORDS, 11);
    // A page that was never touched is not there, and cannot be lent.
    raw::write(Address::scratch(raw::PAGE), 0);
    raw::set_lend(0, Address::scratch(0), raw::PAGE);
    raw::set_lend(1, Address::scratch(raw::PAGE), 64);
    // The third spans both pages.
    raw::set_lend(2, Address::scratch(100), raw::PAGE);
    raw::call(parent, MessageInfo::new(100, 0).with_lends(3, 0b010).raw())?;
    let untouched = scratch_is_filled(WORDS, 11).is_ok();
    let written = raw::read(Address::scratch(raw::PAGE)) == 0x1234;
    Ok(if untouched && written { 0 } else { WRONG })
}

/// Lends memory that is not there, for reading and for writing; as the third, code for writing.
fn lend_bad(parent: usize, class: &str) -> Done {
    let address = Address::bad(class).ok_or(Error::InvalidArgument)?;
    raw::set_lend(0, address, 64);
    raw::set_lend(1, address, 64);
    raw::set_lend(2, Address::code(), 64);
    raw::set_lend(3, Address::scratch(0), usize::MAX);
    raw::call(parent, MessageInfo::new(100, 0).with_lends(4, 0b1110).raw())?;
    Ok(0)
}

/// Calls with a lend of no bytes, and then without one.
fn lend_nothing(parent: usize) -> Done {
    raw::set_lend(0, Address::scratch(0), 0);
    raw::call(parent, MessageInfo::new(100, 0).with_lends(1, 1).raw())?;
    raw::call(parent, info(0))?;
    Ok(0)
}

/// Passes bad memory of its own to a system call: does not come back.
fn pointer(parent: usize, call: &str, class: &str) -> i32 {
    let Some(address) = Address::bad(class) else { return BAD_ROLE };
    let result = match call {
        "console-write" => raw::console(0, address, 8),
        "task-create" => raw::task_create(address),
        "inspect-task" => raw::inspect(0, 0, address, 8),
        "inspect-log" => raw::inspect(1, 0, address, 8),
        "lend-read" | "lend-write" => {
            // The parent calls and lends.
            let client = raw::receive(parent).map(|message| message.sender);
            let selector = if call == "lend-read" { raw::reading(0) } else { raw::writing(0) };
            client.and_then(|client| raw::lend_copy(client, selector, 0, address, 8))
        }
        "stack" => {
            raw::stack_at(address);
            Ok(0)
        }
        _ => return BAD_ROLE,
    };
    resea::println!("{call} with a {class} address returned {result:?}");
    WRONG
}

/// Accesses memory in a way that it must not: does not come back.
fn access(how: &str, class: &str) -> i32 {
    let address = match class {
        "code" => Address::code(),
        "data" => Address::scratch(0),
        class => match Address::bad(class) {
            Some(address) => address,
            None => return BAD_ROLE,
        },
    };
    match how {
        "read" => {
            let _ = core::hint::black_box(raw::read(address));
        }
        "write" => raw::write(address, 1),
        "execute" => raw::jump(address),
        _ => return BAD_ROLE,
    }
    WRONG
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
fn overflow_stack(depth: usize) -> usize {
    let frame = core::hint::black_box([depth; 64]);
    overflow_stack(depth + 1) + frame[depth % 64]
}

/// Keeps its own values in the SSE registers while it and others switch.
fn vectors(parent: usize, seed: u64) -> Done {
    raw::set_vectors(seed);
    for _ in 0..20 {
        raw::call(parent, info(0))?;
        if !raw::vectors_are(seed) {
            return Ok(WRONG);
        }
    }
    Ok(0)
}
