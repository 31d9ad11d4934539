//! What paths mean: checked against slow and obvious definitions.

use proptest::prelude::*;
use vfs::names::{below, is_directory, is_normal, longest, shown};
use vfs::source::Source;

/// Normal paths of few names.
fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("ab"), Just("b"), Just("...")];
    prop::collection::vec(name, 0..4)
        .prop_map(|names| if names.is_empty() { "/".into() } else { format!("/{}", names.join("/")) })
}

fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

#[test]
fn normal_paths_are_told_from_others() {
    for path in ["/", "/a", "/a/b.c", "/...", "/a b/ä"] {
        assert!(is_normal(path), "{path:?}");
    }
    for path in ["", "a", "//", "/a/", "/a//b", "/.", "/..", "/a/../b", "/a/.", "/a\0", "a/b"] {
        assert!(!is_normal(path), "{path:?}");
    }
}

#[test]
fn a_name_that_begins_like_another_is_another() {
    assert_eq!(below("/mnt/a", "/mnt/ab"), None);
    assert_eq!(below("/mnt/a", "/mnt/a"), Some(""));
    assert_eq!(below("/mnt/a", "/mnt/a/b/c"), Some("b/c"));
    assert_eq!(below("/", "/mnt"), Some("mnt"));
    assert_eq!(below("/", "/"), Some(""));
}

#[test]
fn directories_have_the_names_of_mount_points() {
    let points = [("/tmp", true), ("/mnt/disk1", true), ("/mnt/disk0", false), ("/srv/x/y", false)];
    let all = || points.iter().map(|(point, _)| *point);
    let names = |directory| shown(points.into_iter(), directory);
    assert_eq!(names("/"), ["mnt", "srv", "tmp"]);
    assert_eq!(names("/mnt"), ["disk1"], "what has nothing to show is not shown");
    assert_eq!(names("/srv"), ["x"]);
    assert_eq!(names("/srv/x"), [""; 0]);
    assert!(is_directory(all(), "/mnt") && is_directory(all(), "/srv/x"));
    assert!(!is_directory(all(), "/tmp") && !is_directory(all(), "/srv/x/y") && !is_directory(all(), "/mn"));
}

#[test]
fn sources_are_devices_or_not() {
    let device = |name, partition| Source::Device { name, partition };
    assert_eq!(Source::parse("disk0"), device("disk0", None));
    assert_eq!(Source::parse("disk0p2"), device("disk0", Some(2)));
    assert_eq!(Source::parse("ramdisk0p1"), device("ramdisk0", Some(1)));
    assert_eq!(Source::parse("ramp1"), device("ramp1", None), "no number before the `p`");
    assert_eq!(Source::parse("disk0p"), device("disk0p", None));
    for other in ["none", "boot", "boot/files.tar"] {
        assert_eq!(Source::parse(other), Source::Other);
    }
    let overlap = |one, other| Source::parse(one).overlaps(Source::parse(other));
    assert!(overlap("disk0", "disk0") && overlap("disk0", "disk0p1") && overlap("disk0p1", "disk0p1"));
    assert!(!overlap("disk0p1", "disk0p2") && !overlap("disk0", "disk1") && !overlap("none", "none"));
}

proptest! {
    #[test]
    fn below_is_what_the_names_say(directory in path(), path in path()) {
        let (directory_names, path_names) = (names(&directory), names(&path));
        let expected = path_names.strip_prefix(&directory_names[..]).map(|rest| rest.join("/"));
        prop_assert_eq!(below(&directory, &path).map(String::from), expected);
    }

    #[test]
    fn the_longest_mount_point_has_a_path(points in prop::collection::vec(path(), 0..6), path in path()) {
        let covering = |point: &&String| names(&path).starts_with(&names(point));
        let expected = points.iter().filter(covering).map(|point| names(point).len()).max();
        let found = longest(points.iter().map(String::as_str), &path);
        prop_assert_eq!(found.map(|place| names(&points[place]).len()), expected);
    }

    #[test]
    fn a_directory_is_what_a_mount_point_is_in(points in prop::collection::vec(path(), 0..6), path in path()) {
        let is_in = |point: &String| names(point).len() > names(&path).len() && names(point).starts_with(&names(&path));
        let expected = path == "/" || points.iter().any(is_in);
        prop_assert_eq!(is_directory(points.iter().map(String::as_str), &path), expected);
        let found = shown(points.iter().map(|point| (point.as_str(), true)), &path);
        let mut names_in: Vec<_> = points.iter().filter(|point| is_in(point)).map(|point| names(point)[names(&path).len()]).collect();
        names_in.sort_unstable();
        names_in.dedup();
        prop_assert_eq!(found, names_in);
    }
}
