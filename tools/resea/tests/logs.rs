//! What `cargo resea symbolize` makes of stored logs: each `logs/NAME.log` must give `logs/NAME.expected`, exactly.
//!
//! The logs are of a build whose debug information is stored with them, so that they do not depend on today's code. Most
//! were taken from running systems; those that only a broken kernel writes, and those about damage, were made from them.
//! `BLESS=1` writes what is expected anew: read the difference before it is committed.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use resea_tool::symbolize::{DebugInfo, Symbolizer};

/// The number of the build that the logs are of, and where it was built.
const BUILD: u32 = 0x0e44_133c;
const ROOT: &str = "/tmp/resea";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

/// What the tool prints for a log.
fn symbolize(log: &[u8], json: bool) -> String {
    let unpacked = tempfile::tempdir().expect("a folder");
    let files = ["kernel", "crash", "vm"].map(|name| {
        let packed = std::fs::File::open(folder().join(format!("fixture/{name}.gz"))).expect("it is stored");
        let (mut elf, file) = (Vec::new(), unpacked.path().join(name));
        GzDecoder::new(packed).read_to_end(&mut elf).expect("it is packed well");
        std::fs::write(&file, elf).expect("it can be written");
        (name, file)
    });
    let stored = DebugInfo::new(
        "stored",
        BUILD,
        ROOT.as_ref(),
        files.iter().map(|(name, file)| (*name, file.as_path())),
    );
    let empty = DebugInfo::new("empty", 1, ROOT.as_ref(), []);
    let mut output = Vec::new();
    let mut symbolizer = Symbolizer::new(vec![stored, empty]);
    symbolizer.log(log, &mut output, json).expect("it can be read");
    String::from_utf8(output).expect("the output is text")
}

/// The names of the stored logs.
fn names() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).expect("it is there");
    let name = |file: PathBuf| Some(file.file_name()?.to_str()?.strip_suffix(".log")?.to_string());
    files.filter_map(|file| name(file.expect("it can be read").path())).collect()
}

#[test]
fn stored_logs_give_what_is_stored_with_them() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for name in names() {
        let log = std::fs::read(folder().join(format!("{name}.log"))).expect("it can be read");
        let file = folder().join(format!("{name}.expected"));
        let found = symbolize(&log, false);
        if bless {
            std::fs::write(&file, found).expect("it can be written");
        } else if std::fs::read_to_string(&file).unwrap_or_default() != found {
            wrong.push(format!("{name}.log gives:\n{found}"));
        }
    }
    assert!(names().len() >= 12, "there are only {:?}", names());
    assert!(wrong.is_empty(), "{}\nIf that is right, BLESS=1 stores it.", wrong.join("\n"));
}

#[test]
fn no_line_is_lost_or_changed() {
    for name in names() {
        let log = std::fs::read(folder().join(format!("{name}.log"))).expect("it can be read");
        let lines: Vec<String> = log.split(|byte| *byte == b'\n').map(resea_tool::console::plain).collect();
        let lines = lines.strip_suffix(&[String::new()]).unwrap_or(&lines);
        let kept = symbolize(&log, true)
            .lines()
            .map(|line| {
                let object: serde_json::Value = serde_json::from_str(line).expect("an object");
                object["line"].as_str().expect("a line").to_string()
            })
            .collect::<Vec<_>>();
        assert_eq!(kept, lines, "{name}");
    }
}

#[test]
fn machines_read_the_same_as_people() {
    let output = symbolize(b"vm: task 2 (crash) was ended: at 0x2117e4\nvm: build 00000002\n", true);
    let lines: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let address = &lines[0]["addresses"][0];
    assert_eq!((&address["address"], &address["program"]), (&0x2117e4.into(), &"crash".into()));
    assert_eq!(address["places"][0]["function"], "crash::fault::read");
    assert_eq!(address["places"][0]["file"], "apps/crash/src/fault.rs");
    assert!(address["places"][0]["line"].is_u64(), "{address}");
    assert!(lines[1]["warning"].as_str().is_some_and(|text| text.contains("build 00000002")), "{output}");
}

#[test]
fn a_log_of_another_build_at_hand_is_read_with_that_one() {
    let of_stored = symbolize(b"vm: build 0e44133c\nvm: task 2 (crash) was ended: at 0x2117e4\n", false);
    assert!(of_stored.contains("crash::fault::read") && !of_stored.contains("WARNING"), "{of_stored}");
    let of_empty = symbolize(b"vm: build 00000001\nvm: task 2 (crash) was ended: at 0x2117e4\n", false);
    assert!(!of_empty.contains("crash::fault") && !of_empty.contains("WARNING"), "{of_empty}");
}
