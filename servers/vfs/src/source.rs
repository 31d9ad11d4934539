//! What a file system can be on: a device or a partition of one, the boot image, an archive in it, nothing.

/// The source of a mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source<'a> {
    /// A device, or one of its partitions.
    Device {
        /// The device: `disk0`.
        name: &'a str,
        /// The partition, from 1.
        partition: Option<u32>,
    },
    /// Nothing that can fail to be there.
    Other,
}

impl<'a> Source<'a> {
    /// What a text means.
    pub fn parse(text: &'a str) -> Self {
        if text == "none" || text == "boot" || text.starts_with("boot/") {
            return Self::Other;
        }
        // Only a `p` between two numbers stands before a partition.
        let partition = text.rsplit_once('p').and_then(|(name, number)| {
            let follows_digit = name.ends_with(|last: char| last.is_ascii_digit());
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            (follows_digit && is_number).then(|| Some((name, number.parse().ok()?)))?
        });
        match partition {
            Some((name, number)) => Self::Device { name, partition: Some(number) },
            None => Self::Device { name: text, partition: None },
        }
    }

    /// The device.
    pub const fn device(self) -> Option<&'a str> {
        match self {
            Self::Device { name, .. } => Some(name),
            Self::Other => None,
        }
    }

    /// Whether two servers would write to the same place.
    pub fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::Device { name, partition }, Self::Device { name: other_name, partition: other }) => {
                name == other_name && (partition.is_none() || other.is_none() || partition == other)
            }
            _ => false,
        }
    }
}
