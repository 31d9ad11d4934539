//! Which programs are file servers: what the manifests say.

use alloc::string::String;
use alloc::vec::Vec;
use interfaces::fs;
use interfaces::vm::NAME_MAX;
use ipc::Error;
use manifest::{MAX_DESCRIPTION, MAX_ENCODED, Manifest};

/// The names of all programs that serve a file system, but vfs itself.
///
/// Errors: those of vm's `manifest` and `program`, but that there are no more.
pub fn file_servers() -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for index in 0.. {
        let mut buffer = [0; MAX_ENCODED];
        let length = match resea::vm().manifest(index, &mut buffer) {
            Ok(length) => length,
            Err(Error::NotFound) => break,
            Err(error) => return Err(error),
        };
        let manifest = Manifest::decode(buffer.get(..length).unwrap_or_default());
        if !manifest.is_ok_and(|manifest| manifest.provides.contains(&fs::NAME)) {
            continue;
        }
        let (mut name, mut description) = ([0; NAME_MAX], [0; MAX_DESCRIPTION]);
        match resea::vm().program(index, &mut name, &mut description) {
            Ok(program) if program.name != resea::name() => names.push(program.name.into()),
            // It could not be named.
            Ok(_) | Err(Error::TooLarge) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(names)
}
