//! The ELF loader: whatever file it accepts must be one that can be mapped as it says.

use elf::{ADDRESS_END, Access, PAGE_SIZE, Program};

/// Parses the bytes as a program.
pub fn run(data: &[u8]) {
    let program = match Program::parse(data) {
        Ok(program) => program,
        Err(error) => return assert!(!error.text().is_empty()),
    };
    let mut end = 0;
    let mut entry_found = false;
    for segment in program.segments() {
        assert!(segment.size >= 1 && segment.size >= segment.content.len() as u64, "{segment:?}");
        let last = segment.address.checked_add(segment.size).expect("the segment's end is an address");
        assert!(last <= ADDRESS_END, "{segment:?} is outside of user memory");
        let (first_page, next_page) = segment.pages();
        assert!(first_page <= segment.address && next_page >= last, "{segment:?}: its pages do not hold it");
        assert!(next_page <= ADDRESS_END.next_multiple_of(PAGE_SIZE), "{segment:?}");
        assert!(first_page >= end, "{segment:?} shares a page with the one before it");
        end = next_page;
        if !segment.content.is_empty() {
            let content = data.get(segment.offset..).and_then(|rest| rest.get(..segment.content.len()));
            assert_eq!(content, Some(segment.content), "the content is not where it is said to be");
            assert_eq!(segment.offset as u64 % PAGE_SIZE, segment.address % PAGE_SIZE, "{segment:?}");
        }
        entry_found |= segment.access == Access::Execute && (segment.address..last).contains(&program.entry);
    }
    assert!(entry_found, "the entry point {:#x} is in no code", program.entry);
}
