//! Fingerprints: one number for all that two programs must agree on to understand each other by an interface.
//!
//! It is made of the namespace's name, and of the numbers, names, kinds and layouts of its messages, of its constants
//! and of the enums it uses; so it changes exactly when stubs change. Documentation does not count. Programs carry the
//! fingerprints of the interfaces that they were built with ([`crate::rust`]), and the build compares them.

use crate::model::{Enum, Field, Interfaces, Namespace, Scalar, Type};
use std::fmt::Write;

/// The fingerprint of `namespace`, one of `interfaces`.
pub fn fingerprint(interfaces: &Interfaces, namespace: &Namespace) -> u64 {
    let mut text = format!("{}\n", namespace.name);
    let mut enums: Vec<(&Namespace, &Enum)> = namespace.enums.iter().map(|one| (namespace, one)).collect();
    for message in &namespace.messages {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{} {:?} {}", message.number, message.kind, message.name);
        for (way, fields) in [("argument", &message.arguments), ("reply", &message.replies)] {
            for field in fields {
                let _ = writeln!(text, "{way} {}", describe(field));
                enums.extend(foreign(interfaces, field));
            }
        }
        let _ = writeln!(text, "{} {}", message.request.bytes, message.reply.bytes);
    }
    for (owner, one) in enums {
        let _ = writeln!(text, "enum {}.{}", owner.name, one.name);
        for member in &one.members {
            let _ = writeln!(text, "{} {}", member.value, member.name);
        }
    }
    for one in &namespace.consts {
        let _ = writeln!(text, "const {} {:?} {:?}", one.name, one.ty.map(|ty| ty.name), one.value);
    }
    hash(text.as_bytes())
}

/// A field's place and form.
fn describe(field: &Field) -> String {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Builtin(builtin) => builtin.name.to_owned(),
        Scalar::Enum { namespace, name } => format!("{}.{name}", namespace.as_deref().unwrap_or_default()),
    };
    let ty = match &field.ty {
        Type::Scalar(one) => scalar(one),
        Type::Array(one, length) => format!("[{}; {length}]", scalar(one)),
        Type::Str => "str".to_owned(),
        Type::Bytes => "bytes".to_owned(),
    };
    format!("{} {ty} {} {:?} {:?}", field.name, field.offset, field.lend, field.capacity)
}

/// The enum of another namespace that a field has.
fn foreign<'a>(interfaces: &'a Interfaces, field: &Field) -> Option<(&'a Namespace, &'a Enum)> {
    let (Type::Scalar(scalar) | Type::Array(scalar, _)) = &field.ty else { return None };
    let Scalar::Enum { namespace: Some(owner), name } = scalar else { return None };
    let owner = interfaces.namespaces.iter().find(|namespace| namespace.name == *owner)?;
    Some((owner, owner.enums.iter().find(|one| one.name == *name)?))
}

/// The 64-bit FNV-1a hash: small, and the same everywhere and for ever. Nobody has to be kept from making two
/// interfaces with one fingerprint; it must only not happen by accident.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Loader, compile};
    use std::io;
    use std::path::Path;

    /// The file `x.idl` and the one that it may include.
    struct Files<'a>(&'a str, &'a str);

    impl Loader for Files<'_> {
        fn load(&self, path: &Path) -> io::Result<Vec<u8>> {
            Ok(if path == Path::new("x.idl") { self.0 } else { self.1 }.into())
        }
    }

    /// The fingerprint of the last namespace of a file.
    fn of(text: &str) -> u64 {
        with("", text)
    }

    fn with(included: &str, text: &str) -> u64 {
        let compilation = compile(Path::new("x.idl"), &Files(text, included));
        let interfaces =
            compilation.result.as_ref().unwrap_or_else(|_| panic!("{}", compilation.errors(false)));
        fingerprint(interfaces, interfaces.namespaces.last().expect("there is one"))
    }

    #[test]
    fn what_stubs_are_made_of_counts_and_nothing_else() {
        let base = of("namespace a { enum e { X = 1 } }");
        assert_eq!(base, of("/// Documentation.\nnamespace a {\n  // A remark.\n  enum e { X = 1 }\n}"));
        let texts = [
            "namespace b { enum e { X = 1 } }",
            "namespace a { enum e { X = 2 } }",
            "namespace a { enum e { Y = 1 } }",
            "namespace a { rpc f() -> (); }",
            "namespace a { oneway f(); }",
            "namespace a { rpc g() -> (); }",
            "namespace a { rpc f(x: uint8) -> (); }",
            "namespace a { rpc f(x: uint16) -> (); }",
            "namespace a { rpc f(y: uint16) -> (); }",
            "namespace a { rpc f() -> (y: uint16); }",
            "namespace a { rpc f(x: str) -> (); }",
            "namespace a { const C: size = 1; }",
            "namespace a { const C: size = 2; }",
        ];
        let mut all: Vec<u64> = texts.iter().map(|text| of(text)).collect();
        let user = "include \"o.idl\"; namespace a { rpc f(x: o::e) -> (); }";
        all.push(base);
        all.push(with("namespace o { enum e { X = 1 } }", user));
        all.push(with("namespace o { enum e { X = 2 } }", user));
        // Another one's messages move the numbers of one's own.
        all.push(with("namespace o { rpc g() -> (); }", "include \"o.idl\"; namespace a { rpc f() -> (); }"));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "two of the interfaces have the same fingerprint");
    }

    #[test]
    fn the_hash_is_that_of_the_definition() {
        // Test vectors of the draft "The FNV Non-Cryptographic Hash Algorithm", appendix C.
        assert_eq!(
            (hash(b""), hash(b"a"), hash(b"foobar")),
            (0xcbf29ce484222325, 0xaf63dc4c8601ec8c, 0x85944171f73967e8)
        );
    }
}
