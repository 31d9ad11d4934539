//! How values of each type are passed, encoded and decoded in Rust.
//!
//! The only place that knows the functions of `ipc::stub`. Decoding expressions use `?` on `ipc::Error`.

use super::out::Out;
use crate::model::{Field, Layout, Message, Scalar, Type};
use crate::names;

/// `name`, with underscores behind it until no field of the message has it.
pub fn fresh(name: &str, message: &Message) -> String {
    let mut fields = message.arguments.iter().chain(&message.replies);
    match fields.any(|field| field.name == name) {
        // Names of the language do not end in an underscore.
        true => format!("{name}_"),
        false => name.into(),
    }
}

/// The Rust type of a scalar.
pub fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Builtin(builtin) => builtin.rust.into(),
        Scalar::Enum { namespace: None, name } => names::pascal(name),
        Scalar::Enum { namespace: Some(namespace), name } => {
            format!("super::{}::{}", names::identifier(namespace), names::pascal(name))
        }
    }
}

/// The Rust type of a value of fixed size; of text or bytes, that of its length.
pub fn value(ty: &Type) -> String {
    match ty {
        Type::Scalar(element) => scalar(element),
        Type::Array(element, length) => format!("[{}; {length}]", scalar(element)),
        Type::Str | Type::Bytes => "usize".into(),
    }
}

fn wire(scalar: &Scalar) -> &'static str {
    match scalar {
        Scalar::Builtin(builtin) => builtin.wire.rust(),
        Scalar::Enum { .. } => "u32",
    }
}

/// Whether the value on the wire is the value.
fn is_plain(element: &Scalar) -> bool {
    scalar(element) == wire(element)
}

fn encoded(element: &Scalar, value: &str) -> String {
    let Scalar::Builtin(builtin) = element else { return format!("u32::from({value})") };
    match builtin.name {
        "bool" => format!("u8::from({value})"),
        "char" => format!("u32::from({value})"),
        "size" | "vaddr" => format!("{value} as u64"),
        "task" => format!("{value}.raw() as u32"),
        "handle" => format!("{value}.raw()"),
        _ => value.into(),
    }
}

fn decoded(element: &Scalar, raw: &str) -> String {
    let Scalar::Builtin(builtin) = element else { return format!("{}::try_from({raw})?", scalar(element)) };
    match builtin.name {
        "bool" => {
            format!(
                "match {raw} {{\n    0 => false,\n    1 => true,\n    _ => return Err(ipc::Error::BadMessage),\n}}"
            )
        }
        "char" => format!("char::from_u32({raw}).ok_or(ipc::Error::BadMessage)?"),
        "size" | "vaddr" => format!("usize::try_from({raw}).or(Err(ipc::Error::BadMessage))?"),
        "task" => format!("ipc::TaskId::from_raw({raw} as usize).ok_or(ipc::Error::BadMessage)?"),
        "handle" => format!("ipc::Handle::from_raw({raw})"),
        _ => raw.into(),
    }
}

/// The expression that reads a value of fixed size at its place in the payload. May have several lines.
pub fn get(field: &Field) -> String {
    let offset = field.offset;
    match &field.ty {
        Type::Scalar(element) => decoded(element, &format!("ipc::stub::get::<{}>({offset})", wire(element))),
        Type::Array(element, length) => array(element, *length, offset),
        Type::Str | Type::Bytes => length(offset),
    }
}

/// The expression that reads a length.
pub fn length(offset: usize) -> String {
    format!("ipc::stub::get::<u32>({offset})")
}

fn array(element: &Scalar, length: usize, offset: usize) -> String {
    let raw = format!("ipc::stub::get::<[{}; {length}]>({offset})", wire(element));
    if is_plain(element) {
        return raw;
    }
    format!(
        "{{\n    let raw = {raw};\n    let first = {};\n    let mut values = [first; {length}];\n    \
         for (value, raw) in values.iter_mut().zip(raw) {{\n        *value = {};\n    }}\n    values\n}}",
        decoded(element, "raw[0]").replace('\n', "\n    "),
        decoded(element, "raw").replace('\n', "\n        "),
    )
}

/// Adds the statement that writes `value` to the field's place in the payload.
fn put(out: &mut Out, field: &Field, value: &str) {
    let offset = field.offset;
    let (ty, value) = match &field.ty {
        Type::Scalar(element) => (wire(element).into(), encoded(element, value)),
        Type::Array(element, length) if is_plain(element) => {
            (format!("[{}; {length}]", wire(element)), value.into())
        }
        Type::Array(element, length) => {
            let encoded = encoded(element, "value");
            let map = match encoded.strip_suffix("(value)") {
                Some(function) => format!("{value}.map({function})"),
                None => format!("{value}.map(|value| {encoded})"),
            };
            (format!("[{}; {length}]", wire(element)), map)
        }
        Type::Str | Type::Bytes => return put_length(out, offset, value),
    };
    out.line(&format!("ipc::stub::put::<{ty}>({offset}, {value});"));
}

/// Adds the statement that writes a length, an expression of type `u32`.
pub fn put_length(out: &mut Out, offset: usize, length: &str) {
    out.line(&format!("ipc::stub::put::<u32>({offset}, {length});"));
}

/// The length of a client's memory as `u32`.
pub fn length_of(name: &str) -> String {
    format!("u32::try_from({name}.len()).or(Err(ipc::Error::TooLarge))?")
}

/// Adds the statements that write the fields, each with the value that `value` gives for it (a length, for text and
/// bytes), and zeros into the gaps: nothing that was in the page before reaches another task.
pub fn put_all(out: &mut Out, fields: &[Field], layout: &Layout, value: impl Fn(&Field) -> String) {
    for field in fields {
        put(out, field, &value(field));
    }
    for (offset, size) in &layout.gaps {
        out.line(&format!("ipc::stub::put::<u{}>({offset}, 0);", 8 * size));
    }
}

/// Parameters for the arguments of fixed size and, as `lent` says, those that are lent.
pub fn parameters(fields: &[Field], lent: impl Fn(&Field) -> String) -> Vec<String> {
    let parameter = |field: &Field| {
        let ty = if field.ty.is_lent() { lent(field) } else { value(&field.ty) };
        format!("{}: {ty}", names::identifier(&field.name))
    };
    fields.iter().map(parameter).collect()
}
