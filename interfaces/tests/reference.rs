//! docs/interfaces.md is what the compiler makes of the interfaces.
//!
//! `BLESS=1 cargo test -p interfaces` brings it up to date.

use std::fs;
use std::path::Path;

#[test]
fn the_reference_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compilation = idl::compile(&root.join("all.idl"), &idl::Disk);
    let interfaces = compilation.result.as_ref().unwrap_or_else(|_| panic!("{}", compilation.errors(false)));
    let actual = idl::markdown::generate(interfaces);
    let path = root.join("../docs/interfaces.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "docs/interfaces.md is out of date: run `BLESS=1 cargo test -p interfaces`");
}

#[test]
fn numbers_start_where_interfaces_start_and_do_not_change() {
    // Programs that were built before depend on these: append messages, do not move them.
    use interfaces::vm::message;
    assert_eq!((message::SERVE, message::LOOKUP, message::LAUNCH), (32, 33, 34));
}
