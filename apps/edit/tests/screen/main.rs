//! What a person sees who edits: keys in, a terminal out.

mod terminal;

use edit::cells;
use edit::editor::{Editor, Request};
use proptest::prelude::*;
use terminal::Terminal;

/// An editor at a terminal, with a file that can always be written.
struct Session {
    editor: Editor,
    terminal: Terminal,
    saved: Vec<String>,
    ended: bool,
}

impl Session {
    fn new(text: &str, rows: usize, columns: usize) -> Self {
        let editor = Editor::new("/tmp/a.txt", text.into(), "welcome".into());
        let mut session =
            Self { editor, terminal: Terminal::new(rows, columns), saved: Vec::new(), ended: false };
        let mut out = String::new();
        session.editor.start(&mut out);
        session.terminal.write(&out);
        assert_eq!(session.terminal.asked, 1);
        session.press(format!("\x1b[{rows};{columns}R").as_bytes());
        session
    }

    fn press(&mut self, keys: &[u8]) {
        let mut out = String::new();
        for &key in keys {
            match self.editor.push(key, &mut out) {
                _ if self.ended => {}
                Some(request @ (Request::Save | Request::SaveAndQuit)) => {
                    self.saved.push(self.editor.text().into());
                    self.editor.saved(Ok(self.editor.text().len()));
                    self.ended = request == Request::SaveAndQuit;
                }
                Some(Request::Quit) => self.ended = true,
                None => {}
            }
        }
        self.editor.draw(&mut out);
        self.terminal.write(&out);
    }

    /// The rows of text.
    fn shown(&self) -> Vec<String> {
        (0..self.terminal.rows.len() - 2).map(|row| self.terminal.text(row)).collect()
    }

    fn status(&self) -> String {
        self.terminal.text(self.terminal.rows.len() - 2)
    }

    fn message(&self) -> String {
        self.terminal.text(self.terminal.rows.len() - 1)
    }
}

#[test]
fn text_is_typed_and_saved() {
    let mut session = Session::new("", 6, 60);
    assert_eq!(session.status(), " /tmp/a.txt  line 1 of 1, column 1");
    assert_eq!(session.message(), "welcome");
    session.press("grün\rtee\x1b[D\x7f\t語".as_bytes());
    assert_eq!(session.shown(), ["grün", "t       語e", "", ""]);
    assert_eq!(session.status(), " /tmp/a.txt (modified)  line 2 of 2, column 11");
    assert_eq!(session.terminal.under_cursor(), "e");
    session.press(b"\x13");
    assert_eq!(
        (session.saved.as_slice(), session.message().as_str()),
        (&["grün\nt\t語e".into()][..], "saved 12 bytes")
    );
    assert!(!session.status().contains("modified"));
    session.press(b"\x11");
    assert!(session.ended);
}

#[test]
fn unsaved_changes_are_asked_about() {
    let mut session = Session::new("", 24, 80);
    session.press(b"x\x11");
    assert!(session.message().starts_with("save the changes before the end? y, n, or Ctrl-C"));
    assert_eq!(session.terminal.row, 23);
    session.press(b"?\x03y");
    assert!(!session.ended && session.editor.text() == "xy");
    session.press(b"\x11y");
    assert!(session.ended && session.saved == ["xy"]);
    let mut session = Session::new("", 24, 80);
    session.press(b"x\x11n");
    assert!(session.ended && session.saved.is_empty());
    let mut session = Session::new("", 24, 80);
    session.press(b"x\x1a\x11");
    assert!(session.ended, "what was undone is no change");
}

#[test]
fn what_could_not_be_saved_is_still_modified() {
    let mut editor = Editor::new("a", String::new(), String::new());
    let mut out = String::new();
    for byte in *b"x\x13" {
        editor.push(byte, &mut out);
    }
    editor.saved(Err("not saved: no space is left".into()));
    editor.draw(&mut out);
    assert!(out.contains("not saved: no space is left") && out.contains("(modified)"));
    assert_eq!(editor.push(0x11, &mut out), None, "it asks first");
}

#[test]
fn a_search_moves_the_cursor() {
    let mut session = Session::new("one\ntwo\nthree\n", 24, 80);
    session.press(b"\x06");
    assert_eq!(session.message(), "find:");
    session.press(b"thx\x7fr");
    assert_eq!((session.message().as_str(), session.terminal.column), ("find: thr", 9));
    session.press(b"\r");
    assert_eq!((session.terminal.row, session.terminal.under_cursor()), (2, "t"));
    session.press(b"\x06\r");
    assert_eq!(session.message(), "found from the start of the text on");
    session.press(b"\x06zzz\r");
    assert_eq!(session.message(), "`zzz` is not in the text");
    session.press(b"\x06two\x03x");
    assert_eq!(session.editor.text(), "one\ntwo\nxthree\n", "Ctrl-C gives it up");
}

#[test]
fn lines_are_cut_and_put_back() {
    let mut session = Session::new("a\nb\nc", 24, 80);
    session.press(b"\x0b\x0b\x1b[B\x15");
    assert_eq!(session.editor.text(), "a\nb\nc");
    session.press(b"\x15\x1a\x1a\x1a\x1a\x1a");
    assert_eq!((session.editor.text(), session.message().as_str()), ("a\nb\nc", "nothing to undo"));
    session.press(b"\x19\x19");
    assert_eq!(session.editor.text(), "a\nb\nc");
}

#[test]
fn pages_and_long_lines_scroll() {
    let text: String = (1..=100).map(|line| format!("line {line}\n")).collect();
    let mut session = Session::new(&text, 12, 20);
    session.press(b"\x1b[6~\x1b[6~");
    assert_eq!(session.terminal.under_cursor(), "l");
    assert!(session.status().contains("line 19 of 101"));
    session.press(b"\x1b[1;5F");
    assert!(session.shown().contains(&"line 100".into()) && session.status().contains("line 101 of 101"));
    session.press(b"\x1b[5~\x1b[5~\x1b[1;5H");
    assert_eq!(session.shown()[0], "line 1");
    let mut session = Session::new(&("0123456789".repeat(5) + "\nshort"), 12, 20);
    assert_eq!(session.shown()[0], "0123456789012345678>");
    session.press(b"\x1b[F");
    assert_eq!(session.terminal.under_cursor(), " ");
    assert!(session.shown()[0].starts_with('<') && session.shown()[0].ends_with("6789"));
    session.press(b"\x1b[B");
    assert_eq!(session.shown()[..2], ["0123456789012345678>", "short"]);
}

#[test]
fn the_size_is_believed_only_when_asked_for() {
    let mut session = Session::new("", 30, 100);
    assert!(session.status().starts_with(" /tmp/a.txt"));
    session.press(b"\x1b[1;2R");
    assert!(session.status().starts_with(" /tmp/a.txt"), "nobody has asked");
    let mut out = String::new();
    session.editor.push(0x0c, &mut out);
    session.terminal.write(&out);
    assert_eq!(session.terminal.asked, 2);
    session.terminal = Terminal::new(8, 40);
    session.press(b"\x1b[8;40R");
    assert!(session.status().starts_with(" /tmp/a.txt"));
}

#[test]
fn a_text_cannot_control_the_terminal() {
    let session = Session::new("\u{1b}[2J\u{7}\u{9b}5n\u{7f}\u{301}", 6, 60);
    assert_eq!(session.shown()[0], "^[[2J^G<9b>5n^? \u{301}");
}

/// What people press, and what comes in its place.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "a",
        "b ",
        "\r",
        "\t",
        "語",
        "e\u{301}",
        "0123456789012345678901234567890123456789",
        "\x7f",
        "\x1b[3~",
        "\x1b[A",
        "\x1b[B",
        "\x1b[C",
        "\x1b[D",
        "\x1b[H",
        "\x1b[F",
        "\x1b[5~",
        "\x1b[6~",
        "\x1b[1;5H",
        "\x1b[1;5F",
        "\x1b[1;5C",
        "\x1b[1;5D",
        "\x1a",
        "\x19",
        "\x0b",
        "\x15",
        "\x06",
        "\x06a\r",
        "\x13",
        "\x11",
        "\x03",
    ];
    let known = prop::sample::select(known.map(|key| key.as_bytes().to_vec()).to_vec());
    let any = prop::collection::vec(any::<u8>(), 1..4);
    prop::collection::vec(prop_oneof![12 => known, 1 => any], 0..80).prop_map(|keys| keys.concat())
}

proptest! {
    #[test]
    fn no_input_breaks_it(keys in keys(), text in "[ab\n\t語\u{301}\u{1}]{0,60}", pieces in 1usize..30) {
        let mut session = Session::new(&text, 8, 30);
        for keys in keys.chunks(pieces) {
            let asked = session.terminal.asked;
            session.press(keys);
            // What the differences made is what a terminal shows that was drawn on for the first time.
            let (mut fresh, mut out) = (Terminal::new(8, 30), String::new());
            let mut editor = session.editor.clone();
            editor.start(&mut out);
            editor.draw(&mut out);
            fresh.write(&out);
            fresh.asked = asked;
            session.terminal.asked = asked;
            prop_assert_eq!(&session.terminal, &fresh);
        }
    }

    #[test]
    fn the_cursor_is_on_its_cell(keys in keys(), text in "[ab\n\t語\u{301}\u{1}]{0,60}") {
        let mut session = Session::new(&text, 8, 30);
        session.press(&keys);
        // Out of every question, and with a mark under the cursor.
        session.press(b"\x03\x03\x03\xc2\xa7");
        session.press(b"\x1b[D");
        if session.editor.text().matches('§').count() == 1 {
            prop_assert_eq!(session.terminal.under_cursor().chars().next(), Some('§'));
        }
        prop_assert!(session.shown().iter().all(|row| cells::columns(row) <= 30));
    }
}
