//! The shell's prompt marks in what the system prints.
//!
//! Resea's shell tells by invisible marks (OSC 133, the "semantic prompt" sequences that terminals know from FinalTerm)
//! where its prompt starts and ends, where a command's output starts, and what its exit status was. [`Marks`] takes
//! them out of a stream of bytes that may be cut anywhere.

/// A piece of what the system prints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Anything that is not a mark.
    Text(Vec<u8>),
    /// Mark A: the prompt starts here.
    PromptStart,
    /// Mark B: the shell waits for a command.
    PromptEnd,
    /// Mark C: a command starts.
    CommandStart,
    /// Mark D: a command ended, with its status.
    CommandEnd(i32),
}

/// What all marks start with.
const START: &[u8] = b"\x1b]133;";
/// A mark with more bytes than this is none.
const LONGEST: usize = 64;
/// Ends a mark: the BEL character.
const END: u8 = 7;

/// Separates marks from text.
#[derive(Default, Debug)]
pub struct Marks {
    /// The start of what may become a mark.
    held: Vec<u8>,
}

impl Marks {
    /// Takes the next bytes and appends what they are to `events`.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        let mut text = Vec::new();
        for byte in bytes {
            self.held.push(*byte);
            if let Some(mark) = self.held.strip_suffix(&[END]).and_then(|held| held.strip_prefix(START)) {
                let event = event(mark);
                match event {
                    Some(event) => {
                        flush(&mut text, events);
                        events.push(event);
                    }
                    None => text.extend_from_slice(&self.held),
                }
                self.held.clear();
                continue;
            }
            self.release(&mut text);
        }
        flush(&mut text, events);
    }

    /// Moves from the held bytes to `text` what can no longer become part of a mark.
    fn release(&mut self, text: &mut Vec<u8>) {
        let hopeful = |held: &[u8]| {
            held.len() <= LONGEST
                && (START.starts_with(held)
                    || held.strip_prefix(START).is_some_and(|rest| !rest.contains(&0x1b)))
        };
        while !self.held.is_empty() && !hopeful(&self.held) {
            text.push(self.held.remove(0));
        }
    }
}

fn flush(text: &mut Vec<u8>, events: &mut Vec<Event>) {
    if !text.is_empty() {
        events.push(Event::Text(std::mem::take(text)));
    }
}

/// The mark with these bytes between start and end.
fn event(mark: &[u8]) -> Option<Event> {
    match mark {
        b"A" => Some(Event::PromptStart),
        b"B" => Some(Event::PromptEnd),
        b"C" => Some(Event::CommandStart),
        _ => {
            let status = std::str::from_utf8(mark).ok()?.strip_prefix("D;")?;
            status.parse().ok().map(Event::CommandEnd)
        }
    }
}

/// Takes out of `text` what only moves a terminal's cursor or changes its colours, and carriage returns.
pub fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut output = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => skip_escape(&mut characters),
            '\r' => {}
            other => output.push(other),
        }
    }
    output
}

/// Skips an escape sequence after its first character (ECMA-48, 5.3 and 5.4).
fn skip_escape(characters: &mut std::str::Chars<'_>) {
    match characters.next() {
        Some('[') => {
            let _ = characters.find(|character| ('@'..='~').contains(character));
        }
        Some(']') => {
            let _ = characters.find(|character| *character == '\x07');
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b"boot\r\n\x1b]133;A\x07resea> \x1b]133;B\x07ps\r\n\x1b]133;C\x07vm\r\n\x1b]133;D;-3\x07\x1b[1mx\x1b]0;t\x07";

    fn expected() -> Vec<Event> {
        vec![
            Event::Text(b"boot\r\n".to_vec()),
            Event::PromptStart,
            Event::Text(b"resea> ".to_vec()),
            Event::PromptEnd,
            Event::Text(b"ps\r\n".to_vec()),
            Event::CommandStart,
            Event::Text(b"vm\r\n".to_vec()),
            Event::CommandEnd(-3),
            Event::Text(b"\x1b[1mx\x1b]0;t\x07".to_vec()),
        ]
    }

    /// Events with neighbouring texts joined: how the stream was cut does not matter.
    fn joined(events: Vec<Event>) -> Vec<Event> {
        let mut joined: Vec<Event> = Vec::new();
        for event in events {
            match (joined.last_mut(), event) {
                (Some(Event::Text(before)), Event::Text(text)) => before.extend(text),
                (_, event) => joined.push(event),
            }
        }
        joined
    }

    #[test]
    fn marks_are_found_however_the_stream_is_cut() {
        for size in 1..=STREAM.len() {
            let (mut marks, mut events) = (Marks::default(), Vec::new());
            for piece in STREAM.chunks(size) {
                marks.feed(piece, &mut events);
            }
            assert_eq!(joined(events), expected(), "in pieces of {size}");
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_is_text() {
        for text in [&b"\x1b]133;Z\x07"[..], b"\x1b]133;D;x\x07", b"\x1b\x1b]134;A\x07", &[b'x'; 200]] {
            let (mut marks, mut events) = (Marks::default(), Vec::new());
            marks.feed(text, &mut events);
            assert_eq!(joined(events), [Event::Text(text.to_vec())]);
        }
        let (mut marks, mut events) = (Marks::default(), Vec::new());
        marks.feed(b"\x1b]133;\x1b]133;A\x07", &mut events);
        assert_eq!(joined(events), [Event::Text(b"\x1b]133;".to_vec()), Event::PromptStart]);
        let endless = [START, &[b'9'; 100]].concat();
        let (mut marks, mut events) = (Marks::default(), Vec::new());
        marks.feed(&endless, &mut events);
        assert_eq!(joined(events), [Event::Text(endless)]);
    }

    #[test]
    fn plain_text_has_no_escapes() {
        assert_eq!(plain(b"\x1b[1;31mred\x1b[0m\r\n\x1b]0;title\x07x\x1b7"), "red\nx");
    }
}
