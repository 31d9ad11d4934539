//! What a drive says about itself: the 256 words of IDENTIFY DEVICE (ATA/ATAPI-7 volume 1, 6.17).
//!
//! Pure. Never trusts a word that another one does not confirm.

use core::fmt;

/// Bytes of the answer.
pub const SIZE: usize = 512;
/// Sectors that 28 bits can name. The last one is left out: some drives do not take it.
pub const SHORT: u64 = 0x0fff_ffff;

/// A drive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Sectors of 512 bytes.
    pub sectors: u64,
    /// Whether it has commands with numbers of 48 bits.
    pub long: bool,
    /// Most sectors for one interrupt; 1 if it does not have the commands for more.
    pub multiple: u8,
    /// Whether it may have a cache for writes that is on, and has a command to write it out.
    pub volatile: bool,
    /// Whether it is the command with 48 bits.
    pub long_flush: bool,
    model: [u8; 40],
}

/// Why a drive cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unusable {
    /// It is no disk.
    NoDisk,
    /// It knows cylinders, heads and sectors only.
    NoNumbers,
    /// Its sectors have another size than 512 bytes.
    SectorSize,
    /// It says that it has no sectors, or more than there can be.
    Sectors,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDisk => "it is no disk",
            Self::NoNumbers => "it does not number its sectors; it is too old",
            Self::SectorSize => "its sectors have not 512 bytes",
            Self::Sectors => "it says an impossible number of sectors",
        })
    }
}

impl Identity {
    /// What these bytes say.
    ///
    /// Errors: why the drive cannot be used.
    pub fn parse(bytes: &[u8; SIZE]) -> Result<Self, Unusable> {
        let word = |index: usize| match bytes.get(index * 2..index * 2 + 2) {
            Some(&[low, high]) => u16::from_le_bytes([low, high]),
            _ => 0,
        };
        let number = |first: usize, words: usize| {
            (0..words).fold(0, |value, index| value | u64::from(word(first + index)) << (16 * index))
        };
        // Words whose highest bits are 01 are valid.
        let valid = |index: usize| if word(index) >> 14 == 1 { word(index) } else { 0 };
        if word(0) >> 15 != 0 {
            return Err(Unusable::NoDisk);
        }
        if word(49) & 1 << 9 == 0 {
            return Err(Unusable::NoNumbers);
        }
        if valid(106) & 1 << 12 != 0 {
            return Err(Unusable::SectorSize);
        }
        let commands = valid(83);
        let long = commands & 1 << 10 != 0;
        let sectors = if long { number(100, 4) } else { number(60, 2).min(SHORT) };
        if sectors == 0 || sectors >> 48 != 0 {
            return Err(Unusable::Sectors);
        }
        let (flush, long_flush) = (commands & 1 << 12 != 0, long && commands & 1 << 13 != 0);
        // A drive that does not tell (before ATA-4) may have one.
        let cache_is_off = word(87) >> 14 == 1 && word(85) & 1 << 5 == 0;
        let multiple = word(47) as u8;
        let mut model = [b' '; 40];
        for (to, from) in model.chunks_exact_mut(2).zip(bytes.chunks_exact(2).skip(27)) {
            // Two characters in a word, the first one above.
            to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
        }
        Ok(Self {
            sectors,
            long,
            multiple: if multiple.is_power_of_two() && multiple <= 128 { multiple } else { 1 },
            volatile: (flush || long_flush) && !cache_is_off,
            long_flush,
            model,
        })
    }

    /// What its maker calls it, as far as that is readable.
    pub fn model(&self) -> &str {
        let printable =
            self.model.iter().take_while(|byte| byte.is_ascii_graphic() || **byte == b' ').count();
        let text = self.model.get(..printable).and_then(|bytes| core::str::from_utf8(bytes).ok());
        match text.unwrap_or_default().trim() {
            "" => "a disk without a name",
            text => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(words: &[(usize, u16)]) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        for &(index, word) in words {
            bytes[index * 2..index * 2 + 2].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    const OLD: [(usize, u16); 4] = [(47, 16), (49, 1 << 9), (60, 0x5678), (61, 0x0123)];

    #[test]
    fn an_old_drive_has_28_bits() {
        let drive = Identity::parse(&with(&OLD)).unwrap();
        assert_eq!(
            (drive.sectors, drive.long, drive.multiple, drive.volatile),
            (0x0123_5678, false, 16, false)
        );
        assert_eq!(drive.model(), "a disk without a name");
    }

    #[test]
    fn a_new_drive_has_48_bits_and_a_cache() {
        let mut words = OLD.to_vec();
        words.extend([(83, 0x4000 | 7 << 10 | 1 << 13), (85, 1 << 5), (87, 0x4000)]);
        words.extend([
            (100, 1),
            (102, 2),
            (27, u16::from_be_bytes(*b"QE")),
            (28, u16::from_be_bytes(*b"MU")),
        ]);
        let drive = Identity::parse(&with(&words)).unwrap();
        assert_eq!(
            (drive.sectors, drive.long, drive.volatile, drive.long_flush),
            (0x2_0000_0001, true, true, true)
        );
        assert_eq!(drive.model(), "QEMU");
        // It has a cache, unless it says that it is off.
        words.push((85, 0));
        assert!(!Identity::parse(&with(&words)).unwrap().volatile);
        words.push((87, 0));
        assert!(Identity::parse(&with(&words)).unwrap().volatile);
        // Without the mark that the word is valid, it is not.
        words.push((83, 7 << 10));
        let drive = Identity::parse(&with(&words)).unwrap();
        assert_eq!((drive.long, drive.volatile), (false, false));
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let parse = |changes: &[(usize, u16)]| {
            let mut words = OLD.to_vec();
            words.extend(changes);
            Identity::parse(&with(&words))
        };
        assert_eq!(parse(&[(0, 0x8580)]), Err(Unusable::NoDisk));
        assert_eq!(parse(&[(49, 0)]), Err(Unusable::NoNumbers));
        assert_eq!(parse(&[(106, 0x5000)]), Err(Unusable::SectorSize));
        assert_eq!(parse(&[(60, 0), (61, 0)]), Err(Unusable::Sectors));
        assert_eq!(parse(&[(83, 0x4400), (103, 1)]), Err(Unusable::Sectors));
        assert_eq!(parse(&[(47, 3)]).unwrap().multiple, 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn anything_is_a_drive_within_limits_or_none(words in prop::collection::vec(any::<u16>(), 256)) {
            let words: std::vec::Vec<_> = words.into_iter().enumerate().collect();
            if let Ok(drive) = Identity::parse(&with(&words)) {
                prop_assert!((1..1 << 48).contains(&drive.sectors));
                prop_assert!(drive.long || drive.sectors <= SHORT);
                prop_assert!(drive.multiple.is_power_of_two() && drive.multiple <= 128);
                prop_assert!(!drive.model().is_empty());
            }
        }
    }
}
