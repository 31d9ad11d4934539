//! Frames and chains of calls of small functions.

mod support;

use iced_x86::code_asm::{eax, ecx, qword_ptr, r11, rax, rbp, rbx, rcx, rdi, rsp};
use stack::{Analysis, Error, UnboundedKind, analyze};
use support::{Assembly, at, program};

fn analysis(functions: &[(&str, Assembly)]) -> Analysis {
    analyze(&program(functions, &[]), &["start"]).expect("the program is fine")
}

/// The bound of a program in which nothing is unbounded.
fn bound(functions: &[(&str, Assembly)]) -> u64 {
    let analysis = analysis(functions);
    assert_eq!(analysis.unbounded, [], "all is bounded");
    assert_eq!(analysis.path.iter().map(|frame| frame.bytes).sum::<u64>(), analysis.bound, "{analysis:?}");
    analysis.bound
}

const LEAF: (&str, Assembly) = ("leaf", |a| {
    a.push(rbx)?;
    a.sub(rsp, 0x20)?;
    a.add(rsp, 0x20)?;
    a.pop(rbx)?;
    a.ret()
});

#[test]
fn a_leaf_has_a_return_address() {
    assert_eq!(bound(&[("start", |a| a.ret())]), 8);
}

#[test]
fn a_chain_is_the_sum_of_its_frames() {
    let functions: [(&str, Assembly); 2] = [
        ("start", |a| {
            a.push(rbp)?;
            a.mov(rbp, rsp)?;
            a.call(at(1))?;
            a.pop(rbp)?;
            a.ret()
        }),
        LEAF,
    ];
    let analysis = analysis(&functions);
    let path: Vec<_> = analysis.path.iter().map(|frame| (frame.function.as_str(), frame.bytes)).collect();
    assert_eq!(path, [("start", 16), ("leaf", 48)]);
    assert_eq!(analysis.bound, 64);
}

#[test]
fn what_is_in_use_at_the_call_counts() {
    let start: Assembly = |a| {
        a.call(at(1))?;
        a.sub(rsp, 0x1000)?;
        a.add(rsp, 0x1000)?;
        a.ret()
    };
    assert_eq!(bound(&[("start", start), LEAF]), 8 + 0x1000, "the large frame is not there during the call");
}

#[test]
fn a_tail_call_takes_the_place_of_its_caller() {
    let start: Assembly = |a| {
        a.sub(rsp, 0x18)?;
        a.add(rsp, 0x18)?;
        a.jmp(at(1))
    };
    assert_eq!(bound(&[("start", start), LEAF]), 48);
}

#[test]
fn pushes_in_branches_do_not_add_up_in_a_loop() {
    let start: Assembly = |a| {
        let (mut again, mut other, mut join) = (a.create_label(), a.create_label(), a.create_label());
        a.set_label(&mut again)?;
        a.test(rdi, rdi)?;
        a.je(other)?;
        a.push(rdi)?;
        a.call(at(1))?;
        a.pop(rdi)?;
        a.jmp(join)?;
        a.set_label(&mut other)?;
        a.push(rdi)?;
        a.push(rdi)?;
        a.add(rsp, 16)?;
        a.set_label(&mut join)?;
        a.dec(rdi)?;
        a.jne(again)?;
        a.ret()
    };
    assert_eq!(bound(&[("start", start), LEAF]), 16 + 48);
}

#[test]
fn a_loop_that_pushes_and_does_not_pop_is_told() {
    let analysis = analysis(&[("start", |a| {
        let mut again = a.create_label();
        a.set_label(&mut again)?;
        a.push(rdi)?;
        a.dec(rdi)?;
        a.jne(again)?;
        a.ret()
    })]);
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::GrowingStack(at(0)));
}

#[test]
fn an_aligned_frame_counts_what_alignment_can_cost() {
    let start: Assembly = |a| {
        a.push(rbp)?;
        a.mov(rbp, rsp)?;
        a.and(rsp, -64)?;
        a.sub(rsp, 64)?;
        a.mov(rsp, rbp)?;
        a.pop(rbp)?;
        a.ret()
    };
    // 16 are in use, a multiple of 16; up to 48 to a multiple of 64.
    assert_eq!(bound(&[("start", start)]), 16 + 48 + 64);
}

#[test]
fn leave_gives_the_frame_back() {
    let start: Assembly = |a| {
        a.push(rbp)?;
        a.mov(rbp, rsp)?;
        a.sub(rsp, 0x100)?;
        a.leave()?;
        a.jmp(at(1))
    };
    assert_eq!(bound(&[("start", start), LEAF]), 16 + 0x100);
}

#[test]
fn a_large_frame_is_probed_page_by_page_and_counted_exactly() {
    let start: Assembly = |a| {
        let mut probe = a.create_label();
        a.mov(r11, rsp)?;
        a.sub(r11, 0x40000)?;
        a.set_label(&mut probe)?;
        a.sub(rsp, 0x1000)?;
        a.mov(qword_ptr(rsp), 0)?;
        a.cmp(rsp, r11)?;
        a.jne(probe)?;
        a.sub(rsp, 0x128)?;
        a.call(at(1))?;
        a.add(rsp, 0x40128)?;
        a.ret()
    };
    assert_eq!(bound(&[("start", start), LEAF]), 8 + 0x40000 + 0x128 + 48);
}

#[test]
fn the_compiler_runtimes_probe_is_counted_exactly() {
    let functions: [(&str, Assembly); 2] = [
        ("start", |a| {
            a.mov(eax, 0x12340)?;
            a.call(at(1))?;
            a.sub(rsp, rax)?;
            a.add(rsp, 0x12340)?;
            a.ret()
        }),
        ("__rust_probestack", |a| a.ret()),
    ];
    assert_eq!(bound(&functions), 8 + 0x12340);
}

#[test]
fn a_frame_of_unknown_size_is_told() {
    let analysis = analysis(&[("start", |a| {
        a.push(rbp)?;
        a.mov(rbp, rsp)?;
        a.sub(rsp, rdi)?;
        a.leave()?;
        a.ret()
    })]);
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::DynamicStack(at(0) + 4));
    assert_eq!(analysis.bound, 16);
}

#[test]
fn recursion_is_told_and_counted_once() {
    let start: Assembly = |a| {
        let mut done = a.create_label();
        a.sub(rsp, 0x18)?;
        a.test(rdi, rdi)?;
        a.je(done)?;
        a.call(at(0))?;
        a.set_label(&mut done)?;
        a.add(rsp, 0x18)?;
        a.ret()
    };
    let analysis = analysis(&[("start", start)]);
    assert_eq!(analysis.bound, 32);
    let cycle = vec!["start".to_string()];
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::Recursion { cycle, through_pointer: false });
}

#[test]
fn mutual_recursion_names_the_circle() {
    let functions: [(&str, Assembly); 3] = [
        ("start", |a| {
            a.call(at(1))?;
            a.ret()
        }),
        ("even", |a| {
            let mut done = a.create_label();
            a.test(rdi, rdi)?;
            a.je(done)?;
            a.call(at(2))?;
            a.set_label(&mut done)?;
            a.ret()
        }),
        ("odd", |a| {
            a.push(rbx)?;
            a.call(at(1))?;
            a.pop(rbx)?;
            a.ret()
        }),
    ];
    let analysis = analysis(&functions);
    let cycle = vec!["even".to_string(), "odd".into()];
    assert_eq!(analysis.unbounded.len(), 1, "{:?}", analysis.unbounded);
    assert_eq!(analysis.unbounded[0].kind, UnboundedKind::Recursion { cycle, through_pointer: false });
    assert_eq!(analysis.unbounded[0].caller.as_deref(), Some("start"));
    assert_eq!(analysis.unbounded[0].kind.to_string(), "calls itself, by way of odd");
    assert_eq!(analysis.bound, 8 + 8 + 16);
}

#[test]
fn nothing_follows_a_call_that_does_not_return() {
    let functions: [(&str, Assembly); 2] = [
        ("start", |a| {
            a.push(rbx)?;
            a.call(at(1))?;
            // Never run: would need a page.
            a.sub(rsp, 0x1000)?;
            a.ret()
        }),
        ("panics", |a| {
            a.sub(rsp, 8)?;
            a.ud2()
        }),
    ];
    assert_eq!(bound(&functions), 32);
}

#[test]
fn both_sides_of_a_comparison_are_followed() {
    let start: Assembly = |a| {
        let mut other = a.create_label();
        a.cmp(rcx, rdi)?;
        a.jne(other)?;
        a.push(rax)?;
        a.pop(rax)?;
        a.ret()?;
        a.set_label(&mut other)?;
        a.sub(rsp, 0x80)?;
        a.add(rsp, 0x80)?;
        a.xor(eax, ecx)?;
        a.ret()
    };
    assert_eq!(bound(&[("start", start)]), 0x88);
}

#[test]
fn the_deepest_of_several_entries_counts() {
    let file = program(&[("start", |a| a.ret()), LEAF], &[]);
    assert_eq!(analyze(&file, &["start", "leaf"]).expect("both are there").bound, 48);
}

#[test]
fn an_entry_that_is_not_there_is_an_error() {
    let file = program(&[LEAF], &[]);
    let error = analyze(&file, &["start"]).expect_err("it was found");
    assert_eq!(error, Error::NoEntry("start".into()));
    assert_eq!(
        error.to_string(),
        "it has no function \"start\" to start from: is the name spelled as in the source?"
    );
}
