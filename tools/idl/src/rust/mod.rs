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
    out.finish()
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
