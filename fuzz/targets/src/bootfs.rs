//! The boot image: any bytes, images made with wrong numbers in them, and images that the writer makes, which must
//! come back as they were.

use std::collections::BTreeMap;

use bootfs::{ALIGNMENT, Bootfs, FILE_HEADER_SIZE, HEADER_SIZE, MAX_PATH, VERSION};

use crate::input::Input;

/// Most files of an image that is made here.
const FILES: usize = 6;

/// The first byte chooses one of the three.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice % 4 {
        0 => check(rest),
        1 => round_trip(&Input::new(rest)),
        _ => check(&forged(&Input::new(rest))),
    }
}

/// Whatever is accepted must be what the readers then find.
fn check(image: &[u8]) {
    let files = match Bootfs::parse(image) {
        Ok(files) => files,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!((HEADER_SIZE..=image.len()).contains(&files.size()), "the size {} is wrong", files.size());
    let mut end = HEADER_SIZE;
    let mut first = BTreeMap::new();
    for file in files.files() {
        assert!(
            !file.path.is_empty() && file.path.len() <= MAX_PATH && !file.path.contains('\0'),
            "{file:?}"
        );
        assert!(file.offset.is_multiple_of(ALIGNMENT), "{:?} is not page-aligned", file.path);
        assert!(file.offset >= end + FILE_HEADER_SIZE, "{:?} overlaps the file before it", file.path);
        end = file.offset + file.content.len();
        assert!(end <= files.size(), "{:?} goes past the end", file.path);
        assert_eq!(
            image.get(file.offset..end),
            Some(file.content),
            "the content is not where it is said to be"
        );
        first.entry(file.path).or_insert(file);
    }
    let count = u32::from_le_bytes([image[20], image[21], image[22], image[23]]);
    assert_eq!(files.files().count(), count as usize, "not all files are found");
    for (path, file) in first {
        assert_eq!(files.find(path), Some(file));
    }
    assert_eq!(files.find(""), None);
}

/// What is written is read.
fn round_trip(input: &Input) {
    let files: Vec<(String, Vec<u8>)> =
        (0..input.below(FILES + 1)).map(|_| (input.text(MAX_PATH + 2), input.some(9000))).collect();
    let pairs = || files.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
    let wrong = |path: &str| path.is_empty() || path.len() > MAX_PATH || path.contains('\0');
    let paths: BTreeMap<_, _> = pairs().collect();
    let Ok(image) = bootfs::write(pairs()) else {
        assert!(
            paths.len() < files.len() || pairs().any(|(path, _)| wrong(path)),
            "refused without a reason"
        );
        return;
    };
    check(&image);
    let found = Bootfs::parse(&image).expect("what the writer makes can be read");
    assert!(found.files().map(|file| (file.path, file.content)).eq(pairs()), "other files came back");
}

/// An image whose numbers are right, but for those that the input changes.
fn forged(input: &Input) -> Vec<u8> {
    let mut image = vec![0; HEADER_SIZE];
    let count = input.below(FILES) as u32;
    for _ in 0..count {
        let content = input.some(64);
        let length = content.len() + FILE_HEADER_SIZE;
        // Sometimes all numbers agree, but with a place that is not allowed.
        let misplaced = if input.byte() == 7 { input.below(ALIGNMENT) } else { 0 };
        let padding = length.next_multiple_of(ALIGNMENT) - length + misplaced;
        let mut path = input.some(MAX_PATH + 1);
        path.resize(MAX_PATH + 1, 0);
        image.extend(path);
        image.extend((content.len() as u32).wrapping_add(change(input)).to_le_bytes());
        image.extend((padding as u32).wrapping_add(change(input)).to_le_bytes());
        image.extend([0; 8]);
        image.extend(content);
        image.resize(image.len() + padding, 0);
    }
    let size = (image.len() - HEADER_SIZE) as u64;
    let size = size.wrapping_add(i64::from(change(input) as i32) as u64);
    image[16..20].copy_from_slice(&VERSION.wrapping_add(change(input)).to_le_bytes());
    image[20..24].copy_from_slice(&count.wrapping_add(change(input)).to_le_bytes());
    image[24..32].copy_from_slice(&size.to_le_bytes());
    image.truncate(image.len() - input.below(image.len()) * usize::from(input.byte() & 7 == 7));
    image
}

/// What to add to a number: mostly nothing, else a multiple of the page size or anything.
fn change(input: &Input) -> u32 {
    match input.byte() {
        1 => input.value(),
        2 => ALIGNMENT as u32 * u32::from(input.byte()),
        3 => (ALIGNMENT as u32 * u32::from(input.byte())).wrapping_neg(),
        4 => 1,
        5 => u32::MAX,
        _ => 0,
    }
}
