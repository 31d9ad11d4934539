//! Open nodes: each is open in the file system once, however many handles there are.

use crate::{FileSystem, Kind};
use alloc::vec::Vec;
use ipc::Error;
use resea::SharedMemory;

/// An open file or directory.
pub struct Opened<F: FileSystem> {
    node: F::Node,
    /// The file system's.
    pub open: F::Open,
    /// What it is.
    pub kind: Kind,
    /// The file system may know of it what it has not stored.
    pub is_changed: bool,
    /// Its content as it was when somebody asked for it, and the size; none after it has changed.
    pub map: Option<(SharedMemory, u64)>,
    handles: u32,
}

/// All open nodes.
pub struct Nodes<F: FileSystem> {
    places: Vec<Option<Opened<F>>>,
    /// Places without a node.
    free: Vec<u16>,
    /// The nodes in order, with their places.
    order: Vec<(F::Node, u16)>,
}

impl<F: FileSystem> Nodes<F> {
    /// None.
    pub const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), order: Vec::new() }
    }

    /// Where a node is, if it is open.
    pub fn find(&self, node: F::Node) -> Option<u16> {
        let index = self.order.binary_search_by_key(&node, |(node, _)| *node).ok()?;
        self.order.get(index).map(|(_, place)| *place)
    }

    /// The node at a place.
    #[inline]
    pub fn get(&mut self, place: u16) -> Result<&mut Opened<F>, Error> {
        // Handles have places of open nodes.
        self.places.get_mut(usize::from(place)).and_then(Option::as_mut).ok_or(Error::BadHandle)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Opened<F>> {
        self.places.iter_mut().flatten()
    }

    /// There is one more handle of a node.
    pub fn add_handle(&mut self, place: u16) {
        if let Ok(opened) = self.get(place) {
            opened.handles += 1;
        }
    }

    /// Makes room for one more.
    ///
    /// Errors: `OutOfMemory`, `TableFull`.
    pub fn reserve(&mut self) -> Result<(), Error> {
        if self.free.is_empty() {
            let place = u16::try_from(self.places.len()).map_err(|_| Error::TableFull)?;
            self.places.try_reserve(1).map_err(|_| Error::OutOfMemory)?;
            // There is always room for all places among the free ones.
            self.free.try_reserve(self.places.len() + 1).map_err(|_| Error::OutOfMemory)?;
            self.places.push(None);
            self.free.push(place);
        }
        self.order.try_reserve(1).map_err(|_| Error::OutOfMemory)
    }

    /// Adds a node that is not among them, without handles.
    ///
    /// Errors: as [`Nodes::reserve`]; never after it.
    pub fn insert(&mut self, node: F::Node, open: F::Open, kind: Kind) -> Result<u16, Error> {
        self.reserve()?;
        let place = self.free.pop().ok_or(Error::TableFull)?;
        if let Some(room) = self.places.get_mut(usize::from(place)) {
            *room = Some(Opened { node, open, kind, is_changed: false, map: None, handles: 0 });
        }
        self.enter(node, place);
        Ok(place)
    }

    /// There is one handle of a node less. The node, if it was the last.
    pub fn remove_handle(&mut self, place: u16) -> Option<Opened<F>> {
        let opened = self.get(place).ok()?;
        opened.handles = opened.handles.saturating_sub(1);
        if opened.handles == 0 { self.remove(place) } else { None }
    }

    /// Takes a node out.
    pub fn remove(&mut self, place: u16) -> Option<Opened<F>> {
        let opened = self.places.get_mut(usize::from(place))?.take()?;
        self.leave(opened.node);
        self.free.push(place);
        Some(opened)
    }

    /// A node is another one now.
    pub fn rename(&mut self, place: u16, node: F::Node) {
        if let Ok(opened) = self.get(place) {
            let before = core::mem::replace(&mut opened.node, node);
            self.leave(before);
            self.enter(node, place);
        }
    }

    fn enter(&mut self, node: F::Node, place: u16) {
        let index = self.order.partition_point(|(other, _)| *other < node);
        self.order.insert(index, (node, place));
    }

    fn leave(&mut self, node: F::Node) {
        if let Ok(index) = self.order.binary_search_by_key(&node, |(node, _)| *node) {
            self.order.remove(index);
        }
    }
}
