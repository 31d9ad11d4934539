//! The functions behind the addresses that a function takes: directly, or in constants such as vtables.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::body::Slot;
use crate::program::Program;

/// A function whose address something has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Pointer {
    /// The address itself.
    Plain(u64),
    /// At this distance from the start of a vtable, which is of this trait.
    Method(u64, i64, Trait),
}

/// A trait, or [`NO_TRAIT`].
pub(crate) type Trait = u16;
/// What pointers outside of vtables are of.
pub(crate) const NO_TRAIT: Trait = 0;
/// In place of [`NO_TRAIT`] where what is called may also come from further above.
pub(crate) const FORWARDED: Trait = 3;
/// The number for vtables without a method to tell the trait from.
const DROP_ONLY: Trait = 1;
/// The number of `core::fmt::Write`.
const WRITE: Trait = 2;
const WRITE_PATH: &str = "core::fmt::Write";

/// A vtable starts with the function that drops the value, or 0, and the value's size and alignment; then come the
/// methods.
const METHODS: i64 = 24;
/// No type is aligned to more.
const MOST_ALIGNMENT: u64 = 1 << 29;
/// Most words of a constant that are looked at.
const MOST_WORDS: u64 = 8192;

impl Pointer {
    /// The function.
    pub fn function(&self) -> u64 {
        let (Self::Plain(function) | Self::Method(function, ..)) = self;
        *function
    }

    /// Whether a call of the kind can be a call of it.
    pub fn fits(&self, slot: Slot) -> bool {
        match (self, slot) {
            (Self::Method(_, place, _), Slot::Field(offset)) => *place == offset,
            (Self::Method(_, place, of), Slot::Writer(offset)) => *place == offset && *of == WRITE,
            (Self::Method(..), Slot::Any) | (Self::Plain(_), Slot::Writer(_)) => false,
            (Self::Plain(_), Slot::Any) => true,
            (Self::Plain(_), Slot::Field(offset)) => offset < METHODS,
        }
    }

    /// The trait of its vtable.
    pub fn of_trait(&self) -> Trait {
        if let Self::Method(.., of) = self { *of } else { NO_TRAIT }
    }

    /// The function, if it is worth a word that nothing seems to call it: vtables often hold more than is used.
    pub fn reported(&self) -> Option<u64> {
        if let Self::Plain(function) = self { Some(*function) } else { None }
    }
}

/// Finds pointers.
pub(crate) struct Pointers<'p, 'a> {
    pub program: &'p Program<'a>,
    /// The numbers of the traits, by name.
    traits: RefCell<BTreeMap<String, Trait>>,
}

impl<'p, 'a> Pointers<'p, 'a> {
    pub fn new(program: &'p Program<'a>) -> Self {
        Self { program, traits: RefCell::new(BTreeMap::from([(WRITE_PATH.into(), WRITE)])) }
    }

    /// The functions behind some addresses of code and data, as deep as constants refer to constants.
    pub fn of(&self, addresses: &BTreeSet<u64>) -> BTreeSet<Pointer> {
        let mut found = BTreeSet::new();
        let mut seen: BTreeSet<u64> = addresses.clone();
        let mut open: Vec<u64> = addresses.iter().copied().collect();
        while let Some(address) = open.pop() {
            if self.program.function(address).is_some() {
                found.insert(Pointer::Plain(address));
            } else if self.is_vtable(address) {
                found.extend(self.methods(address));
            } else {
                let words = self.words(address);
                let further = words
                    .filter(|word| self.program.function(*word).is_some() || self.program.is_data(*word));
                open.extend(further.filter(|word| seen.insert(*word)));
            }
        }
        found
    }

    /// The words of the constant at `address`.
    fn words(&self, address: u64) -> impl Iterator<Item = u64> {
        let end = self.program.constant_end(address);
        let start = address.next_multiple_of(8);
        let places = (0..MOST_WORDS).map(move |index| start.saturating_add(index * 8));
        places.take_while(move |place| *place < end).map_while(|place| self.program.word(place))
    }

    fn is_vtable(&self, address: u64) -> bool {
        let mut words = self.words(address);
        let (Some(drop), Some(size), Some(alignment)) = (words.next(), words.next(), words.next()) else {
            return false;
        };
        let method = words.next();
        let function = |word: u64| self.program.function(word).is_some();
        address.is_multiple_of(8)
            && (drop == 0 || function(drop))
            && size < 1 << 32
            && alignment.is_power_of_two()
            && alignment <= MOST_ALIGNMENT
            && (method.is_some_and(function) || function(drop))
    }

    fn methods(&self, address: u64) -> Vec<Pointer> {
        let function = |word: &u64| self.program.function(*word).is_some();
        let mut methods = self.words(address).skip(3).take_while(function).peekable();
        let of = methods.peek().map_or(DROP_ONLY, |method| self.trait_of(*method));
        let drop =
            self.program.word(address).filter(function).map(|function| Pointer::Method(function, 0, of));
        let places = (METHODS..).step_by(8);
        methods
            .zip(places)
            .map(|(function, place)| Pointer::Method(function, place, of))
            .chain(drop)
            .collect()
    }

    /// The trait of a method, by its name: `<Type as Trait>::method`, or `Trait::method` if the trait provides it.
    fn trait_of(&self, method: u64) -> Trait {
        let name = self.program.name(method);
        let path = name.rsplit_once("::").map_or(name.as_str(), |(path, _)| path);
        let path = path.rsplit_once(" as ").map_or(path, |(_, path)| path.trim_end_matches('>'));
        let mut traits = self.traits.borrow_mut();
        let next = traits.len().saturating_add(3).try_into().unwrap_or(Trait::MAX);
        *traits.entry(path.into()).or_insert(next)
    }
}
