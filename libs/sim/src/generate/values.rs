//! Values that are valid for their type, and among them those at which code breaks.

use super::Generator;
use abi::{MAX_TASKS, TaskId, TaskIndex};
use idl::model::{Field, Literal, Namespace, Scalar, Type, Wire};

/// Longest lend, but where a constant of the interface makes a longer one interesting.
const LENGTH_MAX: usize = 8192;
/// Longest lend that a constant of an interface leads to.
const CONSTANT_MAX: usize = 16 * 1024;
/// Programs, services and arguments that real systems have.
const WORDS: [&str; 6] = ["test", "hello", "bin/hello", "hello\0world\0", "/", ""];

impl Generator<'_> {
    /// A valid value.
    pub(super) fn scalar(&mut self, namespace: &Namespace, scalar: &Scalar, tasks: &[TaskId]) -> u64 {
        if let Some(definition) = self.interfaces.enum_of(namespace, scalar) {
            let values: Vec<u32> = definition.members.iter().map(|member| member.value).collect();
            return self.random.choice(values).unwrap_or_default().into();
        }
        let Scalar::Builtin(builtin) = scalar else { return 0 };
        match builtin.name {
            "bool" => self.random.bool().into(),
            "char" => self.character().into(),
            "task" => self.task(tasks).raw() as u64,
            "handle" => self.handle().into(),
            "size" => match self.random.bool() {
                true => self.length(namespace) as u64,
                false => self.number(builtin.wire),
            },
            _ => self.number(builtin.wire),
        }
    }

    /// A number at a border, a power of two or one beside it, a small one, or any.
    fn number(&mut self, wire: Wire) -> u64 {
        let bits = 8 * wire.size() as u32;
        let (least, greatest) = wire.range();
        match self.random.u32(0..8) {
            0 => 0,
            1 => 1,
            2 => greatest as u64,
            3 => least as u64,
            4 => 1 << self.random.u32(0..bits),
            5 => (1_u64 << self.random.u32(0..bits)).wrapping_sub(1),
            6 => self.random.u64(0..20),
            _ => self.random.u64(..),
        }
    }

    fn character(&mut self) -> char {
        match self.random.u32(0..6) {
            0 => '\0',
            1 => '\u{d7ff}',
            2 => '\u{e000}',
            3 => char::MAX,
            4 => self.random.char(..),
            _ => self.random.char(' '..='~'),
        }
    }

    fn task(&mut self, tasks: &[TaskId]) -> TaskId {
        loop {
            let any = TaskId::new(TaskIndex::new(self.random.usize(0..MAX_TASKS)), self.random.u32(1..4));
            if let Some(task) = self.random.choice(tasks).copied().or(any) {
                return task;
            }
        }
    }

    /// Mostly one that a reply has given.
    fn handle(&mut self) -> u32 {
        match self.random.u32(0..4) {
            0 => self.random.u32(0..4),
            _ => self.random.choice(&self.own).copied().unwrap_or_else(|| self.random.u32(0..4) << 16),
        }
    }

    /// What is in the memory of a lent field.
    pub(super) fn memory(&mut self, namespace: &Namespace, field: &Field, writable: bool) -> Vec<u8> {
        if !writable && self.random.u32(0..3) == 0 {
            return self.word(field.ty == Type::Str);
        }
        let length = self.length(namespace);
        match field.ty {
            Type::Str if !writable => self.text(length).into_bytes(),
            _ => (0..length).map(|_| self.random.u8(..)).collect(),
        }
    }

    /// A word that may mean something to the server, or, but for `text`, some with NULs between.
    fn word(&mut self, text: bool) -> Vec<u8> {
        let names = self.interfaces.namespaces().iter().map(|namespace| namespace.name.as_str());
        let words: Vec<&str> = names.chain(WORDS).filter(|word| !text || !word.contains('\0')).collect();
        self.random.choice(words).unwrap_or_default().as_bytes().to_vec()
    }

    /// A length at a border of the interface's or of memory's, or any.
    fn length(&mut self, namespace: &Namespace) -> usize {
        let constants = namespace.consts.iter().filter_map(|constant| match constant.value {
            Literal::Number(number) => usize::try_from(number).ok().filter(|&number| number <= CONSTANT_MAX),
            _ => None,
        });
        let mut borders: Vec<usize> = constants.collect();
        borders.extend([16, 64, 256, 4096]);
        let border = self.random.choice(borders).unwrap_or_default();
        match self.random.u32(0..10) {
            0 => 0,
            1 => border,
            2 => border + 1,
            3 => border.saturating_sub(1),
            4 => self.random.usize(0..=LENGTH_MAX),
            _ => self.random.usize(1..20),
        }
    }

    /// Valid text of so many bytes.
    fn text(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let next = if self.random.u32(0..8) == 0 {
                self.random.char('\u{1}'..)
            } else {
                self.random.char(' '..='~')
            };
            if text.len() + next.len_utf8() <= length {
                text.push(next);
            }
        }
        text
    }
}
