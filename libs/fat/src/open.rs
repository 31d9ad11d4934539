//! An open file or directory, and the way from an offset in it to a place on the volume.
//!
//! Clusters that follow each other in the file and on the volume are a *run*. An open file keeps the run that was used last:
//! what lies in it is found without a look at the table, what lies behind it by walking on.

use abi::Error;

use crate::geometry::Root;
use crate::slot::{READ_ONLY, Slot};
use crate::table::Link;
use crate::time::Stamp;
use crate::{Extent, Kind, Node, Storage, Volume};

/// How many clusters are looked at ahead, so that reading on needs no look at the table for a while.
const AHEAD: u32 = 256;

/// Clusters that follow each other in the file and on the volume.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Run {
    /// The number in the file of its first cluster.
    pub index: u32,
    /// Its first cluster.
    pub cluster: u32,
    /// How many there are; 0 if no run is known.
    pub count: u32,
    /// Whether the next cluster is known to lie elsewhere.
    closed: bool,
}

impl Run {
    /// The number in the file after the last one.
    pub fn end(&self) -> u32 {
        self.index + self.count
    }

    /// The last cluster, if there is any.
    pub fn last(&self) -> Option<u32> {
        Some(self.cluster + self.count.checked_sub(1)?)
    }
}

/// What is kept of an open file or directory: one for each node, however many have it open. Belongs to the volume that
/// made it.
#[derive(Debug)]
pub struct Open {
    pub(crate) node: Node,
    pub(crate) kind: Kind,
    /// Attribute bits as they are stored.
    pub(crate) bits: u8,
    /// First cluster, 0 if there is none.
    pub(crate) first: u32,
    /// Size in bytes; 0 for directories.
    pub(crate) size: u32,
    /// The time of the last change that was stored through this, if no other may have been since.
    pub(crate) modified: Option<Stamp>,
    /// Whether clusters may have been allocated that nothing was written to.
    pub(crate) excess: bool,
    pub(crate) run: Run,
    /// A cluster that the walk has passed. Coming back to it shows a loop.
    mark: u32,
}

impl Open {
    /// What a directory entry describes; it is checked when it is used.
    pub(crate) fn new(node: Node, slot: &Slot) -> Self {
        let kind = if slot.is_directory() { Kind::Directory } else { Kind::File };
        Self {
            node,
            kind,
            bits: slot.attribute_bits(),
            first: slot.first(),
            size: if kind == Kind::File { slot.size() } else { 0 },
            modified: None,
            excess: false,
            run: Run::default(),
            mark: 0,
        }
    }

    /// The root directory. In FAT12 and FAT16 it has no clusters.
    pub(crate) fn root(root: Root) -> Self {
        let mut open = Self::directory(match root {
            Root::Fixed { .. } => 0,
            Root::Chain(first) => first,
        });
        open.node = Node::ROOT;
        open
    }

    /// A directory whose first cluster is known.
    pub(crate) fn directory(first: u32) -> Self {
        let mut slot = Slot::new(&[0; 11], 0, crate::slot::DIRECTORY, 0);
        slot.set_first(first);
        Self::new(Node(0), &slot)
    }

    /// The file or directory that is open.
    pub fn node(&self) -> Node {
        self.node
    }

    /// File or directory.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Size in bytes, 0 for directories.
    pub fn size(&self) -> u64 {
        self.size.into()
    }

    /// Whether something may have been prepared and not written, so that to [settle](Volume::settle) it is a change.
    pub fn is_unsettled(&self) -> bool {
        self.excess
    }

    /// Whether its attributes forbid to write it.
    pub fn is_read_only(&self) -> bool {
        self.bits & READ_ONLY != 0
    }
}

impl<S: Storage> Volume<S> {
    /// Opens a file or directory.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the node is no more, [`Error::Damaged`] if what the entry says cannot be, those of the
    /// storage.
    pub fn open(&mut self, node: Node) -> Result<Open, Error> {
        if node == Node::ROOT {
            return Ok(Open::root(self.geometry.root));
        }
        let open = Open::new(node, &self.slot(node)?);
        let needed = self.geometry.clusters_for(open.size());
        let must = needed > 0 || open.kind == Kind::Directory;
        let bad =
            needed > self.geometry.clusters || (open.first != 0 && !self.geometry.is_cluster(open.first));
        if bad || (must && open.first == 0) {
            return Err(Error::Damaged);
        }
        Ok(open)
    }

    /// Where the bytes of a file from `offset` on lie, clipped to the file's end; nothing from its end on.
    ///
    /// # Errors
    ///
    /// [`Error::IsADirectory`], [`Error::Damaged`], those of the storage.
    pub fn extent(&mut self, open: &mut Open, offset: u64) -> Result<Option<Extent>, Error> {
        let Some(left) = open.size().checked_sub(offset).filter(|left| *left > 0) else {
            return if open.kind == Kind::File { Ok(None) } else { Err(Error::IsADirectory) };
        };
        // What lies behind the file's end may be about to be freed: the run never gets there.
        let held = self.geometry.clusters_for(open.size());
        match self.locate(open, offset, held)? {
            Some(extent) => Ok(Some(Extent { length: extent.length.min(left), ..extent })),
            // The chain is shorter than the file.
            None => Err(Error::Damaged),
        }
    }

    /// Where the bytes from `offset` on lie, as far as clusters are allocated; nothing behind them. Looks ahead up to
    /// cluster `end` of the file.
    pub(crate) fn locate(&mut self, open: &mut Open, offset: u64, end: u32) -> Result<Option<Extent>, Error> {
        if let (0, Node::ROOT, Root::Fixed { at, size }) = (open.first, open.node, self.geometry.root) {
            let left = size.checked_sub(offset).filter(|left| *left > 0);
            return Ok(left.map(|length| Extent { at: at + offset, length }));
        }
        // Offsets are below 4 GiB.
        let index = (offset >> self.geometry.shift) as u32;
        if !self.seek(open, index)? {
            return Ok(None);
        }
        let within = offset & (self.geometry.cluster_size() - 1);
        let skipped = index - open.run.index;
        if skipped + 1 == open.run.count && !open.run.closed {
            self.look_ahead(open, end)?;
        }
        let at = self.geometry.place(open.run.cluster + skipped) + within;
        let length = (u64::from(open.run.count - skipped) << self.geometry.shift) - within;
        Ok(Some(Extent { at, length }))
    }

    /// Makes the run one with the file's cluster `index`; whether there is such a cluster. If not, the run is the last.
    pub(crate) fn seek(&mut self, open: &mut Open, index: u32) -> Result<bool, Error> {
        if index.wrapping_sub(open.run.index) < open.run.count {
            return Ok(true);
        }
        if open.first == 0 {
            return Ok(false);
        }
        if open.run.count == 0 || index < open.run.index {
            if !self.geometry.is_cluster(open.first) {
                return Err(Error::Damaged);
            }
            open.run = Run { cluster: open.first, count: 1, ..Run::default() };
            open.mark = open.first;
        }
        while index >= open.run.end() {
            let Some((last, next)) = self.after(open)? else { return Ok(false) };
            if next == last + 1 {
                open.run.count += 1;
            } else {
                open.run = Run { index: open.run.end(), cluster: next, count: 1, closed: false };
            }
        }
        Ok(true)
    }

    /// The run's last cluster and the one after it, unless the file ends.
    fn after(&mut self, open: &mut Open) -> Result<Option<(u32, u32)>, Error> {
        let Some(last) = open.run.last() else { return Ok(None) };
        let Some(next) = self.next(last)? else { return Ok(None) };
        let index = open.run.end();
        if next == open.mark || index >= self.geometry.clusters {
            return Err(Error::Damaged);
        }
        // The mark moves less and less often, so in the end it is in the loop, and the walk comes round to it.
        if index.is_power_of_two() {
            open.mark = next;
        }
        Ok(Some((last, next)))
    }

    /// Makes the run longer, up to cluster `end` of the file, if the table says so.
    fn look_ahead(&mut self, open: &mut Open, end: u32) -> Result<(), Error> {
        for _ in open.run.end()..end.min(open.run.end().saturating_add(AHEAD)) {
            let Some(last) = open.run.last() else { break };
            // A chain that is damaged further on is none of this caller's business.
            if self.table.get(&mut self.storage, &self.geometry, last)? != Link::Next(last + 1) {
                open.run.closed = true;
                break;
            }
            let Ok(Some(_)) = self.after(open) else {
                open.run.closed = true;
                break;
            };
            open.run.count += 1;
        }
        Ok(())
    }

    /// The cluster after this one in its chain, if any.
    pub(crate) fn next(&mut self, cluster: u32) -> Result<Option<u32>, Error> {
        match self.table.get(&mut self.storage, &self.geometry, cluster)? {
            Link::Next(next) => Ok(Some(next)),
            Link::End => Ok(None),
            Link::Free | Link::Bad => Err(Error::Damaged),
        }
    }
}
