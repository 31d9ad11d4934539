//! Golden tests: the exact output for a sample that uses every feature, and the exact messages for broken sources.
//!
//! `BLESS=1 cargo test -p idl --test golden` writes what the compiler gives now; read the difference before keeping it.

use idl::{Disk, Loader, compile};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Loads from a directory, so that messages show paths inside of it.
struct Within(PathBuf);

impl Loader for Within {
    fn load(&self, path: &Path) -> io::Result<Vec<u8>> {
        // The system's own words differ between systems.
        Disk.load(&self.0.join(path)).map_err(|error| io::Error::from(error.kind()))
    }
}

/// Compares with the golden file, or writes it; says what differs.
fn compare(golden: &Path, actual: &str, different: &mut Vec<String>) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(golden, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    if expected != actual {
        different.push(format!("{}: expected:\n{expected}\nactual:\n{actual}", golden.display()));
    }
}

#[test]
fn the_sample_gives_its_golden_output() {
    let compilation = compile(Path::new("sample.idl"), &Within(directory("sample")));
    let interfaces = compilation.result.as_ref().unwrap_or_else(|_| panic!("{}", compilation.errors(false)));
    let mut different = Vec::new();
    compare(&directory("sample/sample.rs"), &idl::rust::generate(interfaces), &mut different);
    compare(&directory("sample/sample.md"), &idl::markdown::generate(interfaces), &mut different);
    assert!(different.is_empty(), "{}\n(BLESS=1 accepts it)", different.join("\n"));
}

#[test]
fn broken_sources_give_their_exact_messages() {
    let mut different = Vec::new();
    let mut count = 0;
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory("broken")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "idl")) {
        let name = Path::new(path.file_name().unwrap());
        let compilation = compile(name, &Within(directory("broken")));
        assert!(compilation.result.is_err(), "{} compiles", name.display());
        compare(&path.with_extension("txt"), &compilation.errors(false), &mut different);
        count += 1;
    }
    assert!(count >= 50, "only {count} broken sources were found");
    assert!(different.is_empty(), "{}\n(BLESS=1 accepts it)", different.join("\n"));
}

#[test]
fn colour_is_an_option() {
    let compilation = compile(Path::new("enum_empty.idl"), &Within(directory("broken")));
    assert!(!compilation.errors(false).contains('\u{1b}'));
    assert!(compilation.errors(true).contains("\u{1b}["));
}
