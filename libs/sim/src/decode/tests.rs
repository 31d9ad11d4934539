//! Tests of the texts, each value's and each message's, and of arbitrary messages.

use super::*;
use crate::generate::Generator;
use crate::interfaces::put;
use abi::{PAYLOAD_WORDS, TaskIndex};
use std::path::Path;

const NONE: Payload = [0; PAYLOAD_WORDS];

/// The sample of the interface compiler, which has every type.
fn sample() -> Interfaces {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/idl/tests/sample/sample.idl");
    Interfaces::compile(&path).expect("the sample compiles")
}

fn named(task: TaskId) -> String {
    format!("task {task}")
}

fn message<'a>(interfaces: &'a Interfaces, namespace: &str, name: &str) -> &'a Message {
    let namespace = interfaces.namespace(namespace).unwrap();
    namespace.messages.iter().find(|message| message.name == name).unwrap()
}

/// A request of this message, with its arguments' raw values in order.
fn request(interfaces: &Interfaces, name: &str, values: &[u64], lends: &[&[u8]]) -> String {
    let message = message(interfaces, "sample", name);
    let mut payload = NONE;
    for (field, value) in message.arguments.iter().zip(values) {
        let size = match &field.ty {
            Type::Scalar(scalar) => scalar.size(),
            _ => 4,
        };
        put(&mut payload, field.offset, size, *value);
    }
    let writable =
        message.lends().enumerate().map(|(index, (_, writable))| u32::from(writable) << index).sum();
    let info = MessageInfo::new(message.number, message.request.words()).with_lends(lends.len(), writable);
    let lends: Vec<Vec<u8>> = lends.iter().map(|lend| lend.to_vec()).collect();
    Decoder::new(interfaces, &named).request(info, &payload, &lends)
}

#[test]
fn every_type_is_shown_in_its_own_way() {
    let interfaces = sample();
    let minus = u64::MAX;
    let values = [
        1,
        'é' as u64,
        minus,
        minus,
        minus,
        minus,
        1,
        2,
        3,
        minus,
        minus,
        5,
        6,
        7,
        0x1000,
        0x2000,
        0x2003,
        9,
        0x8d,
        2,
        16,
    ];
    assert_eq!(
        request(&interfaces, "scalars", &values, &[]),
        "sample.scalars(a=true, b='é', c=-1, d=-1, e=-1, f=-1, g=1, h=2, i=3, j=18446744073709551615, k=-1, l=5, \
         m=6, n=7, o=0x1000, p=0x2000, q=task 3.2, r=9, s=TIMER|CHILD|ASYNC|bit 7, t=DARK_GREEN, u=SQUARE)"
    );
    let bad = [2, 0xd800, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 3, 0xffff_ffff];
    assert_eq!(
        request(&interfaces, "scalars", &bad, &[]),
        "sample.scalars(a=2 (no bool), b=0xd800 (no char), c=0, d=0, e=0, f=0, g=0, h=0, i=0, j=0, k=0, l=0, m=0, \
         n=0, o=0x0, p=0x0, q=0x0 (no task), r=0, s=IRQ, t=3 (no colour), u=FREE_FORM)"
    );
}

#[test]
fn arrays_are_shown_in_brackets_and_cut() {
    let interfaces = sample();
    let text = request(&interfaces, "arrays", &[], &[]);
    assert!(
        text.starts_with("sample.arrays(mac=[0, 0, 0, 0, 0, 0], words=[0, 0, 0, 0], flags=[false,"),
        "{text}"
    );
    let workspace = Interfaces::of_workspace();
    let number = message(workspace, "bench", "words24").number;
    let text =
        Decoder::new(workspace, &named).request(MessageInfo::new(number, 24), &[7; PAYLOAD_WORDS], &[]);
    assert_eq!(text, "bench.words24(values=[7, 7, 7, 7, 7, 7, 7, 7, …] (24))");
}

#[test]
fn text_is_quoted_escaped_and_cut() {
    let interfaces = sample();
    let shout = |text: &[u8], length| request(&interfaces, "shout", &[length], &[text, &[0; 9]]);
    assert_eq!(shout("it's \"é\"\n".as_bytes(), 10), r#"sample.shout(text="it's \"é\"\n")"#);
    assert_eq!(shout(b"", 0), r#"sample.shout(text="")"#);
    assert_eq!(shout(&[b'a'; 33], 33), format!("sample.shout(text=\"{}\"… (33 bytes))", "a".repeat(32)));
    assert_eq!(shout(b"abc", 2), r#"sample.shout(text="ab")"#, "what the message does not say is not shown");
    assert_eq!(shout(b"abc", 9), r#"sample.shout(text="abc" (9 bytes, 3 readable))"#);
    assert_eq!(
        shout(&[b'a'; 40], 50),
        format!("sample.shout(text=\"{}\"… (50 bytes, 40 readable))", "a".repeat(32))
    );
}

#[test]
fn bytes_are_shown_as_text_or_in_hexadecimal() {
    let interfaces = sample();
    let copy = |bytes: &[u8]| request(&interfaces, "copy", &[bytes.len() as u64], &[bytes, &[]]);
    assert_eq!(copy(b"hello\0world\0"), r#"sample.copy(from="hello\0world\0")"#);
    assert_eq!(copy(&[0, 0xff]), "sample.copy(from=[00 ff])");
    assert_eq!(copy(&[0; 2]), "sample.copy(from=[00 00])");
    assert_eq!(copy(&[1; 17]), format!("sample.copy(from=[{}]… (17 bytes))", ["01"; 16].join(" ")));
    assert_eq!(copy(&[1; 4096]), "sample.copy(from=4096 bytes)");
    let first = |content: &[u8]| request(&interfaces, "copy", &[4096], &[&content[..LENDS_SHOWN], &[]]);
    assert_eq!(first(&[1; 300]), "sample.copy(from=4096 bytes)", "the first bytes are enough");
    let text = format!("a{}", "é".repeat(150));
    let expected = format!("sample.copy(from=\"a{}\"… (4096 bytes))", "é".repeat(31));
    assert_eq!(first(text.as_bytes()), expected, "a character may be cut");
    assert_eq!(copy(&text.as_bytes()[..2]), "sample.copy(from=[61 c3])", "but not at the end");
}

#[test]
fn replies_are_shown_by_name() {
    let interfaces = Interfaces::of_workspace();
    let decoder = Decoder::new(interfaces, &named);
    let number = |namespace, name| message(interfaces, namespace, name).number;
    let open = number("test", "open");
    let mut payload = NONE;
    payload[0] = 3;
    assert_eq!(decoder.reply(open, MessageInfo::new(open, 1), &payload, &[]), "handle 3");
    assert_eq!(decoder.reply(open, MessageInfo::error(Error::TableFull), &payload, &[]), "error: table full");
    assert_eq!(decoder.reply(open, MessageInfo::new(open, 2), &payload, &[]), "malformed: 2 words of 1");
    assert_eq!(
        decoder.reply(open, MessageInfo::new(9, 1), &payload, &[]),
        format!("malformed: message 9 instead of {open}")
    );
    let close = number("test", "close");
    assert_eq!(decoder.reply(close, MessageInfo::new(close, 0), &payload, &[]), "ok");
    let increment = number("test", "increment");
    let lends = [b"abc".to_vec(), b"bcd..".to_vec()];
    assert_eq!(decoder.reply(increment, MessageInfo::new(increment, 1), &payload, &lends), r#"to "bcd""#);
    let exit = number("vm", "next_exit");
    payload = NONE;
    put(&mut payload, 0, 4, 0x1004);
    put(&mut payload, 4, 4, u64::MAX);
    put(&mut payload, 8, 4, 2);
    let text = decoder.reply(exit, MessageInfo::new(exit, 2), &payload, &[]);
    assert_eq!(text, "task task 4, status -1, kind CRASHED");
    let changed = number("test", "changed");
    let text = decoder.reply(kind::ASYNC_PULL, MessageInfo::new(changed, 1), &payload, &[]);
    assert_eq!(text, "test.changed(number=4100)");
}

#[test]
fn the_kernels_messages_are_words() {
    let decoder = Decoder::new(Interfaces::of_workspace(), &named);
    let decode = |kind, words: &[u64]| {
        let mut payload = NONE;
        payload[..words.len()].copy_from_slice(words);
        decoder.request(MessageInfo::new(kind, words.len()), &payload, &[])
    };
    assert_eq!(decode(kind::NOTIFICATIONS, &[0x10b]), "notifications TIMER|CONSOLE|ASYNC|bit 8");
    assert_eq!(decode(kind::NOTIFICATIONS, &[0]), "notifications none");
    assert_eq!(
        decode(kind::PAGE_FAULT, &[0x1000, 1, 0x210d24, 0, 0]),
        "page fault: write of 0x1000 at 0x210d24"
    );
    assert_eq!(decode(kind::PAGE_FAULT, &[8, 4, 0, 0, 0]), "page fault: read of 0x8, which is forbidden");
    assert_eq!(decode(kind::EXCEPTION, &[2, 7, 0, 0, 0]), "exception: division error (detail 0x7)");
    assert_eq!(decode(kind::EXIT, &[u64::MAX, 1, 0, 0, 0]), "exit: panicked, status -1");
    assert_eq!(decode(kind::EXIT, &[0, 0, 0, 0, 0]), "exit: status 0");
    assert_eq!(decode(kind::QUANTUM, &[0; 5]), "quantum used up");
    assert_eq!(decode(kind::ASYNC_PULL, &[]), "pull of an asynchronous message");
    assert_eq!(decode(kind::EXIT, &[0]), "message 4 (1 word)");
    assert_eq!(decode(4711, &[0, 0]), "message 4711 (2 words)");
    assert_eq!(decoder.reply(kind::PAGE_FAULT, MessageInfo::new(0, 0), &NONE, &[]), "resumed");
    assert_eq!(
        decoder.reply(4711, MessageInfo::error(Error::NotSupported), &NONE, &[]),
        "error: not supported"
    );
    let error = decoder.request(MessageInfo::error(Error::NotFound), &NONE, &[]);
    assert_eq!(error, "message with an error (not found)");
}

#[test]
fn malformed_requests_are_told() {
    let interfaces = Interfaces::of_workspace();
    let decoder = Decoder::new(interfaces, &named);
    let serve = message(interfaces, "vm", "serve").number;
    let decode = |words, lends, writable| {
        decoder.request(
            MessageInfo::new(serve, words).with_lends(lends, writable),
            &[u64::MAX; PAYLOAD_WORDS],
            &[],
        )
    };
    assert_eq!(decode(2, 1, 0), "vm.serve(malformed: 2 words of 1)");
    assert_eq!(decode(1, 0, 0), "vm.serve(malformed: 0 lends of 1)");
    assert_eq!(decode(1, 1, 1), "vm.serve(malformed: lend 0 is writable)");
    assert_eq!(decode(1, 1, 4), "vm.serve(malformed: lend 2 is writable)");
    assert_eq!(decode(1, 1, 0), "vm.serve(name=4294967295 bytes, 0 readable)");
    let name = message(interfaces, "vm", "task_name").number;
    let text = decoder.request(MessageInfo::new(name, 1).with_lends(1, 0), &NONE, &[]);
    assert_eq!(text, "vm.task_name(malformed: lend 0 is read-only)");
}

#[test]
fn whatever_arrives_is_decoded() {
    for interfaces in [&sample(), Interfaces::of_workspace()] {
        let decoder = Decoder::new(interfaces, &named);
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let info = MessageInfo::from_raw(random.u32(..) as usize & 0x8fff_007f);
            let info = info.unwrap_or(MessageInfo::error(Error::Unknown));
            let payload = std::array::from_fn(|_| random.u64(..));
            let lends: Vec<Vec<u8>> =
                (0..random.usize(0..5)).map(|_| vec![random.u8(..); random.usize(0..40)]).collect();
            for text in [
                decoder.request(info, &payload, &lends),
                decoder.reply(random.u16(0..80), info, &payload, &lends),
            ] {
                assert!(!text.is_empty() && text.len() < 2000, "{text}");
            }
        }
    }
}

#[test]
fn every_argument_of_well_formed_messages_is_shown() {
    for interfaces in [&sample(), Interfaces::of_workspace()] {
        let decoder = Decoder::new(interfaces, &named);
        for namespace in interfaces.namespaces() {
            let mut generator = Generator::new(interfaces, &[namespace], 3);
            for message in namespace.messages.iter().cycle().take(50 * namespace.messages.len()) {
                let generated = generator.message(namespace, message, &[]);
                let lends: Vec<Vec<u8>> = generated.lends.iter().map(|lend| lend.bytes.clone()).collect();
                let text = decoder.request(generated.info, &generated.payload, &lends);
                assert!(text.starts_with(&format!("{}.{}(", namespace.name, message.name)), "{text}");
                for wrong in ["malformed: ", "(no ", " readable"] {
                    assert!(!text.contains(wrong), "{text}");
                }
                for field in &message.arguments {
                    let value = shown(&generated.payload, field, &lends);
                    assert!(text.contains(&format!("{}={value}", field.name)), "{value} is not in {text}");
                }
            }
        }
    }
}

/// How a value's text begins, computed in another way.
fn shown(payload: &Payload, field: &Field, lends: &[Vec<u8>]) -> String {
    let bytes: Vec<u8> = payload.iter().flat_map(|word| word.to_le_bytes()).collect();
    let at = &bytes[field.offset..];
    match &field.ty {
        Type::Scalar(idl::model::Scalar::Builtin(builtin)) => match builtin.rust {
            "bool" => (at[0] == 1).to_string(),
            "u8" => at[0].to_string(),
            "i16" => i16::from_le_bytes([at[0], at[1]]).to_string(),
            "i32" => i32::from_le_bytes(at[..4].try_into().unwrap()).to_string(),
            "ipc::Handle" => u32::from_le_bytes(at[..4].try_into().unwrap()).to_string(),
            "ipc::TaskId" => {
                let raw = u32::from_le_bytes(at[..4].try_into().unwrap());
                let index = TaskIndex::new(raw as usize & 0xfff);
                named(TaskId::new(index, raw >> 12).unwrap())
            }
            "u64" if builtin.name != "paddr" => u64::from_le_bytes(at[..8].try_into().unwrap()).to_string(),
            _ => String::new(),
        },
        Type::Str => {
            let text = std::str::from_utf8(&lends[field.lend.unwrap()]).unwrap();
            let plain = text.chars().take(32).take_while(char::is_ascii_alphanumeric);
            // Text with strange control characters is shown in hexadecimal.
            if text.chars().any(char::is_control) {
                String::new()
            } else {
                format!("\"{}", plain.collect::<String>())
            }
        }
        _ => String::new(),
    }
}
