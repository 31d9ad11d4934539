//! No input makes the compiler panic, and every error it reports can be drawn.

use idl::compile;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Compiles `source` together with a file that it may include, and makes all output there is.
fn try_everything(source: &[u8]) -> Result<(), TestCaseError> {
    let files: HashMap<PathBuf, Vec<u8>> = HashMap::from([
        ("root.idl".into(), source.to_vec()),
        ("shapes.idl".into(), include_bytes!("sample/shapes.idl").to_vec()),
    ]);
    let compilation = compile(Path::new("root.idl"), &files);
    let (plain, coloured) = (compilation.errors(false), compilation.errors(true));
    match &compilation.result {
        Ok(interfaces) => {
            prop_assert!(plain.is_empty() && coloured.is_empty());
            let _ = (idl::rust::generate(interfaces), idl::markdown::generate(interfaces));
        }
        Err(errors) => prop_assert!(!errors.is_empty() && plain.contains("error: ")),
    }
    Ok(())
}

/// Pieces of the language, so that random sources get past the lexer.
fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "namespace",
        "rpc",
        "deferred",
        "oneway",
        "async",
        "enum",
        "const",
        "include",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        ":",
        "::",
        "=",
        "->",
        "-",
        "a",
        "b",
        "kind",
        "shapes",
        "A",
        "B",
        "NAME",
        "self",
        "type",
        "uint8",
        "size",
        "str",
        "bytes",
        "task",
        "bool",
        "0",
        "1",
        "240",
        "241",
        "18446744073709551615",
        "true",
        "'x'",
        "\"shapes.idl\"",
        "\"root.idl\"",
        "\"none\"",
        "/// doc\n",
        "// comment\n",
        "/*",
        "*/",
        "'",
        "\"",
        "\\",
        "é",
        "\n",
        "\0",
    ])
}

/// Replaces, inserts or removes bytes of `source`.
fn mutate(mut source: Vec<u8>, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    for &(at, operation, byte) in changes {
        let at = at % source.len().max(1);
        match (operation % 3, source.get_mut(at)) {
            (0, Some(place)) => *place = byte,
            (1, Some(_)) => drop(source.remove(at)),
            _ => source.insert(at, byte),
        }
    }
    source
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(source in vec(any::<u8>(), 0..200)) {
        try_everything(&source)?;
    }

    #[test]
    fn random_text(source in "\\PC{0,200}") {
        try_everything(source.as_bytes())?;
    }

    #[test]
    fn random_tokens(tokens in vec(token(), 0..80)) {
        try_everything(tokens.join(" ").as_bytes())?;
    }

    #[test]
    fn random_tokens_in_a_namespace(tokens in vec(token(), 0..80)) {
        try_everything(format!("namespace n {{ {} }}", tokens.join(" ")).as_bytes())?;
    }

    #[test]
    fn mutated_sample(changes in vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..12)) {
        try_everything(&mutate(include_bytes!("sample/sample.idl").to_vec(), &changes))?;
    }

    #[test]
    fn cut_sample(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let sample = include_bytes!("sample/sample.idl");
        let (from, to) = (from.index(sample.len()), to.index(sample.len()));
        try_everything(&sample[from.min(to)..from.max(to)])?;
    }
}

#[test]
fn too_many_messages_are_an_error() {
    let mut source = String::from("namespace n {\n");
    for number in 0..65_505 {
        source.push_str(&format!("rpc m{number}();\n"));
    }
    source.push('}');
    let files: HashMap<PathBuf, Vec<u8>> = HashMap::from([("root.idl".into(), source.into_bytes())]);
    let compilation = compile(Path::new("root.idl"), &files);
    let errors = compilation.errors(false);
    assert!(errors.contains("there are too many messages") && errors.contains("rpc m65504()"), "{errors}");
}

#[test]
fn deep_includes_are_an_error() {
    let mut files: HashMap<PathBuf, Vec<u8>> = HashMap::new();
    for depth in 0..100 {
        files.insert(format!("f{depth}.idl").into(), format!("include \"f{}.idl\";", depth + 1).into_bytes());
    }
    let compilation = compile(Path::new("f0.idl"), &files);
    assert!(compilation.errors(false).contains("includes are nested deeper than 64 files"));
}

#[test]
fn many_errors_are_cut() {
    let source = format!("namespace n {{ {} }}", "rpc a(x: none); ".repeat(500));
    let files: HashMap<PathBuf, Vec<u8>> = HashMap::from([("root.idl".into(), source.into_bytes())]);
    let compilation = compile(Path::new("root.idl"), &files);
    assert_eq!(compilation.result.map_err(|errors| errors.len()), Err(50));
}
