//! Writes the interfaces down as a table that the program carries: which messages there are, and where each value lies.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use idl::model::{Field, Interfaces, Message, MessageKind, Namespace, Scalar, Type, Wire};

fn main() -> ExitCode {
    let Some(out_dir) = std::env::var_os("OUT_DIR") else {
        eprintln!("OUT_DIR is not set: this program is run by cargo");
        return ExitCode::FAILURE;
    };
    let compilation = idl::compile(Path::new("../../interfaces/all.idl"), &idl::Disk);
    for path in compilation.sources.paths() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let Ok(interfaces) = &compilation.result else {
        eprintln!("{}", compilation.errors(false));
        return ExitCode::FAILURE;
    };
    let output = PathBuf::from(out_dir).join("messages.rs");
    if let Err(error) = std::fs::write(&output, table(interfaces)) {
        eprintln!("cannot write `{}`: {error}; check that the disk has room", output.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn table(interfaces: &Interfaces) -> String {
    let mut text = String::from("&[\n");
    for namespace in &interfaces.namespaces {
        for message in namespace.to_server() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    {},", row(message, namespace, interfaces));
        }
    }
    text + "]\n"
}

fn row(message: &Message, namespace: &Namespace, interfaces: &Interfaces) -> String {
    let fields = |fields: &[Field]| -> String {
        fields.iter().map(|it| field(it, namespace, interfaces) + ", ").collect()
    };
    format!(
        "Message {{ service: {:?}, name: {:?}, number: {}, answered: {}, words: {}, reply_words: {}, arguments: &[{}], \
         replies: &[{}] }}",
        namespace.name,
        message.name,
        message.number,
        message.kind != MessageKind::Oneway,
        message.request.words(),
        message.reply.words(),
        fields(&message.arguments),
        fields(&message.replies)
    )
}

fn field(field: &Field, namespace: &Namespace, interfaces: &Interfaces) -> String {
    let (ty, count) = match &field.ty {
        Type::Str => ("Type::Text".into(), 1),
        Type::Bytes => ("Type::Bytes".into(), 1),
        Type::Scalar(scalar) => (self::scalar(scalar, namespace, interfaces), 1),
        Type::Array(scalar, count) => (self::scalar(scalar, namespace, interfaces), *count),
    };
    let capacity = field.capacity.unwrap_or_default();
    let Field { name, offset, .. } = field;
    format!("Field {{ name: {name:?}, ty: {ty}, count: {count}, offset: {offset}, capacity: {capacity} }}")
}

/// What kind of value it is: its name, its size, and the names of its values if they have some.
fn scalar(scalar: &Scalar, namespace: &Namespace, interfaces: &Interfaces) -> String {
    let (name, wire, members): (_, _, Vec<_>) = match scalar {
        Scalar::Builtin(builtin) if builtin.name == "bool" => {
            (builtin.name, builtin.wire, vec![("false", 0), ("true", 1)])
        }
        Scalar::Builtin(builtin) => (builtin.name, builtin.wire, Vec::new()),
        Scalar::Enum { namespace: owner, name } => {
            let owner = interfaces.namespaces.iter().find(|it| Some(&it.name) == owner.as_ref());
            let found = owner.unwrap_or(namespace).enums.iter().find(|it| it.name == *name);
            let members = found.iter().flat_map(|it| &it.members).map(|it| (it.name.as_str(), it.value));
            (name.as_str(), Wire::U32, members.collect())
        }
    };
    let signed = matches!(wire, Wire::I8 | Wire::I16 | Wire::I32 | Wire::I64);
    let size = wire.size();
    format!("Type::Scalar {{ name: {name:?}, size: {size}, signed: {signed}, members: &{members:?} }}")
}
