//! The interface compiler: any text is compiled or refused with a reason, and what is compiled both backends can write.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The files that an input can consist of, in their order in it.
const FILES: [&str; 4] = ["main.idl", "a.idl", "b.idl", "c.idl"];

/// Stands between two files in an input: a byte that text cannot have.
const SEPARATOR: u8 = 0xff;

/// Compiles the bytes as up to four files.
pub fn run(data: &[u8]) {
    let contents = data.splitn(FILES.len(), |byte| *byte == SEPARATOR);
    let files: HashMap<PathBuf, Vec<u8>> =
        FILES.iter().zip(contents).map(|(name, content)| (PathBuf::from(name), content.to_vec())).collect();
    let compilation = idl::compile(Path::new(FILES[0]), &files);
    match &compilation.result {
        Ok(interfaces) => {
            let code = idl::rust::generate(interfaces);
            if let Err(error) = syn::parse_file(&code) {
                panic!("the generated code is not Rust: {error}\n{code}");
            }
            let reference = idl::markdown::generate(interfaces);
            assert!(interfaces.namespaces.iter().all(|namespace| reference.contains(&namespace.name)));
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            assert!(!compilation.errors(false).is_empty() && !compilation.errors(true).is_empty());
        }
    }
}
