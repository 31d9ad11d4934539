//! The command: its options, its output, its status.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn idl(arguments: &[&str]) -> Output {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    Command::new(env!("CARGO_BIN_EXE_idl")).args(arguments).current_dir(tests).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_names_the_options() {
    let output = idl(&["--help"]);
    let help = text(&output.stdout);
    assert!(output.status.success());
    assert!(["--rust", "--markdown", "FILE"].iter().all(|word| help.contains(word)), "{help}");
}

#[test]
fn files_are_written() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (rust, markdown) = (directory.join("sample.rs"), directory.join("sample.md"));
    let output = idl(&[
        "sample/sample.idl",
        "--rust",
        rust.to_str().unwrap(),
        "--markdown",
        markdown.to_str().unwrap(),
    ]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
    assert!(std::fs::read_to_string(rust).unwrap().contains("pub mod sample {"));
    assert!(std::fs::read_to_string(markdown).unwrap().contains("## sample"));
}

#[test]
fn a_dash_is_standard_output() {
    let output = idl(&["sample/sample.idl", "--markdown", "-"]);
    assert!(output.status.success() && text(&output.stdout).starts_with("# Interfaces"));
}

#[test]
fn errors_go_to_standard_error_without_colour() {
    let output = idl(&["broken/enum_empty.idl", "--rust", "/nonexistent/x"]);
    let errors = text(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(errors.contains("broken/enum_empty.idl:2:10") && !errors.contains('\u{1b}'), "{errors}");
}

#[test]
fn files_that_cannot_be_read_or_written_are_errors() {
    let output = idl(&["none.idl"]);
    let errors = text(&output.stderr);
    assert!(!output.status.success() && errors.contains("cannot read `none.idl`"), "{errors}");
    let output = idl(&["sample/sample.idl", "--rust", "/nonexistent/x"]);
    let errors = text(&output.stderr);
    assert!(!output.status.success() && errors.contains("cannot write `/nonexistent/x`"), "{errors}");
}
