//! A channel at its ports.

use super::Channel;
use std::sync::{Arc, Mutex};

/// A channel at its ports, shared with the test: the command block, or the control block.
#[derive(Clone)]
pub struct Ports {
    pub channel: Arc<Mutex<Channel>>,
    is_control: bool,
}

impl Ports {
    pub const fn command(channel: Arc<Mutex<Channel>>) -> Self {
        Self { channel, is_control: false }
    }

    pub const fn control(channel: Arc<Mutex<Channel>>) -> Self {
        Self { channel, is_control: true }
    }
}

impl sim::Device for Ports {
    fn read(&mut self, offset: usize, buffer: &mut [u8]) {
        let mut channel = self.channel.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.is_control {
            assert_eq!((offset, buffer.len()), (2, 1));
            buffer[0] = channel.status();
        } else {
            assert!(offset == 0 && buffer.len() == 4 || buffer.len() == 1);
            channel.read(offset, buffer);
        }
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        let mut channel = self.channel.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.is_control { channel.control(data[0]) } else { channel.write(offset, data) }
    }

    fn interrupts(&mut self) -> bool {
        let channel = self.channel.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        !self.is_control && channel.line && !channel.silent
    }

    fn next_event(&self) -> Option<u64> {
        let channel = self.channel.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        channel.busy_until.filter(|time| !self.is_control && *time < u64::MAX)
    }

    /// Time 0 asks what time it is.
    fn event(&mut self, now: u64) {
        let mut channel = self.channel.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match channel.busy_until {
            Some(0) => channel.busy_until = Some(now + channel.delay),
            Some(time) if time <= now => channel.ready(),
            _ => {}
        }
    }
}
