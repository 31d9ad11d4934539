//! The number that tells one build from another: who reads a log can see whether it is of the files at hand.

/// The build that a kernel and programs (names and ELF files, in any order) are. Whatever changes in one of the files
/// changes it, line numbers in the debug information included; it is never 0.
pub fn build_id<'a>(kernel: &[u8], programs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> u32 {
    let mut programs: Vec<(&str, &[u8])> = programs.into_iter().collect();
    programs.sort_unstable();
    let files = std::iter::once(("kernel", kernel)).chain(programs);
    let hash = files.fold(OFFSET, |hash, (name, elf)| {
        // The lengths keep neighbours apart.
        let lengths = [name.len(), elf.len()].map(|length| (length as u64).to_le_bytes());
        [&lengths[0], &lengths[1], name.as_bytes(), elf].into_iter().fold(hash, add)
    });
    ((hash >> 32) as u32 ^ hash as u32).max(1)
}

// FNV-1a for 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): small, and nobody attacks it here.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x100_0000_01b3;

fn add(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_makes_another_build_and_the_order_none() {
        let build = |kernel: &str, programs: &[(&str, &str)]| {
            build_id(kernel.as_bytes(), programs.iter().map(|(name, elf)| (*name, elf.as_bytes())))
        };
        let first = build("kernel", &[("vm", "one"), ("shell", "two")]);
        assert_eq!(build("kernel", &[("shell", "two"), ("vm", "one")]), first);
        let others = [
            build("kernem", &[("vm", "one"), ("shell", "two")]),
            build("kernel", &[("vm", "one")]),
            build("kernel", &[("vm", "onf"), ("shell", "two")]),
            build("kernel", &[("vm", "one"), ("shelm", "two")]),
            build("kernel", &[("vmo", "ne"), ("shell", "two")]),
            build("", &[]),
        ];
        for (place, other) in others.iter().enumerate() {
            assert_ne!(*other, first, "{place}");
        }
    }
}
