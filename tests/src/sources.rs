//! The tree's own source files, for tests of the rules that it keeps.

use std::path::{Path, PathBuf};

/// A source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path in the tree.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// All Rust files below a folder of the tree, but for what was built.
pub fn rust_files(root: &Path, folder: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    collect(root, folder, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<Source>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                collect(root, &path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            files.push(Source { path, text });
        }
    }
}

/// The code of a line: without comments and without what is between quotes.
pub fn code(line: &str) -> String {
    let mut code = String::new();
    let mut in_text = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => in_text = !in_text,
            '\\' if in_text => _ = characters.next(),
            '/' if !in_text && characters.peek() == Some(&'/') => break,
            other if !in_text => code.push(other),
            _ => {}
        }
    }
    code
}

/// Whether `word` stands in `code` as a word of its own.
pub fn has_word(code: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    code.split(|character| !part(character)).any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_no_code() {
        assert_eq!(code(r#"call("unsafe \" {") // unsafe"#), "call() ");
        assert!(has_word("unsafe { x }", "unsafe"));
        assert!(!has_word("forbid(unsafe_code)", "unsafe"));
    }
}
