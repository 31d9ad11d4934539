//! The Rust backend: for each namespace a module with a client, a server trait and a dispatcher.
//!
//! The code stands on the crate `ipc`, allocates nothing and cannot panic: payload offsets are constants, lengths are
//! compared, what arrives is checked before the server sees it. Local names of the code are never names of fields,
//! so that fields can be called anything.

mod client;
mod data;
mod fields;
mod out;
mod server;

use crate::model::{Interfaces, Namespace};
use crate::names;
use out::Out;

/// The Rust code of all interfaces: modules, to be put in a crate that depends on `ipc`.
pub fn generate(interfaces: &Interfaces) -> String {
    let mut out = Out::default();
    for namespace in &interfaces.namespaces {
        module(&mut out, namespace);
    }
    fingerprints(&mut out, interfaces);
    out.finish()
}

/// What programs carry to tell which interfaces they were built with.
fn fingerprints(out: &mut Out, interfaces: &Interfaces) {
    let line = |namespace: &Namespace| {
        format!("{} {:016x}", namespace.name, crate::fingerprint(interfaces, namespace))
    };
    let lines: Vec<String> = interfaces.namespaces.iter().map(line).collect();
    let length: usize = lines.iter().map(|line| line.len() + 1).sum();
    out.line("/// Each interface's name and the fingerprint of its messages, a line each. Programs carry this in a section that is");
    out.line("/// not loaded, so that the build can tell which interfaces they were built with.");
    out.line(&format!("pub const FINGERPRINTS: [u8; {length}] = *b\"\\"));
    for line in lines {
        // Without indentation: the line breaks are part of the text.
        out.line(&format!("{line}\\n\\"));
    }
    out.line("\";");
}

fn module(out: &mut Out, namespace: &Namespace) {
    out.docs(&namespace.docs, || format!("The interface `{}`.", namespace.name));
    out.line("#[allow(");
    for lint in [
        "len_without_is_empty",
        "new_ret_no_self",
        "should_implement_trait",
        "too_many_arguments",
        "wrong_self_convention",
    ] {
        out.line(&format!("    clippy::{lint},"));
    }
    out.line("    reason = \"the names and the arguments are the interface's\"");
    out.line(")]");
    out.open(&format!("pub mod {} {{", names::identifier(&namespace.name)));
    out.line("/// The name of the service that servers of this interface provide.");
    out.line(&format!("pub const NAME: &str = {:?};", namespace.name));
    data::numbers(out, namespace);
    data::constants(out, namespace);
    data::enums(out, namespace);
    data::replies(out, namespace);
    client::client(out, namespace);
    server::server(out, namespace);
    server::receiver(out, namespace);
    out.close("}");
    out.blank();
}
