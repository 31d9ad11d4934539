//! The text against a model: two lists of cells, one on each side of the cursor, and every state there was.

use edit::cells;
use edit::text::{MAX_TEXT, Text};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Insert(String),
    Backspace,
    Delete,
    CutLine,
    Undo,
    Redo,
    Save,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    First,
    Last,
    Up(usize),
    Down(usize),
    Find(String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => "[ab\n]|[ab ß語\u{301}\t\n]{1,8}".prop_map(Step::Insert),
        2 => Just(Step::Backspace),
        1 => Just(Step::Delete),
        1 => Just(Step::CutLine),
        2 => Just(Step::Undo),
        1 => Just(Step::Redo),
        1 => Just(Step::Save),
        2 => prop::sample::select(vec![Step::Left, Step::Right, Step::WordLeft, Step::WordRight]),
        1 => prop::sample::select(vec![Step::Home, Step::End, Step::First, Step::Last]),
        1 => (1usize..4).prop_map(Step::Up),
        1 => (1usize..4).prop_map(Step::Down),
        1 => "[ab\n]{1,2}".prop_map(Step::Find),
    ];
    prop::collection::vec(step, 0..60)
}

/// The cells of a text, by the rule itself: what combines belongs to what is before it, unless that is a control character.
fn split(text: &str) -> Vec<String> {
    let mut cells: Vec<String> = Vec::new();
    for character in text.chars() {
        let combines = character == '\u{301}';
        match cells.last_mut().filter(|cell| combines && !cell.ends_with(char::is_control)) {
            Some(cell) => cell.push(character),
            None => cells.push(character.into()),
        }
    }
    cells
}

/// What a step does to the text on both sides of the cursor; `None` for steps that are checked otherwise.
fn model(step: &Step, before: &str, after: &str) -> Option<(String, String)> {
    let (all, mut left, mut right) = (before.to_string() + after, split(before), split(after));
    let at = |position: usize| Some((all[..position].to_string(), all[position..].to_string()));
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line_end = before.len() + after.find('\n').unwrap_or(after.len());
    match step {
        Step::Insert(text) => Some((before.to_string() + text, after.into())),
        Step::Backspace => {
            left.pop();
            Some((left.concat(), after.into()))
        }
        Step::Delete => {
            right.drain(..1.min(right.len()));
            Some((before.into(), right.concat()))
        }
        Step::CutLine => {
            Some((all[..line_start].into(), all[line_end..].strip_prefix('\n').unwrap_or_default().into()))
        }
        Step::Left => at(before.len() - left.last().map_or(0, String::len)),
        Step::Right => at(before.len() + right.first().map_or(0, String::len)),
        Step::Home => at(line_start),
        Step::End => at(line_end),
        Step::First => at(0),
        Step::Last => at(all.len()),
        _ => None,
    }
}

fn apply(text: &mut Text, step: &Step) {
    match step {
        Step::Insert(inserted) => drop(text.insert(inserted)),
        Step::Backspace => text.backspace(),
        Step::Delete => text.delete(),
        Step::CutLine => drop(text.cut_line()),
        Step::Undo => drop(text.undo()),
        Step::Redo => drop(text.redo()),
        Step::Save => text.save(),
        Step::Left => text.left(),
        Step::Right => text.right(),
        Step::WordLeft => text.word_left(),
        Step::WordRight => text.word_right(),
        Step::Home => text.home(),
        Step::End => text.end(),
        Step::First => text.first(),
        Step::Last => text.last(),
        Step::Up(lines) => text.up(*lines),
        Step::Down(lines) => text.down(*lines),
        Step::Find(what) => drop(text.find(what)),
    }
}

fn sides(text: &Text) -> (String, String) {
    (text.before().into(), text.after().into())
}

proptest! {
    #[test]
    fn every_step_does_what_the_model_does(steps in steps()) {
        let mut text = Text::new(String::new());
        let (mut states, mut saved) = (vec![String::new()], String::new());
        for step in &steps {
            let (before, after) = sides(&text);
            let line = text.line();
            apply(&mut text, step);
            if let Some(expected) = model(step, &before, &after) {
                prop_assert_eq!(sides(&text), expected, "{:?}", step);
            }
            let changes = matches!(
                step,
                Step::Insert(_) | Step::Backspace | Step::Delete | Step::CutLine | Step::Undo | Step::Redo
            );
            prop_assert!(changes || text.text() == before.clone() + &after, "{:?} has changed it", step);
            match step {
                Step::Undo | Step::Redo => prop_assert!(states.iter().any(|state| state == text.text())),
                Step::Save => saved = text.text().into(),
                Step::Up(lines) => prop_assert_eq!(text.line(), line.saturating_sub(*lines)),
                Step::Down(lines) => prop_assert_eq!(text.line(), (line + lines).min(text.lines() - 1)),
                Step::Find(what) => {
                    let all = before + &after;
                    prop_assert_eq!(text.after().starts_with(what.as_str()), all.contains(what.as_str()));
                }
                _ => {}
            }
            states.push(text.text().into());
            prop_assert_eq!(text.line(), text.before().matches('\n').count());
            prop_assert_eq!(text.lines(), text.text().matches('\n').count() + 1);
            prop_assert!(text.is_modified() || text.text() == saved);
            for line in 0..text.lines() {
                let expected: Vec<_> = text.text().split('\n').skip(line).collect();
                prop_assert_eq!(text.lines_from(line).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn all_can_be_undone_and_done_again(steps in steps()) {
        let mut text = Text::new("start\n".into());
        for step in &steps {
            apply(&mut text, step);
        }
        while text.redo() {}
        let end = text.text().to_string();
        while text.undo() {}
        prop_assert_eq!(text.text(), "start\n");
        while text.redo() {}
        prop_assert_eq!(text.text(), end);
    }

    #[test]
    fn up_and_down_keep_the_column(lines in prop::collection::vec("[ab語\t]{0,6}", 1..8), column in 0usize..20) {
        let mut text = Text::new(lines.join("\n"));
        while text.column() < column && !matches!(text.after().chars().next(), None | Some('\n')) {
            text.right();
        }
        let goal = text.column();
        for (number, line) in lines.iter().enumerate().skip(1) {
            text.down(1);
            prop_assert_eq!(text.line(), number);
            prop_assert_eq!(text.column(), cells::columns(&line[..cells::offset(line, goal)]));
        }
        text.up(lines.len());
        prop_assert_eq!((text.line(), text.column()), (0, goal));
    }
}

#[test]
fn words_are_passed_at_once() {
    let mut text = Text::new("one, two\n drei".into());
    let mut stops = vec![];
    for _ in 0..4 {
        text.word_right();
        stops.push(text.before().len());
    }
    assert_eq!(stops, [3, 8, 14, 14]);
    text.word_left();
    assert_eq!(text.after(), "drei");
    text.word_left();
    text.word_left();
    assert_eq!(text.before(), "");
}

#[test]
fn a_search_goes_on_from_the_start() {
    let mut text = Text::new("ab\ncab\n".into());
    assert_eq!((text.find("ab"), text.line()), (Some(false), 1));
    assert_eq!((text.find("ab"), text.line()), (Some(true), 0));
    assert_eq!((text.find("x"), text.line()), (None, 0));
    text.last();
    assert_eq!((text.find("b\nc"), text.line(), text.column()), (Some(true), 0, 1));
}

#[test]
fn a_full_text_takes_no_more() {
    let mut text = Text::new("x".repeat(MAX_TEXT - 1));
    assert!(!text.insert("ß") && text.insert("y") && !text.insert("z"));
    assert_eq!(text.text().len(), MAX_TEXT);
    text.last();
    text.backspace();
    assert!(text.insert("z"));
}
