//! Which names a new program can have: what is wrong with one, in a sentence that says what to do.

use manifest::MAX_SERVICE_NAME;

use super::template::Kind;

/// Words that Rust keeps for itself (the reference, section Keywords), its types that have no path, and its own crates.
const RUST: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "bool",
    "box",
    "break",
    "char",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "f32",
    "f64",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "i128",
    "i16",
    "i32",
    "i64",
    "i8",
    "if",
    "impl",
    "in",
    "isize",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "str",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
    "unsafe",
    "unsized",
    "use",
    "usize",
    "virtual",
    "where",
    "while",
    "yield",
];

/// What cargo calls its folders: a program of that name would lie in their place.
const CARGO: [&str; 5] = ["build", "deps", "doc", "examples", "incremental"];

/// The commands of the shell, which come before programs.
const SHELL: [&str; 9] = ["help", "ps", "log", "mem", "kill", "cd", "pwd", "source", "q"];

/// What there is already.
#[derive(Clone, Default, Debug)]
pub struct Taken {
    /// The packages of the tree.
    pub packages: Vec<String>,
    /// The programs of the tree.
    pub programs: Vec<String>,
    /// The services that programs provide.
    pub services: Vec<String>,
    /// The interfaces.
    pub interfaces: Vec<String>,
    /// The packages that the new crate would depend on.
    pub dependencies: Vec<String>,
}

/// What is wrong with a name, if anything.
pub fn complaint(kind: Kind, name: &str, taken: &Taken) -> Option<String> {
    spelling(name)
        .or_else(|| length(kind, name))
        .or_else(|| reserved(kind, name))
        .or_else(|| in_use(name, taken))
}

fn spelling(name: &str) -> Option<String> {
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let words = || name.split('_').all(|word| !word.is_empty() && word.chars().all(part));
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && words() {
        return None;
    }
    let rule = "names are small letters and digits, with `_` between words, and begin with a letter";
    let nearest: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let nearest = nearest.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    let hint = match nearest.starts_with(|first: char| first.is_ascii_lowercase()) {
        true => format!(": try `{nearest}`"),
        false => ", as `rand` or `my_server`".into(),
    };
    Some(format!("`{name}` cannot be a name; {rule}{hint}"))
}

fn length(kind: Kind, name: &str) -> Option<String> {
    // The image has a file `manifest/NAME` for each program, the longest path of the three that it has.
    let file = bootfs::MAX_PATH - "manifest/".len();
    let most = if kind == Kind::Server { file.min(MAX_SERVICE_NAME) } else { file };
    let length = name.len();
    (length > most).then(|| {
        format!(
            "`{name}` has {length} letters, but the name of a {} has at most {most}: shorten it",
            kind.noun()
        )
    })
}

fn reserved(kind: Kind, name: &str) -> Option<String> {
    let why = if RUST.contains(&name) {
        "is a word that Rust keeps for itself".into()
    } else if CARGO.contains(&name) {
        "is a folder of cargo's, where the program would have to be".into()
    } else if SHELL.contains(&name) {
        "is a command of the shell, so the program could not be run".into()
    } else if name == "kernel" {
        "is the kernel, whose symbols are in the image under this name".into()
    } else if let Some(clash) = kind.clash(name) {
        format!("would make a type `{clash}`, a name that the new {} uses for something else", kind.noun())
    } else {
        return None;
    };
    Some(format!("`{name}` {why}: choose another name, such as `{name}_{}`", kind.noun()))
}

fn in_use(name: &str, taken: &Taken) -> Option<String> {
    let lists = [
        (&taken.programs, "there is a program"),
        (&taken.packages, "there is a package"),
        (&taken.services, "there is a service"),
        (&taken.interfaces, "there is an interface"),
        (&taken.dependencies, "what is new would depend on a package"),
    ];
    let (_, what) = lists.into_iter().find(|(names, _)| names.iter().any(|taken| taken == name))?;
    Some(format!("{what} called `{name}`: choose another name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complain(kind: Kind, name: &str) -> Option<String> {
        let list = |name: &str| vec![name.to_string()];
        let taken = Taken {
            packages: list("bootfs"),
            programs: list("echo"),
            services: list("fs"),
            interfaces: list("bench"),
            dependencies: list("serde"),
        };
        complaint(kind, name, &taken)
    }

    #[test]
    fn good_names_are_accepted() {
        for name in ["rand", "my_server", "tcp4", "a", "e1000"] {
            assert_eq!(complain(Kind::Server, name), None);
            assert_eq!(complain(Kind::App, name), None);
        }
        assert_eq!(complain(Kind::Server, &"n".repeat(MAX_SERVICE_NAME)), None);
        assert_eq!(complain(Kind::App, &"n".repeat(MAX_SERVICE_NAME + 1)), None, "an app is no service");
    }

    #[test]
    fn bad_names_are_refused_with_what_to_do() {
        let rule = "names are small letters and digits, with `_` between words, and begin with a letter";
        let long = "n".repeat(MAX_SERVICE_NAME + 1);
        for (name, expected) in [
            ("my-server", format!("`my-server` cannot be a name; {rule}: try `my_server`")),
            ("MyServer", format!("`MyServer` cannot be a name; {rule}: try `myserver`")),
            ("a__b", format!("`a__b` cannot be a name; {rule}: try `a_b`")),
            ("../x", format!("`../x` cannot be a name; {rule}: try `x`")),
            ("3d", format!("`3d` cannot be a name; {rule}, as `rand` or `my_server`")),
            ("", format!("`` cannot be a name; {rule}, as `rand` or `my_server`")),
            ("größe", format!("`größe` cannot be a name; {rule}: try `gr_e`")),
            (&long, format!("`{long}` has 33 letters, but the name of a server has at most 32: shorten it")),
            ("match", "`match` is a word that Rust keeps for itself: choose another name, such as `match_server`".into()),
            ("core", "`core` is a word that Rust keeps for itself: choose another name, such as `core_server`".into()),
            (
                "deps",
                "`deps` is a folder of cargo's, where the program would have to be: choose another name, such as \
                 `deps_server`"
                    .into(),
            ),
            (
                "ps",
                "`ps` is a command of the shell, so the program could not be run: choose another name, such as \
                 `ps_server`"
                    .into(),
            ),
            (
                "kernel",
                "`kernel` is the kernel, whose symbols are in the image under this name: choose another name, such as \
                 `kernel_server`"
                    .into(),
            ),
            (
                "error",
                "`error` would make a type `Error`, a name that the new server uses for something else: choose another \
                 name, such as `error_server`"
                    .into(),
            ),
            ("echo", "there is a program called `echo`: choose another name".into()),
            ("bootfs", "there is a package called `bootfs`: choose another name".into()),
            ("fs", "there is a service called `fs`: choose another name".into()),
            ("bench", "there is an interface called `bench`: choose another name".into()),
            ("serde", "what is new would depend on a package called `serde`: choose another name".into()),
        ] {
            assert_eq!(complain(Kind::Server, name), Some(expected));
        }
    }

    #[test]
    fn the_commands_of_the_shell_are_known() {
        let names: Vec<_> = shell::builtins::Builtin::ALL.iter().map(|builtin| builtin.name()).collect();
        assert_eq!(names, SHELL);
    }
}
