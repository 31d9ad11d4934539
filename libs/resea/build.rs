//! Gives every program that uses the library the library's link script.
//!
//! An argument for the linker would not reach the programs that depend on this crate, but a library to link does, and
//! linkers take a script for a library.

fn main() {
    println!("cargo::rerun-if-changed=link/x86_64.ld");
    let variable = |name| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") == "none" {
        println!("cargo::rustc-link-search=native={}/link", variable("CARGO_MANIFEST_DIR"));
        println!("cargo::rustc-link-lib=dylib:+verbatim=x86_64.ld");
    }
}
