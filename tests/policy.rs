//! The rules that the whole tree keeps: who may use unsafe code, and which crate may depend on which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use system_tests::sources::{Source, code, has_word, rust_files};
use system_tests::workspace;

/// The packages that have unsafe code, and why. All others forbid it.
const UNSAFE: [(&str, &str); 6] = [
    ("kernel-x64", "talks to the processor and the devices"),
    ("ipc", "makes system calls and shares the message page with the kernel"),
    ("resea", "starts programs and hands out memory"),
    ("crash", "misbehaves on purpose"),
    ("test-app", "makes system calls that no library would make"),
    ("benchmark", "reads the time stamp counter"),
];

/// How many lines above an unsafe block its comment may begin.
const COMMENT_LINES: usize = 12;

/// Which packages a package may depend on, by the folder that it lies in; those of one folder never depend on each
/// other unless it says so. Longest match first.
const ARROWS: [(&str, &[&str]); 26] = [
    ("abi", &[]),
    ("kernel/core", &["abi"]),
    ("kernel/", &["abi", "kernel/core", "libs/bootfs", "libs/elf", "libs/symbols"]),
    ("libs/ipc", &["abi"]),
    ("libs/resea", &["abi", "libs/ipc", "interfaces"]),
    ("libs/sim", &["abi", "kernel/core", "libs/", "interfaces", "servers/vm", "tools/idl"]),
    ("libs/calendar", &["libs/ipc", "libs/resea", "interfaces"]),
    ("libs/net", &["libs/ipc", "libs/resea", "interfaces"]),
    ("libs/commands", &["libs/fs", "libs/ipc", "libs/resea", "libs/terminal"]),
    ("libs/fs", &["libs/entries", "libs/ipc", "libs/resea", "interfaces"]),
    ("libs/entries", &["interfaces"]),
    ("libs/fileserver", &["libs/calendar", "libs/entries", "libs/ipc", "libs/resea", "interfaces"]),
    ("libs/driver", &["libs/ipc", "libs/resea", "interfaces"]),
    ("libs/virtio", &["libs/ipc", "libs/driver"]),
    ("libs/packets", &["libs/ipc"]),
    ("libs/blocks", &["abi", "libs/driver", "libs/ipc", "libs/resea", "interfaces"]),
    ("libs/", &["abi"]),
    ("interfaces", &["abi", "libs/ipc", "tools/idl"]),
    ("servers/", &["abi", "libs/", "interfaces"]),
    ("fs/", &["abi", "libs/", "interfaces"]),
    ("drivers/", &["abi", "libs/", "interfaces"]),
    ("apps/call", &["libs/", "tools/idl"]),
    ("apps/", &["abi", "libs/", "interfaces"]),
    ("tools/", &["abi", "libs/bootfs", "libs/fat", "libs/manifest", "libs/symbols", "tools/"]),
    (
        "fuzz/",
        &[
            "abi",
            "kernel/core",
            "libs/",
            "interfaces",
            "fs/tarfs",
            "servers/dm",
            "servers/tcpip",
            "servers/webapi",
            "tools/idl",
        ],
    ),
    ("tests", &["tools/"]),
];

/// A package of the workspace.
struct Package {
    name: String,
    /// Its folder in the tree, as `libs/ipc`.
    folder: String,
    /// The root files of its library and programs.
    roots: Vec<PathBuf>,
    /// The folders of the packages of the workspace that it depends on, but for tests.
    dependencies: Vec<String>,
}

fn packages(root: &Path) -> Vec<Package> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(root);
    let output = cargo.output().expect("cargo starts");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let in_tree =
        |path: &str| Path::new(path).strip_prefix(root).ok().map(|path| path.to_string_lossy().into_owned());
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let package = |package: &serde_json::Value| Package {
        name: text(&package["name"]),
        folder: in_tree(&text(&package["manifest_path"]).replace("/Cargo.toml", ""))
            .expect("it is in the tree"),
        roots: list(&package["targets"])
            .iter()
            .filter(|target| list(&target["kind"]).iter().any(|kind| kind == "lib" || kind == "bin"))
            .map(|target| text(&target["src_path"]).into())
            .collect(),
        dependencies: list(&package["dependencies"])
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .filter_map(|dependency| in_tree(dependency["path"].as_str()?))
            .collect(),
    };
    list(&metadata["packages"]).iter().map(package).collect()
}

/// Fails with all violations at once.
fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn dependencies_point_in_one_direction() {
    let root = workspace().root;
    let mut violations = Vec::new();
    for package in packages(&root) {
        let rule = ARROWS.iter().find(|(folder, _)| package.folder.starts_with(folder));
        let Some((_, allowed)) = rule else {
            violations
                .push(format!("{}: no rule says what it may depend on: add one to ARROWS", package.folder));
            continue;
        };
        for dependency in &package.dependencies {
            if !allowed.iter().any(|folder| dependency.starts_with(folder)) {
                let folder = &package.folder;
                violations.push(format!("{folder} depends on {dependency}, but may only on {allowed:?}"));
            }
        }
    }
    none(&violations);
}

#[test]
fn unsafe_code_is_only_where_it_is_allowed() {
    let root = workspace().root;
    let allowed = BTreeMap::from(UNSAFE);
    let mut violations = Vec::new();
    for package in packages(&root) {
        for file in &package.roots {
            let text = std::fs::read_to_string(file).expect("cargo named it");
            let forbids = text.lines().any(|line| code(line).contains("forbid(unsafe_code)"));
            if !forbids && !allowed.contains_key(package.name.as_str()) {
                let file = file.strip_prefix(&root).unwrap_or(file).display();
                violations.push(format!(
                    "{file}: add #![forbid(unsafe_code)], or add the package to UNSAFE with a reason"
                ));
            }
        }
    }
    none(&violations);
}

/// The lines of a file that open an unsafe block or implement an unsafe trait, and have no `SAFETY:` comment above or
/// beside them.
fn unargued(source: &Source) -> Vec<usize> {
    let lines: Vec<_> = source.text.lines().collect();
    let is_unsafe = |line: &str| {
        let code = code(line);
        has_word(&code, "unsafe") && (code.contains("unsafe {") || code.contains("unsafe impl"))
    };
    let argued = |index: usize| {
        let above = lines[..=index].iter().rev().take(COMMENT_LINES);
        above.clone().any(|line| line.contains("SAFETY:"))
    };
    (0..lines.len())
        .filter(|index| is_unsafe(lines[*index]) && !argued(*index))
        .map(|index| index + 1)
        .collect()
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    let root = workspace().root;
    let mut violations = Vec::new();
    for source in rust_files(&root, &root) {
        for line in unargued(&source) {
            violations
                .push(format!("{}:{line}: unsafe code without a SAFETY: comment", source.path.display()));
        }
    }
    none(&violations);
}

#[test]
fn every_module_says_what_it_is_for() {
    let root = workspace().root;
    let mut violations = Vec::new();
    for source in rust_files(&root, &root) {
        // What a compiler wrote, and is compared with what it writes, has its own beginning.
        let generated = source.path.starts_with("tools/idl/tests/sample");
        if !generated && !source.text.starts_with("//!") {
            violations.push(format!("{}: start the file with a //! paragraph", source.path.display()));
        }
    }
    none(&violations);
}

/// The most lines of a file: one subject, read in one sitting.
const MOST_LINES: usize = 420;

#[test]
fn files_can_be_read_in_one_sitting() {
    let root = workspace().root;
    let mut violations = Vec::new();
    for source in rust_files(&root, &root) {
        let lines = source.text.lines().count();
        if lines > MOST_LINES && !source.path.starts_with("tools/idl/tests/sample") {
            violations.push(format!("{}: {lines} lines: split it by subject", source.path.display()));
        }
    }
    none(&violations);
}

#[test]
fn nothing_is_left_to_do() {
    let root = workspace().root;
    let marks = ["TODO", "FIXME", "XXX"];
    let mut violations = Vec::new();
    for source in rust_files(&root, &root) {
        if source.path.ends_with("tests/policy.rs") {
            continue;
        }
        for (index, line) in source.text.lines().enumerate() {
            if marks.iter().any(|mark| has_word(line, mark)) {
                violations.push(format!("{}:{}: {}", source.path.display(), index + 1, line.trim()));
            }
        }
    }
    none(&violations);
}

#[test]
fn unsafe_code_without_an_argument_is_found() {
    let source = |text: &str| Source { path: "x.rs".into(), text: text.into() };
    assert_eq!(unargued(&source("fn f() {\n    unsafe { g() }\n}\n")), [2]);
    assert!(unargued(&source("// SAFETY: it is.\nunsafe { g() }\n")).is_empty());
    assert!(unargued(&source("// unsafe {\nlet text = \"unsafe {\";\n")).is_empty());
}
