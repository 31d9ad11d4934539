//! Finding sockets by hash: chains of places, without allocation and without moving anything.
//!
//! The index knows only hashes; whoever asks compares the sockets themselves.

use alloc::boxed::Box;
use alloc::vec;
use smoltcp::wire::IpAddress;

/// No place.
pub const NONE: u16 = u16::MAX;

/// Chains of places by hash. A place is in one chain at most.
pub struct Index {
    first: Box<[u16]>,
    next: Box<[u16]>,
}

impl Index {
    /// An empty index for places below `places`, with `chains` chains, a power of two.
    pub fn new(places: usize, chains: usize) -> Self {
        Self {
            first: vec![NONE; chains.next_power_of_two()].into_boxed_slice(),
            next: vec![NONE; places].into_boxed_slice(),
        }
    }

    fn chain(&mut self, hash: u32) -> Option<&mut u16> {
        let mask = self.first.len() - 1;
        self.first.get_mut(hash as usize & mask)
    }

    /// Puts a place at the front of its chain.
    pub fn insert(&mut self, hash: u32, place: u16) {
        let Some(first) = self.chain(hash) else { return };
        let second = core::mem::replace(first, place);
        if let Some(next) = self.next.get_mut(usize::from(place)) {
            *next = second;
        }
    }

    /// Takes a place out of its chain.
    pub fn remove(&mut self, hash: u32, place: u16) {
        let after = self.after(place);
        let Some(first) = self.chain(hash) else { return };
        if *first == place {
            *first = after;
            return;
        }
        let mut at = *first;
        while at != NONE {
            let following = self.after(at);
            if following == place {
                if let Some(next) = self.next.get_mut(usize::from(at)) {
                    *next = after;
                }
                return;
            }
            at = following;
        }
    }

    fn after(&self, place: u16) -> u16 {
        self.next.get(usize::from(place)).copied().unwrap_or(NONE)
    }

    /// The places with this hash, and a few others.
    pub fn candidates(&self, hash: u32) -> impl Iterator<Item = u16> + '_ {
        let mask = self.first.len() - 1;
        let first = self.first.get(hash as usize & mask).copied().unwrap_or(NONE);
        core::iter::successors((first != NONE).then_some(first), |place| {
            let after = self.after(*place);
            (after != NONE).then_some(after)
        })
    }
}

/// Hashes that nobody outside can foresee, so that nobody can make all connections share a chain.
#[derive(Clone, Copy)]
pub struct Hasher {
    seed: u64,
}

impl Hasher {
    /// Hashes with a secret.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The hash of a connection.
    pub fn connection(&self, local_port: u16, remote: IpAddress, remote_port: u16) -> u32 {
        let address = match remote {
            IpAddress::Ipv4(address) => u64::from(address.to_bits()),
            IpAddress::Ipv6(address) => {
                let bits = address.to_bits();
                mix(self.seed ^ (bits >> 64) as u64) ^ bits as u64
            }
        };
        let ports = u64::from(local_port) << 16 | u64::from(remote_port) | 1 << 32;
        fold(mix(mix(address ^ self.seed) ^ ports))
    }

    /// The hash of a listener, or with `datagrams` of a socket for datagrams.
    pub fn port(&self, port: u16, datagrams: bool) -> u32 {
        fold(mix(self.seed ^ u64::from(port) ^ u64::from(datagrams) << 40))
    }
}

/// One round of SplitMix64's finalizer (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 27)
}

const fn fold(value: u64) -> u32 {
    (value.wrapping_mul(0x94d0_49bb_1331_11eb) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn places_are_found_until_they_are_removed() {
        let mut index = Index::new(8, 2);
        for place in 0..8 {
            index.insert(u32::from(place % 3), place);
        }
        // Hashes 0 and 2 share a chain.
        assert_eq!(
            index.candidates(0).collect::<Vec<_>>(),
            [6, 5, 3, 2, 0].into_iter().rev().collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>()
        );
        index.remove(0, 3);
        index.remove(0, 6);
        index.remove(0, 0);
        assert_eq!(index.candidates(0).collect::<Vec<_>>(), [5, 2]);
        assert_eq!(index.candidates(1).collect::<Vec<_>>(), [7, 4, 1]);
        index.remove(1, 0);
        assert_eq!(index.candidates(1).collect::<Vec<_>>(), [7, 4, 1], "it was not there");
    }

    #[test]
    fn hashes_spread() {
        let hasher = Hasher::new(7);
        let mut chains = [0; 64];
        for port in 0..6400 {
            let hash = hasher.connection(80, IpAddress::v4(10, 0, 2, 2), 40_000 + port);
            chains[hash as usize & 63] += 1;
        }
        assert!(chains.iter().all(|count| (50..200).contains(count)), "{chains:?}");
    }
}
