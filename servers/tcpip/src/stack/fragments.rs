//! Whose the fragments of a datagram are: only the first one tells, and smoltcp, which puts them together, has to be given the
//! socket with the last.

use super::peek::{Flow, FragmentKey};

/// How many datagrams can be on their way in pieces; smoltcp can put together as many.
const MOST: usize = 4;

/// The first fragments that were seen last.
#[derive(Default)]
pub struct Fragments {
    seen: [Option<(FragmentKey, Flow)>; MOST],
    next: usize,
}

impl Fragments {
    /// A fragment was seen; whose its datagram is, if that is known.
    pub fn note(&mut self, key: FragmentKey, flow: Option<Flow>) -> Option<Flow> {
        let known = self.seen.iter().flatten().find(|(seen, _)| *seen == key).map(|(_, flow)| *flow);
        if let (None, Some(flow)) = (known, flow) {
            if let Some(place) = self.seen.get_mut(self.next) {
                *place = Some((key, flow));
            }
            self.next = (self.next + 1) % MOST;
        }
        flow.or(known)
    }
}
