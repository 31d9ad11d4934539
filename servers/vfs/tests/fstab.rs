//! What is read from `fstab`, and when servers are started again.

use proptest::prelude::*;
use resea::restart::{FIRST_WAIT, LONG_LIFE, MOST_QUICK_ENDS, Record, Verdict};
use vfs::fstab::{Line, Mistake, lines};

#[test]
fn lines_are_read() {
    let text =
        "# comment\n\nboot /boot tarfs ro # more\n  disk0p1\t/mnt/x  fatfs optional ro\nnone /tmp tarfs\r\n";
    let line = |source, point, kind, read_only, optional| Line { source, point, kind, read_only, optional };
    let expected = [
        (3, Ok(line("boot", "/boot", "tarfs", true, false))),
        (4, Ok(line("disk0p1", "/mnt/x", "fatfs", true, true))),
        (5, Ok(line("none", "/tmp", "tarfs", false, false))),
    ];
    assert_eq!(lines(text).collect::<Vec<_>>(), expected);
}

#[test]
fn mistakes_are_told() {
    let mistake = |text| lines(text).next().unwrap().1.unwrap_err();
    assert_eq!(mistake("boot /boot"), Mistake::Short);
    for point in ["/", "boot", "/a/../b", "/a/"] {
        assert_eq!(mistake(&format!("boot {point} tarfs").leak()[..]), Mistake::Point(point));
    }
    assert_eq!(mistake("boot /boot tarfs rw"), Mistake::Option("rw"));
    assert_eq!(
        mistake("boot /boot tarfs rw").to_string(),
        "there is no option `rw`; write `ro` or `optional`"
    );
}

#[test]
fn the_tree_s_own_file_is_right() {
    let text = include_str!("../../../config/fstab");
    let lines: Vec<_> =
        lines(text).map(|(number, line)| line.unwrap_or_else(|error| panic!("{number}: {error}"))).collect();
    assert!(lines.iter().any(|line| (line.point, line.kind) == ("/tmp", "tarfs")), "{lines:?}");
}

proptest! {
    #[test]
    fn any_text_is_read(text in "[ a-z/#\n\t.]{0,200}") {
        for (number, line) in lines(&text) {
            prop_assert!(number >= 1 && number <= text.lines().count());
            if let Ok(line) = line {
                prop_assert!(vfs::names::is_normal(line.point));
            }
        }
    }

    #[test]
    fn no_sequence_of_lives_is_a_storm(lives in prop::collection::vec((0..2 * LONG_LIFE, prop::bool::weighted(0.2)), 1..100)) {
        let mut record = Record::NEW;
        let mut quick_in_a_row = 0;
        for (life, wanted) in lives {
            quick_in_a_row = if wanted || life >= LONG_LIFE { 0 } else { quick_in_a_row + 1 };
            let expected = match quick_in_a_row {
                0 | 1 => Verdict::Start,
                MOST_QUICK_ENDS.. => Verdict::Park,
                number => Verdict::Wait(FIRST_WAIT * 2_u64.pow(number - 2)),
            };
            let verdict = record.ended(life, wanted);
            prop_assert_eq!(verdict, expected);
            if verdict == Verdict::Park {
                record.clear();
                quick_in_a_row = 0;
            }
        }
    }
}
