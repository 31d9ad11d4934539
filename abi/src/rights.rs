//! Rights: what a task may do, given at its creation and never more than its creator has.

/// How many services can have a name at once, and so members of a [`ServiceSet`].
pub const MAX_SERVICES: usize = 128;

/// Ranges of each kind (IRQs, I/O ports, MMIO) that a task's rights can hold.
pub const MAX_RANGES: usize = 4;

/// A set of services, by the numbers that vm gives to their names.
///
/// A task may send to another if its `may_send` set and the other's `provides` set meet: the right is to talk to
/// *whoever provides the service*, so it survives the server's restart.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct ServiceSet([u64; MAX_SERVICES / 64]);

impl ServiceSet {
    /// No services.
    pub const EMPTY: Self = Self([0; MAX_SERVICES / 64]);
    /// All services.
    pub const ALL: Self = Self([u64::MAX; MAX_SERVICES / 64]);

    /// The set from its two words, services 0–63 and 64–127.
    pub const fn from_words(words: [u64; MAX_SERVICES / 64]) -> Self {
        Self(words)
    }

    /// The set as two words.
    pub const fn words(self) -> [u64; MAX_SERVICES / 64] {
        self.0
    }

    /// The set with `service` added; numbers past the last are ignored.
    #[must_use]
    pub const fn with(self, service: usize) -> Self {
        let [low, high] = self.0;
        match service {
            0..64 => Self([low | 1 << service, high]),
            64..128 => Self([low, high | 1 << (service - 64)]),
            _ => self,
        }
    }

    /// Whether the sets have a member in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0[0] & other.0[0] | self.0[1] & other.0[1] != 0
    }

    /// Whether every member of `self` is in `other`.
    pub const fn is_subset(self, other: Self) -> bool {
        self.0[0] & !other.0[0] | self.0[1] & !other.0[1] == 0
    }
}

/// Powers over the system; bits of one word. Bits 16 to 31 are left to vm for its own policy.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(transparent)]
pub struct Powers(pub u64);

impl Powers {
    /// Create tasks, and be their pager; together with [`Powers::MAP`].
    pub const CREATE: Self = Self(1 << 0);
    /// Map physical memory into itself and into the tasks it is the pager of.
    pub const MAP: Self = Self(1 << 1);
    /// Read console input.
    pub const CONSOLE: Self = Self(1 << 2);
    /// Inspect tasks and read the kernel log.
    pub const INSPECT: Self = Self(1 << 3);
    /// Halt or restart the machine.
    pub const POWER: Self = Self(1 << 4);
    /// Launch programs (vm's policy).
    pub const LAUNCH: Self = Self(1 << 16);
    /// End tasks that it did not launch (vm's policy).
    pub const KILL: Self = Self(1 << 17);

    /// Hand devices to drivers: what the device manager does (vm's policy).
    pub const DEVICES: Self = Self(1 << 18);

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The numbers from `start` to before `end`; empty unless `start < end`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Range {
    /// First number in the range.
    pub start: u64,
    /// First number past the range.
    pub end: u64,
}

impl Range {
    /// Whether `start..end` (not empty) lies in this range.
    pub const fn covers(self, start: u64, end: u64) -> bool {
        start < end && self.start <= start && end <= self.end
    }

    /// Whether the range has no members.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// Everything that a task may do.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub struct Rights {
    /// Powers over the system.
    pub powers: Powers,
    /// The services that it may send to. Its pager it may always send to.
    pub may_send: ServiceSet,
    /// The services that it is: whoever may send to one of them may send to it.
    pub provides: ServiceSet,
    /// Interrupts that it may acquire.
    pub irqs: [Range; MAX_RANGES],
    /// x86 I/O ports that it may access.
    pub ports: [Range; MAX_RANGES],
    /// Physical addresses of devices that may be mapped into it.
    pub mmio: [Range; MAX_RANGES],
}

impl Rights {
    /// No rights.
    pub const NONE: Self = Self {
        powers: Powers(0),
        may_send: ServiceSet::EMPTY,
        provides: ServiceSet::EMPTY,
        irqs: [Range { start: 0, end: 0 }; MAX_RANGES],
        ports: [Range { start: 0, end: 0 }; MAX_RANGES],
        mmio: [Range { start: 0, end: 0 }; MAX_RANGES],
    };

    /// All rights there are: those of the first task.
    pub const ALL: Self = Self {
        powers: Powers(u64::MAX),
        may_send: ServiceSet::ALL,
        provides: ServiceSet::ALL,
        irqs: [Range { start: 0, end: u64::MAX }; MAX_RANGES],
        ports: [Range { start: 0, end: u64::MAX }; MAX_RANGES],
        mmio: [Range { start: 0, end: u64::MAX }; MAX_RANGES],
    };

    /// Whether every right in `self` is also in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        other.powers.contains(self.powers)
            && self.may_send.is_subset(other.may_send)
            && self.provides.is_subset(other.provides)
            && all_covered(&self.irqs, &other.irqs)
            && all_covered(&self.ports, &other.ports)
            && all_covered(&self.mmio, &other.mmio)
    }
}

fn all_covered(inner: &[Range; MAX_RANGES], outer: &[Range; MAX_RANGES]) -> bool {
    inner
        .iter()
        .all(|range| range.is_empty() || outer.iter().any(|whole| whole.covers(range.start, range.end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_compared_by_every_part() {
        let mut rights = Rights::default();
        assert!(
            rights.is_subset(&rights) && rights.is_subset(&Rights::ALL) && !Rights::ALL.is_subset(&rights)
        );
        rights.ports[2] = Range { start: 0x3f8, end: 0x400 };
        assert!(rights.is_subset(&Rights::ALL) && !rights.is_subset(&Rights::default()));
        let mut wider = rights;
        wider.ports[2].end = 0x401;
        assert!(rights.is_subset(&wider) && !wider.is_subset(&rights));
    }

    #[test]
    fn service_sets_hold_every_service() {
        for service in 0..MAX_SERVICES {
            let set = ServiceSet::EMPTY.with(service);
            assert!(set.meets(ServiceSet::ALL) && set != ServiceSet::EMPTY && set.is_subset(ServiceSet::ALL));
            assert!(!set.meets(ServiceSet::EMPTY.with((service + 1) % MAX_SERVICES)));
        }
        assert_eq!(ServiceSet::EMPTY.with(MAX_SERVICES), ServiceSet::EMPTY);
    }
}
