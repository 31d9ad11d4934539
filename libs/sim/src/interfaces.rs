//! The system's interfaces as data: what the trace and the message generator know of messages.
//!
//! Relies on the interface compiler, which has checked and numbered everything. Never sends anything.

use abi::PAYLOAD_WORDS;
use idl::model::{self, Enum, Message, Namespace, Scalar};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// The payload of a message.
pub type Payload = [u64; PAYLOAD_WORDS];

/// Compiled interfaces, by name and by number.
pub struct Interfaces {
    namespaces: Vec<Namespace>,
    /// Message number to the places of its namespace and of itself in it.
    numbers: BTreeMap<u16, (usize, usize)>,
}

impl Interfaces {
    /// The interfaces of this workspace, compiled at the first call.
    ///
    /// Panics if they do not compile; then the crate `interfaces`, on which this one depends, does not either.
    pub fn of_workspace() -> &'static Self {
        static WORKSPACE: OnceLock<Interfaces> = OnceLock::new();
        WORKSPACE.get_or_init(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interfaces/all.idl");
            Self::compile(&root).unwrap_or_else(|errors| panic!("{errors}"))
        })
    }

    /// Compiles the file at `root` and all that it includes; if that fails, what the compiler says.
    pub fn compile(root: &Path) -> Result<Self, String> {
        let compilation = idl::compile(root, &idl::Disk);
        match &compilation.result {
            Ok(interfaces) => Ok(Self::new(interfaces.clone())),
            Err(_) => Err(compilation.errors(false)),
        }
    }

    fn new(interfaces: model::Interfaces) -> Self {
        let namespaces = interfaces.namespaces;
        let numbers = namespaces.iter().enumerate().flat_map(|(place, namespace)| {
            let messages = namespace.messages.iter().enumerate();
            messages.map(move |(index, message)| (message.number, (place, index)))
        });
        Self { numbers: numbers.collect(), namespaces }
    }

    /// All interfaces, in the order of their numbers.
    pub fn namespaces(&self) -> &[Namespace] {
        &self.namespaces
    }

    /// The interface with this name.
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.name == name)
    }

    /// The message with this number, and its interface.
    pub fn message(&self, number: u16) -> Option<(&Namespace, &Message)> {
        let (namespace, message) = *self.numbers.get(&number)?;
        let namespace = self.namespaces.get(namespace)?;
        Some((namespace, namespace.messages.get(message)?))
    }

    /// The enum that `scalar` is where `namespace` uses it; `None` for other types.
    pub(crate) fn enum_of<'a>(&'a self, namespace: &'a Namespace, scalar: &Scalar) -> Option<&'a Enum> {
        let Scalar::Enum { namespace: other, name } = scalar else { return None };
        let home = match other {
            Some(other) => self.namespace(other)?,
            None => namespace,
        };
        home.enums.iter().find(|candidate| candidate.name == *name)
    }
}

/// The `size` bytes (1, 2, 4 or 8) at byte `offset`, aligned, as a number; 0 past the end.
pub(crate) fn get(payload: &Payload, offset: usize, size: usize) -> u64 {
    let word = payload.get(offset / 8).copied().unwrap_or(0);
    word >> (8 * (offset % 8)) & mask(size)
}

/// Writes the low `size` bytes of `value` at byte `offset`; nothing past the end.
pub(crate) fn put(payload: &mut Payload, offset: usize, size: usize, value: u64) {
    if let Some(word) = payload.get_mut(offset / 8) {
        let shift = 8 * (offset % 8);
        *word = *word & !(mask(size) << shift) | (value & mask(size)) << shift;
    }
}

/// The bits of `size` bytes.
fn mask(size: usize) -> u64 {
    u64::MAX >> (64 - 8 * size.clamp(1, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_of_the_workspace_is_found_by_its_number() {
        let interfaces = Interfaces::of_workspace();
        for namespace in interfaces.namespaces() {
            assert_eq!(interfaces.namespace(&namespace.name), Some(namespace));
            for message in &namespace.messages {
                assert_eq!(interfaces.message(message.number), Some((namespace, message)));
            }
        }
        assert!(interfaces.namespace("vm").is_some());
        assert_eq!(interfaces.message(abi::kind::PAGE_FAULT), None);
        assert_eq!(interfaces.message(u16::MAX), None);
    }

    #[test]
    fn what_does_not_compile_is_told() {
        let error = Interfaces::compile(Path::new("no/such.idl")).err().expect("there is no such file");
        assert!(error.contains("no/such.idl"), "{error}");
    }

    #[test]
    fn numbers_are_put_beside_each_other() {
        let mut payload = [u64::MAX; PAYLOAD_WORDS];
        put(&mut payload, 12, 4, 0x1_2345_6789);
        put(&mut payload, 9, 1, 0);
        assert_eq!(payload[1], 0x2345_6789_ffff_00ff);
        assert_eq!(
            (get(&payload, 12, 4), get(&payload, 9, 1), get(&payload, 0, 8)),
            (0x2345_6789, 0, u64::MAX)
        );
        put(&mut payload, 240, 8, 1);
        assert_eq!(get(&payload, 240, 8), 0);
    }
}
