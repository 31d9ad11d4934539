//! Where frames come from and go to.

use alloc::boxed::Box;
use alloc::vec;

/// The longest frame that any interface has, in bytes.
pub const FRAME_MAX: usize = 2048;

/// One end of a wire: a driver's rings, the loopback queue, or a test.
pub trait Port {
    /// Whether a frame can be sent now.
    fn has_room(&mut self) -> bool;

    /// Sends a frame. If there is no room it is lost.
    fn send(&mut self, frame: &[u8]);

    /// Takes the next frame that has come, if any; its length. Frames that are longer than the buffer are lost.
    fn receive(&mut self, buffer: &mut [u8; FRAME_MAX]) -> Option<usize>;

    /// Several frames were sent or received: tells the other side, if it has to be told, and asks to be told of frames,
    /// and of room if some is needed. Whether there is something already.
    fn flush(&mut self, needs_room: bool) -> bool {
        let _ = needs_room;
        false
    }

    /// Whether the other side has broken the rules, so that the port can no longer be used.
    fn is_broken(&self) -> bool {
        false
    }
}

/// How many frames the loopback queue holds.
const LOOPBACK_FRAMES: usize = 64;

/// What is sent here comes back.
pub struct Loopback {
    frames: Box<[[u8; FRAME_MAX]]>,
    lengths: [usize; LOOPBACK_FRAMES],
    /// The oldest frame, and how many there are.
    first: usize,
    count: usize,
}

impl Loopback {
    /// An empty queue.
    pub fn new() -> Self {
        let frames = vec![[0; FRAME_MAX]; LOOPBACK_FRAMES].into_boxed_slice();
        Self { frames, lengths: [0; LOOPBACK_FRAMES], first: 0, count: 0 }
    }
}

impl Default for Loopback {
    fn default() -> Self {
        Self::new()
    }
}

impl Port for Loopback {
    fn has_room(&mut self) -> bool {
        self.count < LOOPBACK_FRAMES
    }

    fn send(&mut self, frame: &[u8]) {
        let place = (self.first + self.count) % LOOPBACK_FRAMES;
        let slot = self.frames.get_mut(place).and_then(|slot| slot.get_mut(..frame.len()));
        if self.count < LOOPBACK_FRAMES
            && let (Some(slot), Some(length)) = (slot, self.lengths.get_mut(place))
        {
            slot.copy_from_slice(frame);
            *length = frame.len();
            self.count += 1;
        }
    }

    fn receive(&mut self, buffer: &mut [u8; FRAME_MAX]) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        let (frame, length) = (self.frames.get(self.first)?, *self.lengths.get(self.first)?);
        buffer.get_mut(..length)?.copy_from_slice(frame.get(..length)?);
        self.first = (self.first + 1) % LOOPBACK_FRAMES;
        self.count -= 1;
        Some(length)
    }
}
