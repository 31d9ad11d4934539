//! Whatever the file contains, the answer is a result or an error.

mod support;

use iced_x86::code_asm::{qword_ptr, rbx, rdi, rsp};
use proptest::prelude::*;
use stack::{Error, UnboundedKind, analyze, frames};
use support::{Assembly, DATA, at, program};

const START: Assembly = |a| {
    let mut again = a.create_label();
    a.push(rbx)?;
    a.set_label(&mut again)?;
    a.call(qword_ptr(rdi * 8 + DATA as i32))?;
    a.call(at(1))?;
    a.dec(rdi)?;
    a.jne(again)?;
    a.pop(rbx)?;
    a.ret()
};
const OTHER: Assembly = |a| {
    a.sub(rsp, 0x28)?;
    a.call(qword_ptr(DATA + 8))?;
    a.add(rsp, 0x28)?;
    a.jmp(qword_ptr(rdi + 0x18))
};

fn sound() -> Vec<u8> {
    program(&[("start", START), ("other", OTHER)], &[at(0), at(1), DATA, 0])
}

#[test]
fn what_is_no_elf_file_is_an_error() {
    assert!(matches!(analyze(b"#!/bin/sh\n", &["start"]), Err(Error::Unreadable(_))));
    assert!(matches!(analyze(&[], &["start"]), Err(Error::Unreadable(_))));
}

#[test]
fn another_machine_is_an_error() {
    let mut file = sound();
    file[18] = 183; // EM_AARCH64
    assert_eq!(analyze(&file, &["start"]), Err(Error::OtherMachine));
}

#[test]
fn a_stripped_file_is_an_error() {
    assert_eq!(analyze(&program(&[], &[]), &["start"]), Err(Error::NoSymbols));
}

#[test]
fn a_jump_to_nowhere_is_told() {
    let file = program(&[("start", |a| a.jmp(0x1234))], &[]);
    let analysis = analyze(&file, &["start"]).expect("the file is fine");
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::Undecodable(0x1234));
}

#[test]
fn what_is_no_instruction_is_told() {
    let file = program(&[("start", |a| a.db(&[0x06]))], &[]);
    let analysis = analyze(&file, &["start"]).expect("the file is fine");
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::Undecodable(at(0)));
}

proptest! {
    #[test]
    fn random_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let mut file = sound();
        let _ = analyze(&bytes, &["start"]);
        // Behind a good header.
        file.truncate(64);
        file.extend(bytes);
        let _ = analyze(&file, &["start"]);
    }

    #[test]
    fn changed_bytes_are_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut file = sound();
        for (index, byte) in changes {
            let place = index.index(file.len());
            file[place] = byte;
        }
        let _ = analyze(&file, &["start"]);
        let _ = frames(&file);
    }

    #[test]
    fn truncated_files_are_survived(length in any::<prop::sample::Index>()) {
        let file = sound();
        let _ = analyze(&file[..length.index(file.len())], &["start"]);
    }

    #[test]
    fn random_code_is_survived(code in prop::collection::vec(any::<u8>(), 1..200)) {
        let mut file = sound();
        file[64..64 + code.len()].copy_from_slice(&code);
        let _ = frames(&file);
    }
}
