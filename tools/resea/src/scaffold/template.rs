//! What a new crate is made from: the files of a crate in the tree, with another name.
//!
//! The files are part of the tool, so a new server is always what `servers/example` was when the tool was built, and an
//! app what `apps/hello` was. They are written for this: the name stands in them as a word of its own, and says nothing
//! else.

/// What can be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A program that answers messages.
    Server,
    /// A program that a person runs.
    App,
}

/// A file of a template: its path in the tree, and its content.
type File = (&'static str, &'static str);

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../", $path)))),+]
    };
}

static SERVER: &[File] = files![
    "interfaces/example.idl",
    "servers/example/Cargo.toml",
    "servers/example/README.md",
    "servers/example/src/lib.rs",
    "servers/example/src/main.rs",
    "servers/example/tests/example.rs",
];

static APP: &[File] = files![
    "apps/hello/Cargo.toml",
    "apps/hello/README.md",
    "apps/hello/src/lib.rs",
    "apps/hello/src/main.rs",
    "apps/hello/tests/hello.rs",
];

/// What the templates say of themselves, and nobody else should.
const MARKS: [&str; 2] = [", the template of a new server", ", the template of a new program"];

impl Kind {
    /// What it is called.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::App => "app",
        }
    }

    /// The crate that it is made from.
    pub fn template(self) -> &'static str {
        match self {
            Self::Server => "example",
            Self::App => "hello",
        }
    }

    /// The folder for crates of this kind.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Server => "servers",
            Self::App => "apps",
        }
    }

    fn files(self) -> &'static [File] {
        match self {
            Self::Server => SERVER,
            Self::App => APP,
        }
    }

    /// The name of the type that the crate `name` is about. An app has none.
    fn type_name(self, name: &str) -> Option<String> {
        (self == Self::Server).then(|| pascal(name))
    }

    /// The files of a crate called `name`: paths in the tree, and contents.
    pub fn instantiate(self, name: &str) -> Vec<(String, String)> {
        let renamed = |text: &str| {
            let text = MARKS.iter().fold(text.to_string(), |text, mark| text.replace(mark, ""));
            let text = replace_word(&text, self.template(), name);
            match (self.type_name(self.template()), self.type_name(name)) {
                (Some(old), Some(new)) => replace_word(&text, &old, &new),
                _ => text,
            }
        };
        self.files().iter().map(|(path, text)| (renamed(path), renamed(text))).collect()
    }

    /// The type that a crate called `name` would have, if the template's code uses that name for something else.
    pub fn clash(self, name: &str) -> Option<String> {
        let files = self.files().iter().filter(|(path, _)| path.ends_with(".rs"));
        let code =
            files.flat_map(|(_, text)| text.lines()).filter(|line| !line.trim_start().starts_with("//"));
        let mut words = code.flat_map(|line| line.split(|c| !is_part(c)));
        self.type_name(name).filter(|wanted| name != self.template() && words.any(|word| word == wanted))
    }
}

/// `my_server` as `MyServer`.
pub fn pascal(name: &str) -> String {
    let mut letters = Vec::new();
    for word in name.split('_') {
        letters.extend(word.chars().take(1).map(|first| first.to_ascii_uppercase()));
        letters.extend(word.chars().skip(1));
    }
    letters.into_iter().collect()
}

/// Whether a character belongs to a word of the code.
fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// `text` with `new` wherever `old` stands as a word of its own.
fn replace_word(text: &str, old: &str, new: &str) -> String {
    let mut result = String::new();
    let mut copied = 0;
    for (place, _) in text.match_indices(old) {
        let (before, after) = (&text[..place], &text[place + old.len()..]);
        if !before.ends_with(is_part) && !after.starts_with(is_part) {
            result.push_str(&text[copied..place]);
            result.push_str(new);
            copied = place + old.len();
        }
    }
    result + &text[copied..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        assert_eq!(
            replace_word("example, examples example_2 (example)", "example", "rand"),
            "rand, examples example_2 (rand)"
        );
        assert_eq!(replace_word("aaa a", "a", "b"), "aaa b");
        assert_eq!(pascal("my_server_2"), "MyServer2");
    }

    #[test]
    fn nothing_of_the_template_is_left() {
        for kind in [Kind::Server, Kind::App] {
            for (path, text) in kind.instantiate("new_name") {
                for word in [kind.template(), "Example", "template"] {
                    let left = path.contains(word) || text.split(|c| !is_part(c)).any(|found| found == word);
                    assert!(!left, "{word:?} is left in {path}:\n{text}");
                }
            }
        }
    }

    #[test]
    fn every_file_of_the_templates_is_copied() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for kind in [Kind::Server, Kind::App] {
            for folder in ["", "src", "tests"] {
                let folder = format!("{}/{}/{folder}", kind.folder(), kind.template());
                for entry in std::fs::read_dir(root.join(&folder)).expect("it is there").flatten() {
                    let path = format!("{}/{}", folder.trim_end_matches('/'), entry.file_name().display());
                    let known = kind.files().iter().any(|(known, _)| *known == path);
                    assert!(known || entry.path().is_dir(), "{path} is not in the template: add it");
                }
            }
        }
    }

    #[test]
    fn the_template_server_can_be_read_in_a_minute() {
        let code = SERVER.iter().filter(|(path, _)| path.contains("/src/"));
        let lines: usize = code.map(|(_, text)| text.lines().count()).sum();
        assert!(lines <= 60, "servers/example has {lines} lines of Rust, but may have 60");
    }
}
