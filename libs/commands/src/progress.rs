//! How far a long copy is: a row of the terminal, if the output goes there.

use resea::print;
use terminal::format::{size, visible};

/// Nothing is shown before so many nanoseconds have passed, nor more often.
const INTERVAL: u64 = 1_000_000_000;
/// Most characters of a name that are shown.
const NAME: usize = 40;

/// What is shown of a copy.
#[derive(Debug)]
pub(crate) struct Progress {
    /// When something is shown next; `None` if nothing ever is.
    next: Option<u64>,
    shown: bool,
}

impl Progress {
    pub fn new() -> Self {
        let on_terminal = resea::environment("OUTPUT").is_none();
        Self { next: on_terminal.then(|| resea::clock() + INTERVAL), shown: false }
    }

    /// So many bytes of `total` of the file `name` are copied.
    pub fn show(&mut self, name: &str, copied: u64, total: u64) {
        let now = resea::clock();
        let Some(next) = self.next.as_mut().filter(|next| now >= **next) else { return };
        *next = now + INTERVAL;
        self.shown = true;
        let end = name.char_indices().nth(NAME).map_or(name.len(), |(end, _)| end);
        let name = visible(name.get(..end).unwrap_or_default());
        print!("\r{name}: {} of {}\x1b[K", size(copied), size(total));
    }

    /// Takes away what is shown, for other output.
    pub fn clear(&mut self) {
        if core::mem::take(&mut self.shown) {
            print!("\r\x1b[K");
        }
    }
}
