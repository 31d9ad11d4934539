//! Manifests: the compact form in the boot image, and the form that people write.

use std::path::Path;

use manifest::host::Source;
use manifest::{MAX_ENCODED, Manifest, PRIORITIES};

/// The first byte chooses the form.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((0, compact)) => decode(compact),
        Some((_, text)) => read(&String::from_utf8_lossy(text)),
        None => {}
    }
}

/// What is accepted makes sense and can be written again.
fn decode(bytes: &[u8]) {
    let Ok(manifest) = Manifest::decode(bytes) else { return };
    assert!(manifest.priority < PRIORITIES, "{manifest:?}");
    for range in manifest.ports.iter().chain(&manifest.mmio) {
        assert!(range.start < range.end, "{range:?} is empty");
    }
    // Numbers can be written longer than they need to be, never shorter than this.
    let mut buffer = vec![0; bytes.len()];
    let encoded = manifest.encode(&mut buffer).expect("the manifest fits where it was");
    assert_eq!(Manifest::decode(encoded).as_ref(), Ok(&manifest));
}

/// What a person writes is refused with a place, or comes back from the compact form.
fn read(text: &str) {
    match Source::from_cargo_toml(Path::new("Cargo.toml"), text) {
        Ok(None) => {}
        Ok(Some(source)) => {
            let encoded = source.encode();
            assert!(!encoded.is_empty() && encoded.len() <= MAX_ENCODED, "{} bytes", encoded.len());
            assert_eq!(Manifest::decode(&encoded), Ok(source.manifest()));
        }
        Err(errors) => {
            assert!(!errors.0.is_empty(), "refused without a reason");
            let lines = 1..=text.lines().count() + 1;
            assert!(errors.0.iter().all(|error| lines.contains(&error.line)), "{errors:?}");
        }
    }
}
