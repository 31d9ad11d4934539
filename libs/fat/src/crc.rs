//! CRC-32 as in Ethernet, which GPT uses (UEFI specification 2.10, 5.3.2).

/// The checksum of bytes that come in parts.
pub(crate) struct Crc(u32);

impl Crc {
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u32::from(*byte);
            for _ in 0..8 {
                self.0 = self.0 >> 1 ^ if self.0 & 1 == 1 { 0xedb8_8320 } else { 0 };
            }
        }
    }

    pub const fn value(&self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_right() {
        let mut crc = Crc::new();
        crc.add(b"12345");
        crc.add(b"6789");
        assert_eq!(crc.value(), 0xcbf4_3926);
    }
}
