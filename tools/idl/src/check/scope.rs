//! What names mean: across the namespaces of a compilation, and in the Rust module made of one.

use crate::diagnostic::Diagnostic;
use crate::load::Loaded;
use crate::model::{BUILTINS, Field, Message, MessageKind, Scalar, Type};
use crate::names;
use crate::source::{Span, Spanned};
use crate::syntax::{self, Item, Path};
use std::collections::HashMap;

/// What other languages call the types, for hints.
const FOREIGN: [(&str, &str); 24] = [
    ("u8", "uint8"),
    ("u16", "uint16"),
    ("u32", "uint32"),
    ("u64", "uint64"),
    ("i8", "int8"),
    ("i16", "int16"),
    ("i32", "int32"),
    ("i64", "int64"),
    ("usize", "size"),
    ("size_t", "size"),
    ("isize", "int64"),
    ("uint8_t", "uint8"),
    ("uint16_t", "uint16"),
    ("uint32_t", "uint32"),
    ("uint64_t", "uint64"),
    ("string", "str"),
    ("String", "str"),
    ("byte", "uint8"),
    ("boolean", "bool"),
    ("long", "int64"),
    ("short", "int16"),
    ("unsigned", "uint"),
    ("pid", "task"),
    ("buffer", "bytes"),
];

/// Whether another language has a type of this name, so that no file of ours will define it.
pub fn is_foreign(name: &str) -> bool {
    FOREIGN.iter().any(|(foreign, _)| *foreign == name)
}

/// The names that all namespaces can see.
pub struct Globals<'a> {
    namespaces: HashMap<&'a str, &'a syntax::Namespace>,
    /// Parts of the sources are missing: what is not found may be there.
    pub partial: bool,
}

impl<'a> Globals<'a> {
    /// Collects the names and reports what is defined twice.
    pub fn collect(loaded: &'a [Loaded], partial: bool, errors: &mut Vec<Diagnostic>) -> Self {
        let mut namespaces: HashMap<&str, &syntax::Namespace> = HashMap::new();
        for Loaded { namespace, .. } in loaded {
            let name = namespace.name.value.as_str();
            if let Some(first) = namespaces.get(name) {
                twice("the namespace", &namespace.name, first.name.span, errors);
            } else {
                namespaces.insert(name, namespace);
            }
            let mut items: HashMap<&str, Span> = HashMap::new();
            for item in &namespace.items {
                let (what, name) = match item {
                    Item::Message(item) => ("the message", &item.name),
                    Item::Enum(item) => ("the enum", &item.name),
                    Item::Const(item) => ("the constant", &item.name),
                };
                match items.get(name.value.as_str()) {
                    Some(first) => twice(what, name, *first, errors),
                    None => drop(items.insert(&name.value, name.span)),
                }
            }
        }
        Self { namespaces, partial }
    }

    /// Whether the language has a type of this name.
    pub fn is_type(&self, name: &str) -> bool {
        matches!(name, "str" | "bytes") || BUILTINS.iter().any(|builtin| builtin.name == name)
    }

    /// The type of fixed size that `path` means in namespace `current`.
    ///
    /// # Errors
    /// The error to report.
    pub fn scalar(&self, current: &str, path: &Path) -> Result<Scalar, Box<Diagnostic>> {
        let name = path.name.value.as_str();
        if path.namespace.is_none()
            && let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == name)
        {
            return Ok(Scalar::Builtin(builtin));
        }
        let namespace = self.namespace(current, path)?;
        let is_enum = |item: &&Item| matches!(item, Item::Enum(item) if item.name.value == name);
        if namespace.is_some_and(|namespace| namespace.items.iter().any(|item| is_enum(&item))) {
            let other = path.namespace.as_ref().filter(|other| other.value != current);
            return Ok(Scalar::Enum { namespace: other.map(|other| other.value.clone()), name: name.into() });
        }
        let enums =
            namespace.into_iter().flat_map(|namespace| &namespace.items).filter_map(|item| match item {
                Item::Enum(item) => Some(item.name.value.as_str()),
                _ => None,
            });
        let builtins = BUILTINS.iter().map(|builtin| builtin.name).chain(["str", "bytes"]);
        let near = match &path.namespace {
            Some(_) => names::nearest(name, enums),
            None => FOREIGN
                .iter()
                .find(|(foreign, _)| *foreign == name)
                .map(|(_, ours)| *ours)
                .or_else(|| names::nearest(name, builtins.chain(enums))),
        };
        let hint = match (near, &path.namespace) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(other)) => format!("`{}` has no enum of this name", other.value),
            (None, None) => {
                "types are listed in docs/idl.md; an enum of another namespace is `fs::kind`".into()
            }
        };
        let shown = path.namespace.as_ref().map_or(String::new(), |other| format!("{}::", other.value));
        Err(Box::new(
            Diagnostic::new(format!("there is no type `{shown}{name}`"), path.span(), "").hint(hint),
        ))
    }

    /// The constant that `path` means in namespace `current`.
    ///
    /// # Errors
    /// The error to report.
    pub fn constant(&self, current: &str, path: &Path) -> Result<&'a syntax::Const, Box<Diagnostic>> {
        let name = path.name.value.as_str();
        let namespace = self.namespace(current, path)?;
        let items = || namespace.into_iter().flat_map(|namespace| &namespace.items);
        let consts =
            || items().filter_map(|item| if let Item::Const(item) = item { Some(&**item) } else { None });
        consts().find(|item| item.name.value == name).ok_or_else(|| {
            let hint = match names::nearest(name, consts().map(|item| item.name.value.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("define it: `const {name}: size = 6;`"),
            };
            Box::new(Diagnostic::new(format!("there is no constant `{name}`"), path.span(), "").hint(hint))
        })
    }

    /// The namespace that `path` is in, seen from `current`.
    fn namespace(
        &self,
        current: &str,
        path: &Path,
    ) -> Result<Option<&'a syntax::Namespace>, Box<Diagnostic>> {
        let Some(name) = &path.namespace else { return Ok(self.namespaces.get(current).copied()) };
        self.namespaces.get(name.value.as_str()).copied().map(Some).ok_or_else(|| {
            let error = Diagnostic::new(format!("there is no namespace `{}`", name.value), name.span, "");
            Box::new(error.hint(match names::nearest(&name.value, self.namespaces.keys().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("include the file that defines it: `include \"{}.idl\";`", name.value),
            }))
        })
    }
}

/// Reports a second definition.
fn twice(what: &str, name: &Spanned<String>, first: Span, errors: &mut Vec<Diagnostic>) {
    let message = format!("{what} `{}` is defined twice", name.value);
    let error = Diagnostic::new(message, name.span, "the second time");
    errors.push(error.also(first, "the first time").hint("choose another name"));
}

/// The names in the Rust module of a namespace, and what each comes from.
pub struct RustNames {
    types: HashMap<String, String>,
}

impl RustNames {
    /// What is there in every module.
    pub fn new() -> Self {
        let generated = ["Client", "Server", "Receiver"].map(|name| (name, "a generated type"));
        let prelude =
            ["Result", "Option", "Ok", "Err", "Some", "None", "From", "TryFrom", "Sized", "Self", "S"];
        let prelude = prelude.map(|name| (name, "the generated code"));
        let types = generated.into_iter().chain(prelude);
        Self { types: types.map(|(name, from)| (name.into(), from.into())).collect() }
    }

    fn add(&mut self, name: String, from: String, span: Span, errors: &mut Vec<Diagnostic>) {
        if let Some(first) = self.types.get(&name) {
            let message = format!("{from} is `{name}` in Rust, which is taken by {first}");
            errors.push(Diagnostic::new(message, span, "").hint("choose another name"));
        } else {
            self.types.insert(name, from);
        }
    }

    /// Takes the name of an enum.
    pub fn enumeration(&mut self, name: &Spanned<String>, errors: &mut Vec<Diagnostic>) {
        self.add(names::pascal(&name.value), format!("the enum `{}`", name.value), name.span, errors);
    }

    /// Takes the names that a message needs.
    pub fn message(&mut self, message: &Message, span: Span, errors: &mut Vec<Diagnostic>) {
        let name = &message.name;
        let reserved: &[&str] = match message.kind {
            MessageKind::AsyncOneway => &["dispatch", "receive"],
            _ => &["new", "task"],
        };
        let is_handler = message.kind == MessageKind::AsyncOneway && name.starts_with("handle_");
        if is_handler || reserved.contains(&name.as_str()) {
            let text = format!("a message cannot be called `{name}`");
            errors.push(Diagnostic::new(text, span, "a generated function").hint("choose another name"));
        }
        let pascal = names::pascal(name);
        if message.kind == MessageKind::DeferredRpc {
            self.add(format!("{pascal}Call"), format!("the call of `{name}`"), span, errors);
            let clash =
                |(field, _): &(&Field, bool)| ["reply", "fail", "sender"].contains(&field.name.as_str());
            if let Some((field, _)) = message.lends().find(clash) {
                let text = format!("text or bytes of a deferred rpc cannot be called `{}`", field.name);
                errors.push(Diagnostic::new(text, span, "a generated function").hint("choose another name"));
            }
        }
        if message.replies.len() > 1 {
            self.add(format!("{pascal}Reply"), format!("the reply of `{name}`"), span, errors);
            if message.replies.iter().any(|field| field.ty == Type::Str) {
                self.add(format!("{pascal}Result"), format!("the result of `{name}`"), span, errors);
            }
        }
    }
}
