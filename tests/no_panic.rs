//! The release kernel cannot panic: if it could, it would not link.

use std::process::Command;

use resea_tool::toolchain;
use resea_tool::ui::Verbosity;
use resea_tool::workspace::KERNEL_PACKAGE;
use system_tests::workspace;

/// The function that a release kernel's panic handler calls, and that does not exist.
const MISSING: &str = "a_panic_can_be_reached_in_the_release_kernel";

/// A build of the release kernel.
fn kernel() -> Command {
    let workspace = workspace();
    let toolchain = toolchain::find(&workspace, Verbosity::Quiet).expect("there is a toolchain");
    let mut cargo = toolchain.cargo(&workspace, "build").expect("it can be called");
    cargo.args(["--release", "--bins", "--package", KERNEL_PACKAGE]);
    cargo
}

#[test]
fn the_release_kernel_links() {
    let output = kernel().output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_panic_that_can_be_reached_breaks_the_release_kernel() {
    let output = kernel().args(["--features", "reachable-panic"]).output().expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "a kernel that can panic was linked");
    assert!(said.contains(MISSING), "it should fail for the missing {MISSING}, but said:\n{said}");
}
