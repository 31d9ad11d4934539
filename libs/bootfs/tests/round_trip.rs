//! What is written is read back; what is damaged is refused and never makes the reader panic.

use bootfs::{ALIGNMENT, Bootfs, Error, HEADER_SIZE, MAX_PATH, WriteError, write};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn image(files: &[(&str, &[u8])]) -> Vec<u8> {
    write(files.iter().copied()).expect("the files are fine")
}

#[test]
fn an_image_without_files_is_just_a_header() {
    let bytes = image(&[]);
    assert_eq!(bytes.len(), HEADER_SIZE);
    assert_eq!(Bootfs::parse(&bytes).expect("it is valid").files().count(), 0);
}

#[test]
fn files_are_found_by_path_and_their_contents_are_page_aligned() {
    let bytes = image(&[("bin/vm", b"first"), ("bin/shell", &[7; 5000])]);
    let bootfs = Bootfs::parse(&bytes).expect("it is valid");
    let shell = bootfs.find("bin/shell").expect("it was written");
    assert_eq!(shell.content, [7; 5000]);
    assert_eq!(shell.offset % ALIGNMENT, 0);
    assert_eq!(&bytes[shell.offset..][..5000], shell.content);
    assert_eq!(bootfs.files().next().map(|file| file.path), Some("bin/vm"));
    assert_eq!(bootfs.find("bin/shel"), None);
}

#[test]
fn bytes_after_the_image_are_ignored() {
    let mut bytes = image(&[("a", b"b")]);
    let size = bytes.len();
    bytes.resize(size + 4096, 0xff);
    assert_eq!(Bootfs::parse(&bytes).expect("it is valid").size(), size);
}

#[test]
fn another_version_is_refused() {
    let mut bytes = image(&[]);
    bytes[16] = 2;
    assert_eq!(Bootfs::parse(&bytes).err(), Some(Error::Version { found: 2 }));
}

#[test]
fn a_cut_off_image_is_refused() {
    let bytes = image(&[("a", b"b")]);
    for length in 0..bytes.len() {
        assert!(Bootfs::parse(&bytes[..length]).is_err(), "the first {length} bytes were accepted");
    }
}

#[test]
fn corrupt_lengths_are_refused() {
    let mut bytes = image(&[("a", b"b")]);
    let size_field = HEADER_SIZE + 48;
    bytes[size_field..size_field + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Bootfs::parse(&bytes).err(), Some(Error::BadLength { file: 0 }));
    let mut bytes = image(&[]);
    bytes[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(Bootfs::parse(&bytes), Err(Error::Truncated { .. })));
}

#[test]
fn a_path_without_an_end_is_refused() {
    let mut bytes = image(&[("a", b"b")]);
    bytes[HEADER_SIZE..HEADER_SIZE + 48].fill(b'x');
    assert_eq!(Bootfs::parse(&bytes).err(), Some(Error::BadPath { file: 0 }));
}

#[test]
fn the_writer_refuses_paths_that_do_not_fit() {
    let long = "x".repeat(MAX_PATH + 1);
    for path in ["", "a\0b", &long] {
        assert_eq!(write([(path, &[][..])]), Err(WriteError::BadPath(path.into())));
    }
    assert!(write([(&long[1..], &[][..])]).is_ok());
    assert_eq!(write([("a", &[][..]), ("a", &[][..])]), Err(WriteError::Duplicate("a".into())));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(files in btree_map("[a-z/]{1,47}", vec(any::<u8>(), 0..9000), 0..6)) {
        let bytes = write(files.iter().map(|(path, content)| (path.as_str(), content.as_slice())))
            .expect("the paths are fine");
        let bootfs = Bootfs::parse(&bytes).expect("it is valid");
        let read: Vec<_> = bootfs.files().map(|file| (file.path.to_owned(), file.content.to_vec())).collect();
        prop_assert_eq!(&read, &files.into_iter().collect::<Vec<_>>());
        for (place, (path, content)) in read.iter().enumerate() {
            let file = bootfs.files().nth(place).expect("it is there");
            prop_assert_eq!((file.path, file.content), (path.as_str(), content.as_slice()));
        }
        prop_assert_eq!(bootfs.files().nth(read.len()), None);
    }

    #[test]
    fn damage_never_panics(flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = image(&[("bin/vm", &[1; 100]), ("bin/shell", &[2; 5000])]);
        // Only the bytes that mean something: both headers.
        let interesting: Vec<usize> = (16..32).chain(HEADER_SIZE..HEADER_SIZE + 64).chain(2 * 4096 - 64..2 * 4096).collect();
        for (index, value) in flips {
            bytes[*index.get(&interesting)] = value;
        }
        if let Ok(bootfs) = Bootfs::parse(&bytes) {
            for file in bootfs.files() {
                prop_assert!(file.offset + file.content.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..9000)) {
        let _ = Bootfs::parse(&bytes);
    }
}

#[test]
fn an_image_can_say_of_which_build_it_is() {
    let mut bytes = image(&[("bin/vm", b"first")]);
    assert_eq!(Bootfs::parse(&bytes).expect("it is valid").build(), 0);
    bootfs::set_build(&mut bytes, 0x1234_abcd);
    let bootfs = Bootfs::parse(&bytes).expect("it is still valid");
    assert_eq!((bootfs.build(), bootfs.files().count()), (0x1234_abcd, 1));
    bootfs::set_build(&mut [], 1);
}
