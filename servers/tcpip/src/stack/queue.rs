//! Queues of sockets that wait for their turn.

use super::PLACES;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

/// Places in the order in which they were put in, each once.
pub struct Queue {
    places: VecDeque<u16>,
    is_in: Vec<bool>,
}

impl Queue {
    /// An empty queue; there is room for all places.
    pub fn new() -> Self {
        Self { places: VecDeque::with_capacity(PLACES), is_in: vec![false; PLACES] }
    }

    /// Puts a place at the end, unless it is in the queue.
    pub fn push(&mut self, place: u16) {
        if let Some(is_in) = self.is_in.get_mut(usize::from(place))
            && !core::mem::replace(is_in, true)
        {
            self.places.push_back(place);
        }
    }

    /// Takes the first place.
    pub fn pop(&mut self) -> Option<u16> {
        let place = self.places.pop_front()?;
        if let Some(is_in) = self.is_in.get_mut(usize::from(place)) {
            *is_in = false;
        }
        Some(place)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}
