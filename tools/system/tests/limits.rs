//! Numbers that the checks share with vm: they are written down twice, since tools do not depend on servers.

use system::{memory, programs};

#[test]
fn the_limits_are_those_of_vm() {
    assert_eq!(programs::MAX_PROGRAMS, vm::catalog::MAX_PROGRAMS);
    assert_eq!(memory::MAX_SEGMENTS, vm::program::MAX_SEGMENTS);
    assert_eq!(memory::SEGMENTS.end, vm::program::HEAP);
    assert_eq!(memory::SEGMENTS.start, abi::MESSAGE_PAGE as u64 + 4096);
}

#[test]
fn the_longest_name_fits_into_the_image() {
    assert_eq!(programs::MAX_NAME, bootfs::MAX_PATH - "manifest/".len());
}

#[test]
fn the_first_stack_is_that_of_the_kernel() {
    let kernel = include_str!("../../../kernel/x64/src/first_task.rs");
    let text = format!("const STACK_SIZE: u64 = {} * 1024;", system::FIRST_TASK_STACK / 1024);
    assert!(kernel.contains(&text), "kernel/x64/src/first_task.rs should have the line {text:?}");
}
