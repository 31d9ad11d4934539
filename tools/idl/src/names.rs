//! Names: their spelling in the language and in Rust.
//!
//! The language has one spelling for each kind of name, so that generated names are predictable and seldom collide.

/// Rust's keywords that a raw identifier can carry.
const RAW: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Names that Rust has no way to use.
const IMPOSSIBLE: [&str; 4] = ["self", "super", "crate", "Self"];

/// Whether Rust cannot use the name at all.
pub fn is_impossible(name: &str) -> bool {
    IMPOSSIBLE.contains(&name)
}

/// The name as a Rust identifier: keywords become raw identifiers.
pub fn identifier(name: &str) -> String {
    if RAW.contains(&name) { format!("r#{name}") } else { name.into() }
}

/// `FILE_NAME` or `file_name` as `FileName`.
pub fn pascal(name: &str) -> String {
    let mut result = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        result.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        result.extend(letters.map(|letter| letter.to_ascii_lowercase()));
    }
    result
}

/// `fileName`, `FileName` or `FILE_NAME` as `file_name`.
pub fn snake(name: &str) -> String {
    let mut result = String::new();
    let mut previous = '_';
    for letter in name.trim_matches('_').chars() {
        let begins_word =
            letter.is_ascii_uppercase() && (previous.is_ascii_lowercase() || previous.is_ascii_digit());
        if begins_word && previous != '_' {
            result.push('_');
        }
        if !(letter == '_' && previous == '_') {
            result.push(letter.to_ascii_lowercase());
        }
        previous = letter;
    }
    result
}

/// Whether the name is spelled `like_this`.
pub fn is_snake(name: &str) -> bool {
    is_words(name, |letter| letter.is_ascii_lowercase())
}

/// Whether the name is spelled `LIKE_THIS`.
pub fn is_upper(name: &str) -> bool {
    is_words(name, |letter| letter.is_ascii_uppercase())
}

fn is_words(name: &str, letter: impl Fn(char) -> bool) -> bool {
    name.chars().next().is_some_and(&letter)
        && name.split('_').all(|word| !word.is_empty())
        && name.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '_')
}

/// The candidate most like `name`, if one is near enough to have been meant.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &&str| distance(name, candidate) <= 1 + name.len().min(9) / 4;
    let key = |candidate: &&str| (distance(name, candidate), candidate.len().abs_diff(name.len()));
    candidates.filter(near).min_by_key(key)
}

/// How many letters must be added, removed or replaced to get from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (&other, &above) in to.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(letter != other)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_converted() {
        assert_eq!(pascal("FILE_NAME_2"), "FileName2");
        assert_eq!(snake("openFile"), "open_file");
        assert_eq!(snake("Open__FILE"), "open_file");
        assert_eq!(identifier("type"), "r#type");
        assert!(is_snake("a_1") && !is_snake("a__b") && !is_snake("_a") && !is_snake("a_") && !is_snake("A"));
        assert!(is_upper("A_1") && !is_upper("1A") && !is_upper(""));
    }

    #[test]
    fn the_nearest_name_is_found() {
        assert_eq!(nearest("unit32", ["uint32", "uint8"].into_iter()), Some("uint32"));
        assert_eq!(nearest("potato", ["uint32", "uint8"].into_iter()), None);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting")), (3, 3));
    }
}
