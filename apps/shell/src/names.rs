//! Names that are half typed or mistyped: completion and suggestions.

use alloc::string::String;
use alloc::vec::Vec;

/// What Tab does with the word that ends at the cursor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Completion {
    /// No name starts like this.
    Nothing,
    /// This text is to be inserted: the rest of the only name and a blank (none if it ends in `/`), or what all names have in common.
    Insert(String),
    /// Several names start like this and have no more in common.
    Choices(Vec<String>),
}

/// Completes `start` to one of `names`.
pub fn complete<'a>(start: &str, names: impl IntoIterator<Item = &'a str>) -> Completion {
    let mut fitting: Vec<&str> = names.into_iter().filter(|name| name.starts_with(start)).collect();
    fitting.sort_unstable();
    fitting.dedup();
    let rest = |name: &'a str| name.get(start.len()..).unwrap_or_default();
    match fitting.as_slice() {
        [] => Completion::Nothing,
        [only] => {
            let mut text = String::from(rest(only));
            // More may follow the name of a directory.
            if !only.ends_with('/') {
                text.push(' ');
            }
            Completion::Insert(text)
        }
        // The names are sorted: what the first and the last have in common, all have.
        [first, .., last] => match common_start(rest(first), rest(last)) {
            "" => Completion::Choices(fitting.iter().map(|&name| name.into()).collect()),
            common => Completion::Insert(common.into()),
        },
    }
}

fn common_start<'a>(one: &'a str, other: &str) -> &'a str {
    let equal = one.chars().zip(other.chars()).take_while(|(a, b)| a == b);
    let length = equal.map(|(character, _)| character.len_utf8()).sum();
    one.get(..length).unwrap_or_default()
}

/// The name that was probably meant by `word`, if one is near enough: a third of its characters may differ.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let near = names.into_iter().map(|name| (distance(word, name), name)).filter(|&(far, _)| far <= limit);
    near.min_by_key(|&(far, _)| far).map(|(_, name)| name)
}

/// How many insertions, removals, changes and swaps of neighbours lead from one word to the other. Words past 64
/// characters are cut.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(64).collect();
    let other: Vec<char> = other.chars().take(64).collect();
    // Three rows of the usual table; place 0 of each is for the empty start of `other`.
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=other.len()).collect();
    for (row, &a) in one.iter().enumerate() {
        let mut new = Vec::with_capacity(old.len());
        new.push(row + 1);
        for (column, &b) in other.iter().enumerate() {
            let mut best = (old[column] + usize::from(a != b)).min(old[column + 1] + 1).min(new[column] + 1);
            if row > 0 && column > 0 && a == other[column - 1] && b == one[row - 1] {
                best = best.min(older[column - 1] + 1);
            }
            new.push(best);
        }
        older = core::mem::replace(&mut old, new);
    }
    old.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    const NAMES: [&str; 6] = ["help", "hello", "ps", "sleep", "shell", "echo"];

    #[test]
    fn completion_goes_as_far_as_it_is_certain() {
        assert_eq!(complete("p", NAMES), Completion::Insert("s ".into()));
        assert_eq!(complete("h", NAMES), Completion::Insert("el".into()));
        assert_eq!(complete("hel", NAMES), Completion::Choices(vec!["hello".into(), "help".into()]));
        assert_eq!(complete("hello", NAMES), Completion::Insert(" ".into()));
        assert_eq!(complete("x", NAMES), Completion::Nothing);
        assert_eq!(complete("/t", ["/tmp/"]), Completion::Insert("mp/".into()));
        assert_eq!(complete("g", ["grün", "grüß"]), Completion::Insert("rü".into()));
        assert_eq!(
            complete("p", ["ps", "ps"]),
            Completion::Insert("s ".into()),
            "the same name twice is one"
        );
    }

    #[test]
    fn suggestions_are_near() {
        assert_eq!(nearest("hlep", NAMES), Some("help"));
        assert_eq!(nearest("sp", NAMES), Some("ps"));
        assert_eq!(nearest("slepe", NAMES), Some("sleep"));
        assert_eq!(nearest("benchmark", NAMES), None);
        assert_eq!(nearest("xy", NAMES), None);
    }

    proptest! {
        #[test]
        fn distance_is_a_distance(one in "[ab]{0,6}", other in "[ab]{0,6}") {
            prop_assert_eq!(distance(&one, &other), distance(&other, &one));
            prop_assert_eq!(distance(&one, &other) == 0, one == other);
            prop_assert!(distance(&one, &other) <= one.len().max(other.len()));
        }
    }
}
