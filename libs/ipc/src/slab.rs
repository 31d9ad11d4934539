//! A bounded table of objects that are made and freed all the time: constant time, no allocation, no stale names.
//!
//! A key names a place and which use of it is meant, so that the key of a removed object is an error and not another
//! object.

/// The name of an object in a [`Slab`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Key(u32);

impl Key {
    /// The key with this number.
    #[inline]
    pub const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The key as a number; never 0.
    #[inline]
    pub const fn raw(self) -> u32 {
        self.0
    }

    const fn new(index: usize, generation: u16) -> Self {
        Self((generation as u32) << 16 | index as u32)
    }

    const fn index(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    const fn generation(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

struct Place<T> {
    /// Which use of the place this is; never 0, so that no key is 0.
    generation: u16,
    content: Content<T>,
}

enum Content<T> {
    /// With the next free place.
    Free(Option<u16>),
    Taken(T),
}

/// At most `N` objects; `N` is 65,536 at most. Every operation but [`Slab::iter`] and [`Slab::remove_if`] takes
/// constant time.
pub struct Slab<T, const N: usize> {
    places: [Place<T>; N],
    free: Option<u16>,
    length: usize,
}

impl<T, const N: usize> Slab<T, N> {
    const FITS: () = assert!(N <= 1 << 16, "a key has 16 bits for the place");

    /// An empty slab.
    pub fn new() -> Self {
        let () = Self::FITS;
        let next = |index: usize| (index < N).then_some(index as u16);
        let place = |index| Place { generation: 1, content: Content::Free(next(index + 1)) };
        Self { places: core::array::from_fn(place), free: next(0), length: 0 }
    }

    /// How many objects there are.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether there is no room.
    pub const fn is_full(&self) -> bool {
        self.free.is_none()
    }

    /// Keeps `value`; gives it back if no place is left.
    pub fn insert(&mut self, value: T) -> Result<Key, T> {
        let Some(index) = self.free else { return Err(value) };
        match self.places.get_mut(index as usize) {
            Some(Place { generation, content: content @ Content::Free(_) }) => {
                if let Content::Free(next) = core::mem::replace(content, Content::Taken(value)) {
                    self.free = next;
                }
                self.length += 1;
                Ok(Key::new(index as usize, *generation))
            }
            // Free places are never taken and always in the table.
            _ => Err(value),
        }
    }

    /// The object that `key` names.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        match self.places.get(key.index()) {
            Some(Place { generation, content: Content::Taken(value) }) if *generation == key.generation() => {
                Some(value)
            }
            _ => None,
        }
    }

    /// The object that `key` names, to change it.
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.places.get_mut(key.index()) {
            Some(Place { generation, content: Content::Taken(value) }) if *generation == key.generation() => {
                Some(value)
            }
            _ => None,
        }
    }

    /// Takes the object that `key` names out of the slab.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        self.take(key.index())
    }

    /// Gives the object a new key; the old one no longer names it.
    pub fn rename(&mut self, key: Key) -> Option<Key> {
        self.get(key)?;
        let place = self.places.get_mut(key.index())?;
        place.generation = next_generation(place.generation);
        Some(Key::new(key.index(), place.generation))
    }

    /// Takes out every object for which `condition` holds; `removed` gets it.
    pub fn remove_if(&mut self, condition: impl Fn(&T) -> bool, mut removed: impl FnMut(T)) {
        for index in 0..N {
            let place = self.places.get(index).map(|place| &place.content);
            if matches!(place, Some(Content::Taken(value)) if condition(value))
                && let Some(value) = self.take(index)
            {
                removed(value);
            }
        }
    }

    /// All objects with their keys.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.places.iter().enumerate().filter_map(|(index, place)| match &place.content {
            Content::Taken(value) => Some((Key::new(index, place.generation), value)),
            Content::Free(_) => None,
        })
    }

    fn take(&mut self, index: usize) -> Option<T> {
        let place = self.places.get_mut(index)?;
        if matches!(place.content, Content::Free(_)) {
            return None;
        }
        place.generation = next_generation(place.generation);
        let content = core::mem::replace(&mut place.content, Content::Free(self.free));
        self.free = Some(index as u16);
        self.length -= 1;
        match content {
            Content::Taken(value) => Some(value),
            Content::Free(_) => None,
        }
    }
}

impl<T, const N: usize> Default for Slab<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// 1 to 65,535, then 1 again.
const fn next_generation(generation: u16) -> u16 {
    if generation == u16::MAX { 1 } else { generation + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_slab_gives_the_value_back() {
        let mut slab = Slab::<_, 2>::new();
        let first = slab.insert("a").unwrap();
        slab.insert("b").unwrap();
        assert_eq!(slab.insert("c"), Err("c"));
        assert!(slab.is_full());
        assert_eq!(slab.remove(first), Some("a"));
        assert_eq!(slab.remove(first), None, "a stale key");
        let third = slab.insert("c").unwrap();
        assert_ne!(third, first);
        assert_eq!(slab.get(third), Some(&"c"));
    }

    #[test]
    fn no_key_is_zero_and_generations_start_again() {
        let mut slab = Slab::<_, 1>::new();
        for _ in 0..2 * u16::MAX as usize {
            let key = slab.insert(()).unwrap();
            assert_ne!(key.raw(), 0);
            slab.remove(key).unwrap();
        }
    }

    #[test]
    fn a_slab_of_nothing_is_full() {
        assert_eq!(Slab::<_, 0>::new().insert(1), Err(1));
    }
}
