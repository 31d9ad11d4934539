//! Tells the linker where the link script of programs is. Cargo passes that on to every program that uses this library;
//! the script's name is in `.cargo/config.toml`, and is the same for the kernel, which has its own.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=link");
    let variable = |name| std::env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") == "none" {
        let folder =
            Path::new(&variable("CARGO_MANIFEST_DIR")).join("link").join(variable("CARGO_CFG_TARGET_ARCH"));
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
}
