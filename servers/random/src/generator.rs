//! The generator: ChaCha20 (RFC 8439) under a key that is used once.
//!
//! Relies on the crate `chacha20`. Never makes a number by itself that cannot be guessed: that takes a seed.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use zeroize::Zeroize;

/// Bytes of the key, and of what is stirred in at once.
pub const KEY: usize = 32;

/// Makes random bytes from a key, which it replaces with each use: fast key erasure (D. J. Bernstein, "Fast-key-erasure
/// random-number generators", 2017). The first bytes of the key stream are the next key; the rest is given out.
#[derive(Default)]
pub struct Generator {
    key: [u8; KEY],
}

impl Generator {
    /// Fills the buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        // It erases its state when it is dropped.
        let mut stream = ChaCha20Rng::from_seed(self.key);
        stream.fill_bytes(&mut self.key);
        stream.fill_bytes(buffer);
    }

    /// Stirs `input` into the key: then only who knows the key before it and all of the input knows the key.
    ///
    /// What was stirred in earlier is kept: the next key depends on all inputs and on their order.
    pub fn stir(&mut self, mut input: [u8; KEY]) {
        for (key, byte) in self.key.iter_mut().zip(&input) {
            *key ^= byte;
        }
        self.fill(&mut []);
        input.zeroize();
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    /// The key stream of RFC 8439, A.1, test vector 1 (key and nonce of zeros), 64 bytes.
    const ZERO_STREAM: [u8; 64] = [
        0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28, 0xbd,
        0xd2, 0x19, 0xb8, 0xa0, 0x8d, 0xed, 0x1a, 0xa8, 0x36, 0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7, 0xda, 0x41,
        0x59, 0x7c, 0x51, 0x57, 0x48, 0x8d, 0x77, 0x24, 0xe0, 0x3f, 0xb8, 0xd8, 0x4a, 0x37, 0x6a, 0x43, 0xb8,
        0xf4, 0x15, 0x18, 0xa1, 0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86,
    ];

    #[test]
    fn the_stream_is_chacha20_and_its_beginning_becomes_the_key() {
        let (mut generator, mut bytes) = (Generator::default(), [0; 32]);
        generator.fill(&mut bytes);
        assert_eq!(bytes, ZERO_STREAM[32..]);
        assert_eq!(generator.key, ZERO_STREAM[..32]);
    }

    #[test]
    fn what_was_given_out_depends_on_neither_the_later_key_nor_the_length_asked() {
        let (mut long, mut short) = (Generator::default(), Generator::default());
        let (mut bytes, mut few) = (vec![0; 4096], [0; 5]);
        long.fill(&mut bytes);
        short.fill(&mut few);
        assert_eq!(few, bytes[..5]);
        assert_eq!(long.key, short.key, "the key is taken before what is given out");
        assert!(!bytes.windows(KEY).any(|window| window == long.key), "the key is never given out");
    }

    #[test]
    fn every_bit_that_is_stirred_in_matters_and_so_does_the_order() {
        let made = |inputs: &[[u8; KEY]]| {
            let (mut generator, mut bytes) = (Generator::default(), [0; 32]);
            inputs.iter().for_each(|input| generator.stir(*input));
            generator.fill(&mut bytes);
            bytes
        };
        let mut seen = vec![made(&[]), made(&[[0; KEY]]), made(&[[0; KEY], [0; KEY]])];
        for bit in 0..KEY * 8 {
            let mut input = [0; KEY];
            input[bit / 8] = 1 << (bit % 8);
            seen.push(made(&[input]));
            seen.push(made(&[input, [0; KEY]]));
            seen.push(made(&[[0; KEY], input]));
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    /// A stuck bit, a constant or a repeated stream would show. That the numbers cannot be guessed is no test's to show.
    #[test]
    fn bytes_bits_and_neighbours_are_evenly_spread() {
        let mut generator = Generator::default();
        let mut bytes = vec![0; 1 << 18];
        bytes.chunks_mut(1000).for_each(|chunk| generator.fill(chunk));
        let total = bytes.len() as f64;
        let mut counts = [0_u32; 256];
        bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        let expected = total / 256.0;
        let chi_squared: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: mean 255, deviation 22.6; it is always the same, so no margin is needed for luck.
        assert!((165.0..345.0).contains(&chi_squared), "{chi_squared}");
        let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
        assert!((f64::from(ones) - total * 4.0).abs() < 5.0 * (total * 2.0).sqrt(), "{ones} ones");
        let changes: u32 = bytes.windows(2).map(|pair| (pair[0] ^ pair[1]).count_ones()).sum();
        assert!((f64::from(changes) - total * 4.0).abs() < 5.0 * (total * 2.0).sqrt(), "{changes} changes");
    }
}
