//! Values made of the fuzzer's bytes, in the order in which they are asked for. What is missing at the end is zeros, so
//! that every input means something and a short one means something small.

use std::cell::Cell;

/// The bytes, and how many of them are used up.
pub struct Input {
    bytes: Vec<u8>,
    used: Cell<usize>,
}

impl Input {
    /// All of these.
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), used: Cell::new(0) }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.used.get() >= self.bytes.len()
    }

    /// The next bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let next = self.used.get();
        self.used.set(next.saturating_add(N));
        std::array::from_fn(|index| self.bytes.get(next + index).copied().unwrap_or(0))
    }

    /// The next byte.
    pub fn byte(&self) -> u8 {
        let [byte] = self.bytes();
        byte
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&self, end: usize) -> usize {
        u16::from_le_bytes(self.bytes()) as usize % end
    }

    /// Up to `most` bytes, no more than are left.
    pub fn some(&self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        let left = self.bytes.get(self.used.get()..).unwrap_or_default();
        let some = left.get(..length).unwrap_or(left).to_vec();
        self.used.set(self.used.get() + some.len());
        some
    }

    /// Text of up to `most` bytes and a few more.
    pub fn text(&self, most: usize) -> String {
        String::from_utf8_lossy(&self.some(most)).into_owned()
    }

    /// A value of any type that has a meaning for all bytes.
    pub fn value<T: Value>(&self) -> T {
        T::from_input(self)
    }
}

/// A type with a value for every input.
pub trait Value {
    /// The next value.
    fn from_input(input: &Input) -> Self;
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn from_input(input: &Input) -> Self {
                Self::from_le_bytes(input.bytes())
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 usize i8 i16 i32 i64);

impl Value for bool {
    fn from_input(input: &Input) -> Self {
        input.byte() & 1 != 0
    }
}

impl Value for char {
    fn from_input(input: &Input) -> Self {
        char::from_u32(input.value::<u32>() % 0x11_0000).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

impl Value for ipc::TaskId {
    fn from_input(input: &Input) -> Self {
        Self::from_raw(input.value::<u32>() as usize).unwrap_or(ipc::host::first_task())
    }
}

impl Value for ipc::Handle {
    fn from_input(input: &Input) -> Self {
        Self::from_raw(input.value())
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn from_input(input: &Input) -> Self {
        std::array::from_fn(|_| input.value())
    }
}
