//! A server against messages that nobody in their right mind would send.
//!
//! Clients of it are tasks that call the kernel directly, so that they can send what no generated stub would. The server
//! must answer every call in time, refuse what is malformed as the interface says, and still serve afterwards.

use crate::backend::Call;
use crate::generate::{Defect, Expected, Generated, Generator};
use crate::interfaces::{Interfaces, Payload};
use crate::program::Program;
use crate::system::System;
use crate::task::current;
use abi::{Error, MessageInfo, Syscall, TaskId};

/// Messages that one run sends.
const MESSAGES: usize = 40;

/// Runs of a test.
const RUNS: u64 = 100;

/// A test that sends the server of a package random messages of the interfaces that it provides, well-formed and
/// malformed: `sim::messages!(example::run);`. More programs that it needs can follow: `sim::messages!(fs::run,
/// ramdisk::run);`.
///
/// It fails if the server panics, ends, leaves a call unanswered, or takes a malformed message for a good one.
#[macro_export]
macro_rules! messages {
    ($package:ident :: $function:ident $(, $other:ident :: $other_function:ident)* $(,)?) => {
        #[test]
        fn every_message_is_answered() {
            let system = $crate::System::new()$(.program($crate::program!($other::$other_function)))*;
            $crate::send_messages(system, $crate::program!($package::$function));
        }
    };
}

/// What [`messages!`] does.
pub fn send_messages(system: System, server: Program) {
    let provides: Vec<String> =
        server.manifest.manifest().provides.iter().map(|service| service.to_string()).collect();
    assert!(!provides.is_empty(), "{} provides no service, so it gets no messages", server.name);
    let service = provides[0].clone();
    let name = server.name.clone();
    system.program(server).explore(RUNS, move || {
        let task = resea::lookup(&service).unwrap_or_else(|error| panic!("{error}"));
        let served: Vec<_> = provides.iter().map(String::as_str).collect();
        send_random(task, &served);
        assert_eq!(resea::lookup(&service), Ok(task), "{name} has not survived the messages");
    });
}

/// Sends random messages of the interfaces `served` to a server, well-formed and malformed, and checks the answers: what
/// [`send_messages`] does in each run, for tests that send them from a program of their own.
///
/// Panics if an answer is not what the interface says, or if no interface has one of the names.
pub fn send_random(server: TaskId, served: &[&str]) {
    let interfaces = Interfaces::of_workspace();
    let namespaces: Vec<_> = served.iter().filter_map(|name| interfaces.namespace(name)).collect();
    assert!(!namespaces.is_empty(), "there is no interface named like a service of the server: {served:?}");
    let mut generator = Generator::new(interfaces, &namespaces, crate::control::random_number());
    let is_pager = server == resea::vm().task();
    for _ in 0..MESSAGES {
        let mut message = generator.next(&[server, resea::own_id()]);
        if is_pager && matches!(message.defect, Some(Defect::ForgedFault | Defect::ForgedExit)) {
            // It cannot tell them from the kernel's, and does with the sender what the sender has asked for.
            message.expected = None;
        }
        match (send(server, &message), message.expected) {
            (Ok((info, payload)), expected) => {
                check(&message, info.as_error().map(drop), expected);
                if info.as_error().is_ok() {
                    generator.learn(message.info.kind(), &payload);
                }
            }
            // What the kernel answers when there is nobody any more.
            (Err(Error::NoTask | Error::Aborted), _) => panic!("the server ended at {}", describe(&message)),
            (Err(error), expected) => check(&message, Err(error), expected),
        }
    }
}

fn check(message: &Generated, answer: Result<(), Error>, expected: Option<Expected>) {
    let message = describe(message);
    match expected {
        Some(Expected::Error(error)) => {
            assert_eq!(answer, Err(error), "the answer to {message}");
        }
        Some(Expected::AnyError) => assert!(answer.is_err(), "{message} was not refused"),
        Some(Expected::Silence) | None => {}
    }
}

fn describe(message: &Generated) -> String {
    format!("message {} with {}", message.info.kind(), message.defect.map_or("no defect", Defect::text))
}

/// Sends or calls as the message says; what was answered. The server has ended, or refuses to be talked to: an error of
/// the kernel.
fn send(server: TaskId, message: &Generated) -> Result<(MessageInfo, Payload), Error> {
    ipc::host::set_payload(&message.payload);
    let lends = message.lends.iter().map(|lend| {
        let readable = lend.bytes.get(..lend.readable).unwrap_or(&lend.bytes);
        (readable.to_vec(), lend.claimed, lend.writable)
    });
    let number = if message.is_call { Syscall::Call } else { Syscall::Send };
    let (outcome, _) = current().system_call(Call {
        sends: message.info.words(),
        lends: lends.collect(),
        ..Call::new(number, [server.raw(), message.info.raw(), 0, 0, 0])
    });
    outcome.result?;
    Ok((MessageInfo::from_raw(outcome.info).unwrap_or(MessageInfo::new(0, 0)), ipc::host::payload()))
}
