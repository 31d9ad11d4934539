//! Gives the linker its script when the kernel is built for the bare machine.

fn main() {
    println!("cargo::rerun-if-changed=link.ld");
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        // Its name is in `.cargo/config.toml`.
        println!("cargo::rustc-link-search=native={directory}");
    }
}
