//! Jumps and calls through tables and pointers.

mod support;

use iced_x86::code_asm::{dword_ptr, qword_ptr, r14, rax, rbp, rbx, rcx, rdi, rsi, rsp};
use stack::{Analysis, UnboundedKind, analyze};
use support::{Assembly, DATA, at, program};

fn analysis(functions: &[(&str, Assembly)], data: &[u64]) -> Analysis {
    analyze(&program(functions, data), &["start"]).expect("the program is fine")
}

fn path(analysis: &Analysis) -> Vec<&str> {
    analysis.path.iter().map(|frame| frame.function.as_str()).collect()
}

const SMALL: (&str, Assembly) = ("small", |a| a.ret());
const LARGE: (&str, Assembly) = ("large", |a| {
    a.sub(rsp, 0x98)?;
    a.add(rsp, 0x98)?;
    a.ret()
});
/// Calls the function that it is given.
const CALL_PLAIN: (&str, Assembly) = ("call_plain", |a| {
    a.push(rbx)?;
    a.call(rdi)?;
    a.pop(rbx)?;
    a.ret()
});
/// Calls the first method of a trait object.
const CALL_METHOD: (&str, Assembly) = ("call_method", |a| {
    a.push(rbx)?;
    a.call(qword_ptr(rsi + 0x18))?;
    a.pop(rbx)?;
    a.ret()
});

#[test]
fn a_register_with_a_known_function_is_a_direct_call() {
    let start: Assembly = |a| {
        a.push(r14)?;
        a.lea(r14, qword_ptr(at(1)))?;
        a.call(r14)?;
        a.call(r14)?;
        a.pop(r14)?;
        a.ret()
    };
    let analysis = analysis(&[("start", start), LARGE], &[]);
    assert_eq!((analysis.bound, analysis.unbounded), (16 + 0xa0, vec![]));
}

#[test]
fn a_call_through_a_fixed_place_in_memory_is_a_direct_call() {
    let start: Assembly = |a| {
        a.call(qword_ptr(DATA))?;
        a.ret()
    };
    let analysis = analysis(&[("start", start), LARGE], &[at(1)]);
    assert_eq!((analysis.bound, analysis.unbounded), (8 + 0xa0, vec![]));
}

#[test]
fn a_place_in_memory_that_is_written_to_is_not_relied_on() {
    let start: Assembly = |a| {
        a.mov(qword_ptr(DATA), rdi)?;
        a.call(qword_ptr(DATA))?;
        a.ret()
    };
    let analysis = analysis(&[("start", start), LARGE], &[at(1)]);
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::UnknownTarget);
}

#[test]
fn a_table_of_functions_calls_the_deepest() {
    let start: Assembly = |a| {
        a.push(rbx)?;
        a.call(qword_ptr(rdi * 8 + DATA as i32))?;
        a.pop(rbx)?;
        a.ret()
    };
    let analysis = analysis(&[("start", start), SMALL, LARGE], &[at(1), at(2), 0]);
    assert_eq!((analysis.bound, analysis.unbounded.as_slice()), (16 + 0xa0, [].as_slice()));
    assert_eq!(path(&analysis), ["start", "large"]);
}

#[test]
fn a_jump_table_leads_into_the_function_and_is_no_call() {
    let start: Assembly = |a| {
        a.push(rbx)?;
        a.jmp(qword_ptr(rdi * 8 + DATA as i32))?;
        a.sub(rsp, 0x40)?; // at 8: push is one byte, the jump seven
        a.add(rsp, 0x40)?;
        a.pop(rbx)?; // at 16
        a.ret()
    };
    let analysis = analysis(&[("start", start)], &[at(0) + 8, at(0) + 16, 0x1234]);
    assert_eq!((analysis.bound, analysis.unbounded), (16 + 0x40, vec![]));
}

#[test]
fn a_jump_table_of_distances_is_followed() {
    let start: Assembly = |a| {
        a.lea(rcx, qword_ptr(DATA))?;
        a.movsxd(rax, dword_ptr(rcx + rdi * 4))?;
        a.add(rax, rcx)?;
        a.jmp(rax)?;
        a.push(rax)?; // at 17: the address takes eight bytes, then four, three and two
        a.pop(rax)?;
        a.ret()
    };
    let distance = (at(0) + 17).wrapping_sub(DATA) as u32;
    let analysis = analysis(&[("start", start)], &[u64::from(distance)]);
    assert_eq!((analysis.bound, analysis.unbounded), (16, vec![]));
}

#[test]
fn a_function_that_is_handed_down_is_called_below() {
    let start: Assembly = |a| {
        a.lea(rdi, qword_ptr(at(2)))?;
        a.call(at(1))?;
        a.ret()
    };
    let analysis = analysis(&[("start", start), CALL_PLAIN, LARGE], &[]);
    assert_eq!((analysis.bound, analysis.unbounded.as_slice()), (8 + 16 + 0xa0, [].as_slice()));
    assert_eq!(path(&analysis), ["start", "call_plain", "large"]);
}

#[test]
fn the_closest_function_above_hands_down() {
    let functions: [(&str, Assembly); 5] = [
        ("start", |a| {
            a.lea(rdi, qword_ptr(at(3)))?;
            a.call(at(2))?;
            a.call(at(1))?;
            a.ret()
        }),
        ("middle", |a| {
            a.sub(rsp, 0x28)?;
            a.lea(rdi, qword_ptr(at(4)))?;
            a.call(at(2))?;
            a.add(rsp, 0x28)?;
            a.ret()
        }),
        CALL_PLAIN,
        LARGE,
        SMALL,
    ];
    let analysis = analysis(&functions, &[]);
    assert_eq!(path(&analysis), ["start", "call_plain", "large"], "middle hands down the small one");
    assert_eq!(analysis.unbounded, []);
}

#[test]
fn a_method_is_found_by_its_place_in_the_vtable() {
    let start: Assembly = |a| {
        a.lea(rsi, qword_ptr(DATA))?;
        a.call(at(1))?;
        a.ret()
    };
    // Drop, size, alignment, two methods.
    let vtable = [0, 16, 8, at(2), at(3)];
    let analysis = analysis(&[("start", start), CALL_METHOD, SMALL, LARGE], &vtable);
    assert_eq!(path(&analysis), ["start", "call_method", "small"], "the second method is at another place");
    assert_eq!((analysis.bound, analysis.unbounded), (8 + 16 + 8, vec![]));
}

#[test]
fn an_unknown_function_is_told() {
    let analysis = analysis(&[("start", |a| a.jmp(at(1))), CALL_PLAIN], &[]);
    assert_eq!(analysis.unbounded.len(), 1, "{:?}", analysis.unbounded);
    assert_eq!(analysis.unbounded[0].function, "call_plain");
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::UnknownTarget);
    assert_eq!(analysis.unbounded[0].caller.as_deref(), Some("start"));
}

#[test]
fn a_function_whose_address_goes_somewhere_is_told() {
    let start: Assembly = |a| {
        a.lea(rax, qword_ptr(at(1)))?;
        a.mov(qword_ptr(rdi), rax)?;
        a.ret()
    };
    let analysis = analysis(&[("start", start), LARGE], &[]);
    assert_eq!(analysis.unbounded[0].function, "large");
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::NeverCalled);
}

#[test]
fn recursion_through_a_pointer_is_told_apart() {
    let start: Assembly = |a| {
        a.push(rbp)?;
        a.lea(rdi, qword_ptr(at(0)))?;
        a.call(at(1))?;
        a.pop(rbp)?;
        a.ret()
    };
    let analysis = analysis(&[("start", start), CALL_PLAIN], &[]);
    let told = analysis
        .unbounded
        .iter()
        .any(|found| matches!(&found.kind, UnboundedKind::Recursion { through_pointer: true, .. }));
    assert!(told, "{:?}", analysis.unbounded);
}

#[test]
fn a_second_panic_is_not_followed() {
    let functions: [(&str, Assembly); 3] = [
        ("start", |a| {
            a.call(at(1))?;
            a.ud2()
        }),
        ("rust_begin_unwind", |a| {
            a.sub(rsp, 0x38)?;
            a.call(at(2))?;
            a.ud2()
        }),
        ("print", |a| {
            let mut fine = a.create_label();
            a.push(rbx)?;
            a.test(rdi, rdi)?;
            a.je(fine)?;
            a.call(at(1))?;
            a.set_label(&mut fine)?;
            a.pop(rbx)?;
            a.ret()
        }),
    ];
    let analysis = analysis(&functions, &[]);
    assert_eq!((analysis.bound, analysis.unbounded), (8 + 0x40 + 16, vec![]));
}
