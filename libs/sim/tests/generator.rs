//! What the generator says of its messages, held against the code that the interface compiler generates: well-formed
//! messages reach the server, malformed ones get what they are said to get.
//!
//! The sample interface of the compiler has every type; its server here reads all that it is lent, out of a memory
//! that is as the message says. Of the system's own interfaces only the dispatchers are tried.

/// The golden output of the interface compiler.
#[allow(dead_code, reason = "a crate has all of it public; here some is not used")]
mod generated {
    include!("../../../tools/idl/tests/sample/sample.rs");
}

#[path = "generator/memory.rs"]
mod memory;
#[path = "generator/servers.rs"]
mod servers;

use generated::sample;
use ipc::{Answer, Error, Incoming, MessageInfo};
use memory::Memory;
use servers::{Careful, Refusing};
use sim::generate::{Defect, Expected, Generated, Generator};
use sim::interfaces::Interfaces;
use std::collections::BTreeMap;
use std::path::Path;

/// Messages tried with each server.
const MESSAGES: usize = 20_000;

fn sample_interfaces() -> Interfaces {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/idl/tests/sample/sample.idl");
    Interfaces::compile(&path).expect("the sample compiles")
}

/// Has `dispatch` handle the message, as a server's loop does, and gives the reply, if there is one.
fn deliver(generated: &Generated, dispatch: &mut dyn FnMut(&Incoming) -> Answer) -> Option<MessageInfo> {
    let memory = Memory::of(generated);
    let _installed = ipc::host::install(memory.clone());
    ipc::host::set_payload(&generated.payload);
    let answer = dispatch(&Incoming { sender: ipc::host::first_task(), info: generated.info });
    let reply = match answer {
        Answer::Reply(info) => Some(info),
        Answer::Nothing => memory.reply(),
        Answer::Unknown => Some(MessageInfo::error(Error::NotSupported)),
    };
    reply.filter(|_| generated.is_call)
}

/// Whether the reply is what the generator expects; a well-formed message is one that reaches the server.
fn is_expected(generated: &Generated, reply: Option<MessageInfo>) -> bool {
    let error = reply.and_then(|info| info.as_error().err());
    match (generated.expected, generated.defect) {
        (Some(Expected::Error(expected)), _) => error == Some(expected),
        (Some(Expected::AnyError), _) => error.is_some(),
        (Some(Expected::Silence), _) => reply.is_none(),
        (None, None) => !matches!(error, Some(Error::BadMessage | Error::NotSupported)),
        (None, Some(_)) => true,
    }
}

#[test]
fn messages_get_what_is_expected() {
    let interfaces = sample_interfaces();
    let served = interfaces.namespace("sample").unwrap();
    let (mut server, mut defects) = (Careful::default(), BTreeMap::new());
    let mut generator = Generator::new(&interfaces, &[served], 11);
    for _ in 0..MESSAGES {
        let generated = generator.next(&[]);
        let (reached, pokes) = (server.reached, server.pokes);
        let reply = deliver(&generated, &mut |message| sample::dispatch(&mut server, message));
        assert!(is_expected(&generated, reply), "{reply:?} to {generated:?}");
        match generated.defect {
            None => assert_eq!(server.reached, reached + 1, "{generated:?}"),
            Some(_) if !generated.is_call && generated.defect != Some(Defect::NotCalled) => {
                assert_eq!(server.pokes, pokes, "{generated:?}");
            }
            Some(_) => {}
        }
        *defects.entry((generated.defect, generated.expected.is_some())).or_insert(0) += 1;
    }
    assert!(defects.len() > Defect::ALL.len(), "{defects:?}");
    assert!(server.whole > MESSAGES / 50, "requests were read to their end: {}", server.whole);
}

#[test]
fn the_systems_dispatchers_agree() {
    type Dispatch = fn(&mut Refusing, &Incoming) -> Answer;
    let servers: [(&str, Dispatch); 3] = [
        ("vm", interfaces::vm::dispatch),
        ("bench", interfaces::bench::dispatch),
        ("test", interfaces::test::dispatch),
    ];
    let interfaces = Interfaces::of_workspace();
    for (name, dispatch) in servers {
        let served = interfaces.namespace(name).expect("it is in the workspace");
        let mut generator = Generator::new(interfaces, &[served], 12);
        for _ in 0..MESSAGES {
            let (generated, mut server) = (generator.next(&[]), Refusing);
            let reply = deliver(&generated, &mut |message| dispatch(&mut server, message));
            assert!(is_expected(&generated, reply), "{name}: {reply:?} to {generated:?}");
        }
    }
}
