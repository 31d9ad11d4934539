//! How many messages went from whom to whom.
//!
//! A table of fixed size: a pair's place is looked for from its hash on, and what is free on the way does not end the
//! search, so that entries can be taken out at any time. When the table is full, messages between further pairs are
//! counted together, and so are those of tasks that have ended: the sum is always right.

use abi::TaskIndex;

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::print::Column;
use crate::say;

/// Pairs that are counted apart: 4 KiB of table.
pub(crate) const PAIRS: usize = 256;

const _: () = assert!(PAIRS.is_power_of_two());

#[derive(Clone, Copy)]
struct Pair {
    from: TaskIndex,
    to: TaskIndex,
    /// Messages; 0: the place is free.
    count: u64,
}

/// The counts of a kernel.
#[derive(Clone)]
pub struct MessageCounts {
    pairs: [Pair; PAIRS],
    /// Messages between pairs that found no place.
    others: u64,
    /// Messages from or to tasks that have ended.
    ended: u64,
}

impl MessageCounts {
    pub(crate) const fn new() -> Self {
        let free = Pair { from: TaskIndex::new(0), to: TaskIndex::new(0), count: 0 };
        Self { pairs: [free; PAIRS], others: 0, ended: 0 }
    }

    /// Counts a message.
    pub(crate) fn add(&mut self, from: TaskIndex, to: TaskIndex) {
        // Two odd numbers whose bits are mixed enough to spread neighbours.
        let start = from.get().wrapping_mul(0x9e5) ^ to.get().wrapping_mul(0x61);
        let mut free = None;
        for place in (start..start + PAIRS).map(|place| place & (PAIRS - 1)) {
            let pair = &mut self.pairs[place];
            if pair.count == 0 {
                free = free.or(Some(place));
            } else if (pair.from, pair.to) == (from, to) {
                pair.count = pair.count.saturating_add(1);
                return;
            }
        }
        match free {
            Some(place) => self.pairs[place] = Pair { from, to, count: 1 },
            None => self.others = self.others.saturating_add(1),
        }
    }

    /// `task` has ended: its entries make room for others.
    pub(crate) fn forget(&mut self, task: TaskIndex) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.from == task || pair.to == task) {
            self.ended = self.ended.saturating_add(core::mem::take(&mut pair.count));
        }
    }

    /// Messages counted for pairs, for others, and for tasks that have ended.
    #[cfg(test)]
    pub(crate) fn sums(&self) -> (u64, u64, u64) {
        (self.pairs.iter().map(|pair| pair.count).sum(), self.others, self.ended)
    }

    /// The pair that follows `last` in the order of the counts, the largest first.
    fn next(&self, last: Option<Pair>) -> Option<Pair> {
        let key = |pair: &Pair| (u64::MAX - pair.count, pair.from, pair.to);
        let used = self.pairs.iter().filter(|pair| pair.count > 0);
        used.filter(|pair| last.is_none_or(|last| key(pair) > key(&last)))
            .min_by_key(|pair| key(pair))
            .copied()
    }
}

impl<M: Machine> Kernel<M> {
    pub(super) fn debug_messages(&mut self) {
        say!(self, "messages  from                to\n");
        let mut last = None;
        for _ in 0..PAIRS {
            let Some(pair) = self.messages.next(last) else { break };
            let (from, to) = (self.label(pair.from), self.label(pair.to));
            say!(self, Column(pair.count, 10), Column(from, 20), to, "\n");
            last = Some(pair);
        }
        let MessageCounts { others, ended, .. } = self.messages;
        if ended > 0 {
            say!(self, Column(ended, 10), "from or to tasks that have ended\n");
        }
        if others > 0 {
            say!(self, Column(others, 10), "others, for which the table has no room\n");
        }
    }
}
