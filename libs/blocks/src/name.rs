//! Names of disks and partitions, as people write them. Only text.

/// The name of a disk and the number of a partition: `disk0p2` is the second one of `disk0`. Without a number it is the whole disk.
pub fn split_partition(source: &str) -> (&str, Option<u32>) {
    let parts = source.rsplit_once('p').filter(|(disk, number)| {
        disk.ends_with(|last: char| last.is_ascii_digit()) && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    match parts.and_then(|(disk, number)| Some((disk, number.parse().ok()?))) {
        Some((disk, number)) => (disk, Some(number)),
        None => (source, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_behind_the_disk() {
        assert_eq!(split_partition("disk0"), ("disk0", None));
        assert_eq!(split_partition("disk0p2"), ("disk0", Some(2)));
        assert_eq!(split_partition("ramdisk0p12"), ("ramdisk0", Some(12)));
        for other in ["loop", "p1", "disk0px", "disk0p", "disk0p+1", "disk0p99999999999"] {
            assert_eq!(split_partition(other), (other, None));
        }
    }
}
