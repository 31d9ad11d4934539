//! Making directory entries: a place for them, a short name that nobody has, more clusters for the directory.

use abi::Error;

use crate::directory::{Item, SLOTS_MAX, Walk};
use crate::long_name;
use crate::open::Open;
use crate::short_name::{self, Shape};
use crate::slot::{FREE, LAST, SLOT, Slot};
use crate::table::Link;
use crate::{Node, Storage, Volume};

/// How many short names to put tails on are tried.
const ATTEMPTS: u32 = 64;

/// Where a new name can be put, and how.
pub(crate) struct Vacancy {
    /// The number of the first entry, and of the directory's end.
    place: u32,
    end: u32,
    /// The short name and its lower case bits.
    pub short: [u8; 11],
    pub case: u8,
    /// How many entries its long name takes.
    parts: u32,
}

/// What a walk through the whole directory has found.
struct Survey {
    /// Whoever has the name.
    taken: Option<Item>,
    /// Tails that are taken, a bit for each.
    tails: u64,
    place: u32,
    end: u32,
}

impl Vacancy {
    /// The place of the first entry, when the name has been put there.
    pub fn first<S: Storage>(&self, volume: &mut Volume<S>, directory: &mut Open) -> Result<u64, Error> {
        volume.entry_place(directory, self.place)?.ok_or(Error::Damaged)
    }
}

impl<S: Storage> Volume<S> {
    /// A place for a name in a directory, or the item that has the name. `replaced` is an item that has it too, but will be
    /// removed; its short name counts as taken.
    pub(crate) fn vacancy(
        &mut self,
        directory: &mut Open,
        name: &str,
        replaced: Option<&Item>,
    ) -> Result<Result<Vacancy, Item>, Error> {
        long_name::check(name)?;
        let taken = |short: &[u8; 11]| replaced.is_some_and(|item| item.slot.name() == *short);
        let (shape, mut short, case) = match short_name::shape(name) {
            Shape::Short(short, _) | Shape::Exact(short) if taken(&short) => (Shape::Tail(short), short, 0),
            Shape::Short(short, case) => (Shape::Short(short, case), short, case),
            shape @ (Shape::Exact(short) | Shape::Tail(short)) => (shape, short, 0),
        };
        let parts = if matches!(shape, Shape::Short(..)) { 0 } else { long_name::parts(name) as u32 };
        for attempt in 0..ATTEMPTS {
            let survey = self.survey(directory, name, &short, parts + 1, replaced)?;
            if let Some(item) = survey.taken {
                return Ok(Err(item));
            }
            let vacancy = |short| Vacancy { place: survey.place, end: survey.end, short, case, parts };
            if !matches!(shape, Shape::Tail(_)) {
                return Ok(Ok(vacancy(short)));
            }
            let free = (1..=short_name::TAILS).find(|number| survey.tails & 1 << number == 0);
            if let Some(number) = free {
                return Ok(Ok(vacancy(short_name::with_tail(&short, number))));
            }
            short = short_name::hashed(&short, name, attempt);
        }
        Err(Error::NoSpace)
    }

    fn survey(
        &mut self,
        directory: &mut Open,
        name: &str,
        short: &[u8; 11],
        wanted: u32,
        replaced: Option<&Item>,
    ) -> Result<Survey, Error> {
        let mut walk = Walk::new(0);
        walk.wanted = wanted;
        let (mut taken, mut tails) = (None, 0);
        while let Some(item) = walk.next(self, directory)? {
            // A short name must not be another's long one either: who asks for it would get any of the two.
            let long = if wanted > 1 { walk.long_as_short(&item) } else { None };
            for name in [Some(item.slot.name()), long].into_iter().flatten() {
                if let Some(number) = short_name::tail_of(short, &name) {
                    tails |= 1u64 << number;
                }
            }
            if walk.is_named(&item, name) && replaced.is_none_or(|replaced| replaced.node != item.node) {
                taken = Some(item);
                break;
            }
            walk.done();
        }
        Ok(Survey { taken, tails, place: walk.room(), end: walk.position })
    }

    /// Puts a name into its place; `slot` is its entry, with the vacancy's short name. The node.
    pub(crate) fn insert(
        &mut self,
        directory: &mut Open,
        vacancy: &Vacancy,
        name: &str,
        slot: &Slot,
    ) -> Result<Node, Error> {
        let last = vacancy.place + vacancy.parts;
        // The directory may end at the most entries, and its last cluster is of any size.
        if last >= SLOTS_MAX {
            return Err(Error::NoSpace);
        }
        while self.entry_place(directory, last)?.is_none() {
            self.grow(directory)?;
        }
        if last >= vacancy.end {
            self.terminate(directory, last + 1)?;
        }
        for number in 0..vacancy.parts {
            let part = long_name::part(name, (vacancy.parts - number) as usize, &vacancy.short);
            let at = self.entry_place(directory, vacancy.place + number)?.ok_or(Error::Damaged)?;
            self.put_slot(Node(at), &part)?;
        }
        let node = Node(self.entry_place(directory, last)?.ok_or(Error::Damaged)?);
        self.put_slot(node, slot)?;
        Ok(node)
    }

    /// Where a directory has an entry; nothing behind its last cluster.
    pub(crate) fn entry_place(&mut self, directory: &mut Open, number: u32) -> Result<Option<u64>, Error> {
        let extent = self.locate(directory, u64::from(number) * SLOT as u64, u32::MAX)?;
        Ok(extent.map(|extent| extent.at))
    }

    /// Makes an entry the directory's end: what lies behind an end need not be free.
    fn terminate(&mut self, directory: &mut Open, number: u32) -> Result<(), Error> {
        let Some(at) = self.entry_place(directory, number)? else { return Ok(()) };
        let mut first = [0];
        self.storage.read(at, &mut first)?;
        if first[0] == LAST { Ok(()) } else { self.put_slot(Node(at), &Slot([0; SLOT])) }
    }

    /// Adds a cluster to a directory whose run is the last.
    fn grow(&mut self, directory: &mut Open) -> Result<(), Error> {
        // A directory without clusters is the root of FAT12 and FAT16, which cannot grow.
        let last = directory.run.last().ok_or(Error::NoSpace)?;
        if u64::from(directory.run.end()) << self.geometry.shift >= u64::from(SLOTS_MAX) * SLOT as u64 {
            return Err(Error::NoSpace);
        }
        let cluster = self.new_cluster(last + 1)?;
        self.table.set(&mut self.storage, &self.geometry, last, Link::Next(cluster))
    }

    /// An empty cluster for a directory, if possible the one given.
    pub(crate) fn new_cluster(&mut self, near: u32) -> Result<u32, Error> {
        let (cluster, _) = self.allocate(near, 1)?;
        let cleared = self.zero(self.geometry.place(cluster), self.geometry.cluster_size());
        if cleared.is_err() {
            self.set_free(cluster)?;
        }
        cleared?;
        self.fresh.push(cluster);
        Ok(cluster)
    }

    /// Removes the entries of an item.
    pub(crate) fn erase(&mut self, directory: &mut Open, item: &Item) -> Result<(), Error> {
        // The entry itself goes first: parts of a long name alone are nothing.
        for number in (item.start..=item.short).rev() {
            let at = self.entry_place(directory, number)?.ok_or(Error::Damaged)?;
            let class = self.entry_class(at);
            self.storage.write(at, &[FREE], class)?;
        }
        Ok(())
    }
}
