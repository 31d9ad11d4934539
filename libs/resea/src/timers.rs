//! Many timers on the kernel's one, which is always set to the earliest.

/// Up to `N` timers, each named by a key of the program's choice.
///
/// After `NOTIFY_TIMER`, take the keys of those that have expired with [`Timers::expired`]. Setting and expiring take
/// O(log N), cancelling O(N).
pub struct Timers<K, const N: usize> {
    /// A binary heap of the first `length` places: no place is earlier than the one at half its (1-based) index.
    heap: [Option<Timer<K>>; N],
    length: usize,
    /// Makes timers with equal deadlines expire in the order in which they were set.
    set: u64,
}

#[derive(Clone, Copy)]
struct Timer<K> {
    deadline: u64,
    order: u64,
    key: K,
}

impl<K: Copy + PartialEq, const N: usize> Timers<K, N> {
    /// No timers.
    pub const fn new() -> Self {
        Self { heap: [const { None }; N], length: 0, set: 0 }
    }

    /// How many timers are set.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether no timer is set.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Sets the timer `key` to expire once, `nanoseconds` from now; if it was set already, only the new time counts.
    ///
    /// Errors: `TableFull` (N others are set).
    pub fn set(&mut self, nanoseconds: u64, key: K) -> Result<(), ipc::Error> {
        self.remove(key);
        let place = self.heap.get_mut(self.length).ok_or(ipc::Error::TableFull)?;
        let deadline = ipc::clock().saturating_add(nanoseconds);
        *place = Some(Timer { deadline, order: self.set, key });
        self.set += 1;
        self.length += 1;
        self.rise(self.length - 1);
        self.arm();
        Ok(())
    }

    /// Stops the timer `key`; whether it was set.
    pub fn cancel(&mut self, key: K) -> bool {
        let was_set = self.remove(key);
        if was_set {
            self.arm();
        }
        was_set
    }

    /// The key of a timer that has expired, the earliest first. Call it until there is none: then the kernel's timer is
    /// set for the next.
    pub fn expired(&mut self) -> Option<K> {
        match self.heap.first().copied().flatten() {
            Some(timer) if timer.deadline <= ipc::clock() => {
                self.take(0);
                Some(timer.key)
            }
            _ => {
                self.arm();
                None
            }
        }
    }

    /// When the next timer expires, by [`ipc::clock`].
    pub fn next_deadline(&self) -> Option<u64> {
        self.heap.first().copied().flatten().map(|timer| timer.deadline)
    }

    /// Sets the kernel's timer for the earliest deadline, or stops it.
    fn arm(&self) {
        ipc::timer(match self.next_deadline() {
            // 0 would stop it.
            Some(deadline) => deadline.saturating_sub(ipc::clock()).max(1),
            None => 0,
        });
    }

    fn remove(&mut self, key: K) -> bool {
        let place = self.heap.iter().position(|timer| timer.is_some_and(|timer| timer.key == key));
        place.is_some_and(|place| {
            self.take(place);
            true
        })
    }

    /// Removes the timer at `place`: the last one takes its place and moves to where it belongs.
    fn take(&mut self, place: usize) {
        self.length -= 1;
        self.heap.swap(place, self.length);
        if let Some(last) = self.heap.get_mut(self.length) {
            *last = None;
        }
        self.sink(place);
        self.rise(place);
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.is_before(place, (place - 1) / 2) {
            self.heap.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let child = if self.is_before(right, left) { right } else { left };
            if !self.is_before(child, place) {
                return;
            }
            self.heap.swap(place, child);
            place = child;
        }
    }

    /// Whether both places have a timer and the first expires earlier.
    fn is_before(&self, one: usize, other: usize) -> bool {
        let when = |place| {
            self.heap.get(place).copied().flatten().map(|timer: Timer<K>| (timer.deadline, timer.order))
        };
        matches!((when(one), when(other)), (Some(one), Some(other)) if one < other)
    }
}

impl<K: Copy + PartialEq, const N: usize> Default for Timers<K, N> {
    fn default() -> Self {
        Self::new()
    }
}
