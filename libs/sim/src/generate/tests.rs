//! Tests of what the generator promises; tests/generator.rs holds its messages against generated dispatchers.

use super::*;
use abi::{Error, kind};
use std::collections::BTreeMap;
use std::path::Path;

fn sample() -> Interfaces {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/idl/tests/sample/sample.idl");
    Interfaces::compile(&path).expect("the sample compiles")
}

/// A payload of handles.
fn handles(first: u32) -> Payload {
    let mut payload = [0; PAYLOAD_WORDS];
    payload[0] = first.into();
    payload
}

/// The message of a handle, and its number.
fn open(interfaces: &Interfaces) -> u16 {
    let namespace = interfaces.namespace("test").unwrap();
    namespace.messages.iter().find(|message| message.name == "open").unwrap().number
}

#[test]
fn every_message_and_every_defect_occurs() {
    let interfaces = Interfaces::of_workspace();
    let served: Vec<&Namespace> =
        interfaces.namespaces().iter().filter(|served| served.name != "bench").collect();
    let (mut numbers, mut defects) = (BTreeMap::new(), BTreeMap::new());
    for seed in 0..200 {
        let mut generator = Generator::new(interfaces, &served, seed);
        generator.learn(open(interfaces), &handles(0x1_0001));
        generator.learn_foreign(open(interfaces), &handles(0x1_0002));
        for _ in 0..20 {
            let generated = generator.next(&[]);
            match generated.defect {
                None => *numbers.entry(generated.info.kind()).or_insert(0) += 1,
                Some(defect) => *defects.entry(defect).or_insert(0) += 1,
            }
        }
    }
    for namespace in served {
        for message in namespace.to_server() {
            assert!(numbers.remove(&message.number).is_some(), "{}.{}", namespace.name, message.name);
        }
    }
    assert_eq!(numbers, BTreeMap::new(), "well-formed messages are those of the server");
    let missing: Vec<&Defect> = Defect::ALL.iter().filter(|defect| !defects.contains_key(defect)).collect();
    assert_eq!(missing, [] as [&Defect; 0]);
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    let interfaces = sample();
    let served: Vec<&Namespace> = interfaces.namespaces().iter().collect();
    let run = |seed| {
        let mut generator = Generator::new(&interfaces, &served, seed);
        (0..100).map(|_| generator.next(&[])).collect::<Vec<_>>()
    };
    assert!(run(7) == run(7));
    assert!(run(7) != run(8));
}

#[test]
fn what_is_left_out_does_not_occur() {
    let interfaces = sample();
    let served: Vec<&Namespace> = interfaces.namespaces().iter().collect();
    let without = [Defect::ForgedExit, Defect::ForgedFault];
    let mut generator = Generator::new(&interfaces, &served, 1).without(&without);
    for _ in 0..2000 {
        let generated = generator.malformed(&[]);
        assert!(generated.defect.is_some_and(|defect| !without.contains(&defect)));
        let forged = (kind::PAGE_FAULT..=kind::ABI_HOOK).contains(&generated.info.kind());
        assert!(!forged || generated.info.words() > 5 || generated.info.as_error().is_err());
    }
    let mut generator = Generator::new(&interfaces, &served, 1).without(Defect::ALL);
    assert_eq!(generator.malformed(&[]).defect, None);
}

#[test]
fn handles_and_tasks_are_those_that_exist() {
    let interfaces = Interfaces::of_workspace();
    let test = interfaces.namespace("test").unwrap();
    let give = test.messages.iter().find(|message| message.name == "give").unwrap();
    let mut generator = Generator::new(interfaces, &[test], 5);
    generator.learn(open(interfaces), &handles(0x7_0003));
    generator.learn_foreign(open(interfaces), &handles(0x9_0004));
    let task = TaskId::from_raw(0x5006).unwrap();
    let (mut used, mut stale) = (0, 0);
    for _ in 0..100 {
        let generated = generator.message(test, give, &[task]);
        assert_eq!(generated.payload[0] >> 32, 0x5006);
        used += u32::from(generated.payload[0] as u32 == 0x7_0003);
        let generated = generator.with_defect(Defect::ForeignHandle, &[task]).unwrap();
        assert_eq!((generated.payload[0] as u32, generated.expected), (0x9_0004, None));
        let generated = generator.with_defect(Defect::StaleHandle, &[task]).unwrap();
        stale += u32::from(generated.payload[0] as u32 == 0x6_0003);
        let generated = generator.with_defect(Defect::NeverIssuedHandle, &[task]).unwrap();
        assert!(![0x7_0003, 0x9_0004].contains(&(generated.payload[0] as u32)));
        assert_eq!(generated.expected, Some(Expected::AnyError));
    }
    assert!(used > 50 && stale == 100, "{used} {stale}");
}

#[test]
fn defects_that_need_something_wait_for_it() {
    let interfaces = Interfaces::of_workspace();
    let mut generator = Generator::new(interfaces, &[interfaces.namespace("bench").unwrap()], 5);
    for defect in [Defect::StaleHandle, Defect::ForeignHandle, Defect::TextWithNul, Defect::BadScalar] {
        assert_eq!(generator.with_defect(defect, &[]), None, "bench has no handles, text, tasks");
    }
    assert!(generator.with_defect(Defect::LendUnreadable, &[]).is_some());
}

#[test]
fn malformed_lends_are_as_their_defect_says() {
    let interfaces = sample();
    let sample = interfaces.namespace("sample").unwrap();
    let mut generator = Generator::new(&interfaces, &[sample], 5);
    let mut lend_with = |defect, check: &dyn Fn(&Lending, u64) -> bool| {
        for _ in 0..200 {
            let generated = generator.with_defect(defect, &[]).unwrap();
            let (_, message) = interfaces.message(generated.info.kind()).unwrap();
            assert_eq!(generated.info.lends(), generated.lends.len());
            let mut lends = message.lends().zip(&generated.lends);
            let found = lends.any(|((field, _), lend)| {
                check(lend, get(&generated.payload, field.capacity.unwrap_or(field.offset), 4))
            });
            assert!(found, "{defect:?}: {generated:?}");
        }
    };
    lend_with(Defect::LengthLarger, &|lend, length| length > lend.claimed as u64);
    lend_with(Defect::LengthSmaller, &|lend, length| length < lend.claimed as u64);
    lend_with(Defect::LengthHuge, &|lend, length| length == u32::MAX.into() && lend.claimed < 20_000);
    lend_with(Defect::LendHuge, &|lend, length| length == u32::MAX.into() && lend.claimed > 1 << 60);
    lend_with(Defect::LendUnreadable, &|lend, length| {
        lend.readable == 0 && length == lend.claimed as u64 && length > 0
    });
    lend_with(Defect::LendPartlyUnreadable, &|lend, length| (lend.readable as u64) < length);
    lend_with(Defect::TextWithNul, &|lend, _| lend.bytes.contains(&0));
    lend_with(Defect::TextNotUtf8, &|lend, _| std::str::from_utf8(&lend.bytes).is_err());
}

#[test]
fn an_error_in_place_of_a_request_is_malformed_or_unknown() {
    let interfaces = Interfaces::of_workspace();
    let served = interfaces.namespace("vm").unwrap();
    let mut generator = Generator::new(interfaces, &[served], 5);
    for _ in 0..100 {
        let generated = generator.with_defect(Defect::ErrorReply, &[]).unwrap();
        let is_of_vm = served.messages.iter().any(|message| message.number == generated.info.kind());
        let expected = if is_of_vm { Error::BadMessage } else { Error::NotSupported };
        assert!(generated.info.as_error().is_err());
        assert_eq!(generated.expected, Some(Expected::Error(expected)));
    }
}
