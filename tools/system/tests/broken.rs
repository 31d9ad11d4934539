//! Broken systems, and the exact sentences that each one gives: `broken/NAME.toml` and `broken/NAME.txt`.
//!
//! `BLESS=1 cargo test -p system --test broken` writes what the checks say now; read the difference before keeping it.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use system::{Problem, check};

/// All that is wrong with the system that a file describes, as it is shown to people.
fn complaints(file: &Path) -> (String, Vec<Problem>) {
    match support::read(file) {
        Err(error) => (error + "\n", Vec::new()),
        Ok(system) => {
            let problems = check(&system);
            (problems.iter().map(|problem| format!("{problem}\n")).collect(), problems)
        }
    }
}

#[test]
fn broken_systems_give_their_exact_sentences() {
    let files = support::descriptions("broken");
    assert!(files.len() >= 40, "only {} broken systems were found", files.len());
    let mut different = Vec::new();
    for file in files {
        let (actual, _) = complaints(&file);
        assert!(!actual.is_empty(), "nothing is found wrong with {}", file.display());
        let golden = file.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, actual).expect("it can be written");
        } else {
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            if expected != actual {
                different.push(format!("{}: expected:\n{expected}actual:\n{actual}", golden.display()));
            }
        }
    }
    assert!(different.is_empty(), "{}\n(BLESS=1 accepts it)", different.join("\n"));
}

/// The name of a problem's kind: what comes before its values.
fn kind(problem: &Problem) -> String {
    let text = format!("{problem:?}");
    let end = text.match_indices([' ', '(', '{']).nth(1).map_or(text.len(), |(end, _)| end);
    text[..end].to_string()
}

#[test]
fn every_kind_of_problem_has_a_broken_system() {
    let mut kinds = BTreeSet::new();
    for file in support::descriptions("broken") {
        kinds.extend(complaints(&file).1.iter().map(kind));
    }
    // The variants of the errors' types, one line each in what `Debug` prints: as many as the sources define.
    let count = |source: &str| {
        let errors = source.split("pub enum Error {").nth(1).expect("it has errors");
        let errors = &errors[..errors.find("\n}").expect("it ends")];
        let variant = |line: &&str| {
            line.starts_with("    ") && line[4..].starts_with(|letter: char| letter.is_ascii_uppercase())
        };
        errors.lines().filter(variant).count()
    };
    let sources = [
        include_str!("../src/programs.rs"),
        include_str!("../src/services.rs"),
        include_str!("../src/cycles.rs"),
        include_str!("../src/rights.rs"),
        include_str!("../src/devices.rs"),
        include_str!("../src/interfaces.rs"),
        include_str!("../src/memory.rs"),
    ];
    // And the one of stacks, which has no variants.
    let all = sources.map(count).iter().sum::<usize>() + 1;
    assert_eq!(kinds.len(), all, "the kinds that are found are {kinds:#?}");
}

#[test]
fn good_systems_pass() {
    let files = support::descriptions("good");
    assert!(files.len() >= 4, "only {} good systems were found", files.len());
    for file in files {
        assert_eq!(complaints(&file).0, "", "{}", file.display());
    }
}
