//! A program: where its parts lie in an address space, what fills them, and what its manifest allows.
//!
//! Every page of a program has one origin that follows from its address alone, so a page fault needs no table of
//! what is mapped: read-only pages are the boot image's own frames, writable ones start as a copy of the image, the rest
//! starts as zeros.

use crate::frames::PAGE;
use abi::{MESSAGE_PAGE, MapFlags, Rights};
use symbols::Symbols;

/// Most loadable segments that a program can have.
pub const MAX_SEGMENTS: usize = 8;

/// First address after the stack.
pub const STACK_TOP: u64 = 0x1f_f000;
/// Largest stack in bytes: page 0 and the guard stay free below it.
pub const MAX_STACK: u64 = 1 << 20;
/// So many bytes below the stack an access is taken for a stack overflow. Nothing is ever mapped there.
pub const GUARD: u64 = 64 << 10;
/// First address of the heap.
pub const HEAP: u64 = 0x4000_0000;
/// Largest heap in bytes.
pub const MAX_HEAP: u64 = 4 << 30;

const FIRST_SEGMENT_ADDRESS: u64 = MESSAGE_PAGE as u64 + PAGE;

/// A part of a program that comes from its file.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// First address.
    pub start: u64,
    /// Length in memory, in bytes.
    pub length: u64,
    /// What it starts with; the rest is zeros.
    pub content: &'static [u8],
    /// Physical address of the first byte of `content`.
    pub physical: u64,
    /// How it is mapped.
    pub flags: MapFlags,
}

impl Segment {
    const NONE: Self = Self { start: 0, length: 0, content: &[], physical: 0, flags: MapFlags::READ };

    const fn first_page(&self) -> u64 {
        self.start & !(PAGE - 1)
    }

    const fn end_page(&self) -> u64 {
        (self.start + self.length).next_multiple_of(PAGE)
    }
}

/// What an address is, in a program.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// A byte of a segment's pages.
    Segment(&'a Segment),
    /// Memory that starts as zeros: heap or stack.
    Zeros,
    /// Just below the stack.
    Guard,
    /// Nothing is there.
    Nothing,
}

/// What a page starts as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// The frame at this physical address, shared by all who have the page.
    InPlace(u64),
    /// Zeros, with a copy of `content` from byte `offset` of the page on.
    Copy {
        /// Where the copy starts in the page.
        offset: u64,
        /// What is copied.
        content: &'static [u8],
    },
    /// Zeros.
    Zeros,
}

/// Why a file cannot be run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutError {
    /// It has more than [`MAX_SEGMENTS`] parts.
    TooManySegments,
    /// A part lies outside of the addresses for programs, or over another one.
    BadAddress,
}

impl LayoutError {
    /// What is wrong, as the end of a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooManySegments => "it has too many segments: link it with the system's linker script",
            Self::BadAddress => {
                "a segment overlaps another or lies outside of 0x201000-0x3fffffff: use the linker script"
            }
        }
    }
}

/// The address space of a program.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    segments: [Segment; MAX_SEGMENTS],
    count: usize,
    /// Where it starts.
    pub entry: u64,
    /// Size of the stack in bytes, a multiple of the page size.
    pub stack_size: u64,
    /// Size of the heap in bytes, a multiple of the page size.
    pub heap_size: u64,
}

impl Layout {
    /// Nothing but a stack and a heap, of these sizes in bytes; they are rounded up to pages and cut to their limits.
    pub const fn new(entry: u64, stack_size: u64, heap_size: u64) -> Self {
        let stack = if stack_size > MAX_STACK { MAX_STACK } else { stack_size };
        let heap = if heap_size > MAX_HEAP { MAX_HEAP } else { heap_size };
        Self {
            segments: [Segment::NONE; MAX_SEGMENTS],
            count: 0,
            entry,
            stack_size: stack.next_multiple_of(PAGE),
            heap_size: heap.next_multiple_of(PAGE),
        }
    }

    /// Adds a segment. Empty ones are left out.
    pub fn add(&mut self, segment: Segment) -> Result<(), LayoutError> {
        if segment.length == 0 {
            return Ok(());
        }
        let fits = segment.start >= FIRST_SEGMENT_ADDRESS
            && segment.start < HEAP
            && segment.length <= HEAP - segment.start
            && segment.content.len() as u64 <= segment.length;
        let overlaps = |other: &Segment| {
            other.first_page() < segment.end_page() && segment.first_page() < other.end_page()
        };
        if !fits || self.segments().iter().any(overlaps) {
            return Err(LayoutError::BadAddress);
        }
        *self.segments.get_mut(self.count).ok_or(LayoutError::TooManySegments)? = segment;
        self.count += 1;
        Ok(())
    }

    /// Its segments.
    pub fn segments(&self) -> &[Segment] {
        self.segments.get(..self.count).unwrap_or(&[])
    }

    /// Lowest address of the stack.
    pub const fn stack(&self) -> u64 {
        STACK_TOP - self.stack_size
    }

    /// What is at `address`.
    #[inline]
    pub fn find(&self, address: u64) -> Place<'_> {
        let stack = self.stack();
        if (stack..STACK_TOP).contains(&address) || address.wrapping_sub(HEAP) < self.heap_size {
            return Place::Zeros;
        }
        for segment in self.segments() {
            if segment.pages().contains(&address) {
                return Place::Segment(segment);
            }
        }
        let guard = stack.saturating_sub(GUARD).max(PAGE);
        if (guard..stack).contains(&address) { Place::Guard } else { Place::Nothing }
    }
}

impl Segment {
    /// The pages that it touches, as addresses.
    pub const fn pages(&self) -> core::ops::Range<u64> {
        self.first_page()..self.end_page()
    }

    /// What the page at `page`, one of this segment's, starts as.
    pub fn fill(&self, page: u64) -> Fill {
        let content_end = self.start + self.content.len() as u64;
        let page_end = page + PAGE;
        if page >= content_end {
            return Fill::Zeros;
        }
        let needs_zeros = content_end < page_end && content_end < self.start + self.length;
        let first = page.max(self.start);
        let in_page = (self.physical + (first - self.start)) % PAGE == first % PAGE;
        if !self.flags.contains(MapFlags::WRITE) && !needs_zeros && in_page {
            return Fill::InPlace((self.physical + (first - self.start)) & !(PAGE - 1));
        }
        let bytes = (first - self.start) as usize..(page_end.min(content_end) - self.start) as usize;
        match self.content.get(bytes) {
            Some(content) => Fill::Copy { offset: first - page, content },
            None => Fill::Zeros,
        }
    }
}

/// The name of a program. No enumeration, for the reason that [`Starts`] is a number.
#[derive(Clone, Copy)]
pub struct Name {
    /// That of a program of the boot image; empty if it is kept here.
    known: &'static str,
    own: [u8; NAME],
    length: u8,
}

/// Most bytes of a name that is kept.
const NAME: usize = 31;

impl Name {
    /// That of a program of the boot image.
    pub const fn known(name: &'static str) -> Self {
        Self { known: name, own: [0; NAME], length: 0 }
    }

    /// A copy of a name, cut if it is too long. It may come from a disk that others have written: control characters, which would
    /// reach the terminal with reports, become `?`, as do parentheses, which enclose names there.
    pub fn own(name: &str) -> Self {
        let mut own = [0; NAME];
        let mut length = 0;
        for character in name.chars() {
            let strange = character.is_control() || matches!(character, '(' | ')');
            let character = if strange { '?' } else { character };
            let Some(room) = own.get_mut(length..length + character.len_utf8()) else { break };
            character.encode_utf8(room);
            length += character.len_utf8();
        }
        Self { known: "", own, length: length as u8 }
    }

    /// As text.
    pub fn text(&self) -> &str {
        if !self.known.is_empty() {
            return self.known;
        }
        let own = self.own.get(..usize::from(self.length)).unwrap_or_default();
        core::str::from_utf8(own).unwrap_or_default()
    }
}

/// A program: one of the boot image, or that of a task that was launched from elsewhere.
#[derive(Clone, Copy)]
pub struct Program {
    /// Its name, as in `bin/NAME`.
    pub name: Name,
    /// What it is, in one line.
    pub description: &'static str,
    /// Its address space; `None` if it cannot be run (the log says why).
    pub layout: Option<Layout>,
    /// Its manifest as it is in the boot image.
    pub manifest: &'static [u8],
    /// The names of its functions.
    pub symbols: Symbols<'static>,
    /// What it may do.
    pub rights: Rights,
    /// Most pages of shared memory that it may hold.
    pub shared_pages: u64,
    /// 0 to 31.
    pub priority: usize,
    /// When it is started.
    pub starts: Starts,
}

/// When a program is started without being asked for. A plain number, so that a table without programs is all zeros and
/// takes no room in the boot image.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Starts(u8);

impl Starts {
    /// With the system.
    pub const AT_BOOT: Self = Self(1);
    /// Again when it has ended.
    pub const AGAIN: Self = Self(2);
    /// Only by the device manager.
    pub const AS_DRIVER: Self = Self(4);

    /// All of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    static CONTENT: [u8; 20000] = [7; 20000];

    fn segment(start: u64, length: u64, content: usize, flags: MapFlags) -> Segment {
        Segment { start, length, content: &CONTENT[..content], physical: 0x10_0000 + start % PAGE, flags }
    }

    #[test]
    fn segments_that_cannot_be_are_refused() {
        let mut layout = Layout::new(0, 0x4000, 0x1_0000);
        let text = segment(0x21_0000, 0x2800, 0x2800, MapFlags::EXECUTE);
        layout.add(text).unwrap();
        let refused = [
            (segment(0x20_0000, 0x10, 0, MapFlags::READ), LayoutError::BadAddress),
            (segment(HEAP - 0x10, 0x20, 0, MapFlags::READ), LayoutError::BadAddress),
            (segment(0x21_2900, 0x10, 0, MapFlags::WRITE), LayoutError::BadAddress),
            (segment(0x22_0000, u64::MAX, 0, MapFlags::READ), LayoutError::BadAddress),
            (segment(0x22_0000, 0x10, 0x11, MapFlags::READ), LayoutError::BadAddress),
        ];
        for (segment, error) in refused {
            assert_eq!(layout.add(segment), Err(error), "{:#x}", segment.start);
        }
        for number in 1..MAX_SEGMENTS as u64 {
            layout.add(segment(0x30_0000 + number * PAGE, 1, 0, MapFlags::READ)).unwrap();
        }
        let one_more = segment(0x40_0000, 1, 0, MapFlags::READ);
        assert_eq!(layout.add(one_more), Err(LayoutError::TooManySegments));
    }

    #[test]
    fn every_address_has_its_place() {
        let mut layout = Layout::new(0, 0x4000, 0x1_0000);
        layout.add(segment(0x21_0010, 0x1000, 0x20, MapFlags::READ)).unwrap();
        let name = |address| match layout.find(address) {
            Place::Segment(_) => "segment",
            Place::Zeros => "zeros",
            Place::Guard => "guard",
            Place::Nothing => "nothing",
        };
        let stack = STACK_TOP - 0x4000;
        for (address, expected) in [
            (0, "nothing"),
            (stack - GUARD - 1, "nothing"),
            (stack - GUARD, "guard"),
            (stack - 1, "guard"),
            (stack, "zeros"),
            (STACK_TOP - 1, "zeros"),
            (STACK_TOP, "nothing"),
            (0x20_ffff, "nothing"),
            (0x21_0000, "segment"),
            (0x21_1fff, "segment"),
            (0x21_2000, "nothing"),
            (HEAP - 1, "nothing"),
            (HEAP, "zeros"),
            (HEAP + 0xffff, "zeros"),
            (HEAP + 0x1_0000, "nothing"),
            (u64::MAX, "nothing"),
        ] {
            assert_eq!(name(address), expected, "{address:#x}");
        }
        let whole = Layout::new(0, MAX_STACK, 0);
        assert!(matches!(whole.find(0xfff), Place::Nothing), "page 0 is no stack overflow");
    }

    proptest! {
        /// Filling all pages of a segment gives its content, then zeros; what is shared is never writable.
        #[test]
        fn pages_together_are_the_segment(
            start in 0x21_0000..0x21_2000u64, content in 0..9000usize, zeros in 0..9000u64, writable: bool
        ) {
            let image: Vec<u8> = (0..content + 3 * PAGE as usize).map(|byte| byte as u8 | 1).collect();
            let image: &'static [u8] = image.leak();
            let lead = (start % PAGE) as usize;
            let flags = if writable { MapFlags::WRITE } else { MapFlags::READ };
            let segment = Segment {
                start, length: content as u64 + zeros, content: &image[lead..lead + content],
                physical: 0x10_0000 + lead as u64, flags,
            };
            let mut memory = Vec::new();
            for page in segment.pages().step_by(PAGE as usize) {
                match segment.fill(page) {
                    Fill::InPlace(physical) => {
                        prop_assert!(!writable && physical % PAGE == 0);
                        let offset = (physical - 0x10_0000) as usize;
                        memory.extend_from_slice(&image[offset..offset + PAGE as usize]);
                    }
                    Fill::Copy { offset, content } => {
                        memory.resize(memory.len() + offset as usize, 0);
                        memory.extend_from_slice(content);
                        memory.resize(memory.len().next_multiple_of(PAGE as usize), 0);
                    }
                    Fill::Zeros => memory.resize(memory.len() + PAGE as usize, 0),
                }
            }
            if segment.length > 0 {
                prop_assert_eq!(&memory[lead..lead + content], segment.content);
                let tail = &memory[lead + content..lead + segment.length as usize];
                prop_assert!(tail.iter().all(|&byte| byte == 0));
            }
        }
    }
}
