//! Pieces of sentences.

/// A size for people: in the largest unit that it fills, with one digit after the point if that is not 0.
pub fn size(bytes: u64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some((unit, one)) = units.into_iter().find(|(_, one)| bytes >= *one) else {
        return format!("{bytes} bytes");
    };
    let tenths = (bytes as u128 * 10).div_ceil(one as u128);
    if tenths.is_multiple_of(10) {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// A range as manifests write it, the last number included; `end` is past it.
pub fn range(start: u64, end: u64) -> String {
    if end - start == 1 { format!("{start:#x}") } else { format!("{start:#x}-{:#x}", end - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short_and_never_too_small() {
        assert_eq!(size(17), "17 bytes");
        assert_eq!(size(64 << 10), "64 KiB");
        assert_eq!(size((1 << 20) + 1), "1.1 MiB");
        assert_eq!(size(u64::MAX), "17179869184 GiB");
    }

    #[test]
    fn lists_and_ranges_read_well() {
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert_eq!((range(0x60, 0x61), range(0x3f8, 0x400)), ("0x60".into(), "0x3f8-0x3ff".into()));
    }
}
