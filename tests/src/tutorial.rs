//! Tutorials as programs: their Markdown, taken apart into the steps that a reader takes.
//!
//! Three kinds of fenced blocks are steps; there must be no others, so that nothing in a tutorial goes untested.
//!
//! - ` ```console `: lines that begin with `$ ` are commands for the host, those with `resea> ` are typed at the prompt of
//!   the system that the `$ ` command before them boots. What follows a command is what it prints: `…` stands for any
//!   text in a line, and alone in a line for any number of lines.
//! - ` ```LANGUAGE PATH `: the whole content of a file of the tree.
//! - ` ```diff PATH `: a change of a file. Lines with `-` go, lines with `+` come, the others are there and stay.
//!
//! The text before a block with a path must name the path too: where it is rendered, a reader does not see the fence.

/// A step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The file is to have this content.
    Write {
        /// Its path in the tree.
        path: String,
        /// Its content.
        text: String,
    },
    /// In the file, `before` is to become `after`.
    Change {
        /// Its path in the tree.
        path: String,
        /// Whole lines that are there once.
        before: String,
        /// What they become.
        after: String,
    },
    /// Commands, and what they print.
    Console(Vec<Command>),
}

/// A command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Whether it is typed at Resea's prompt.
    pub inside: bool,
    /// What is typed.
    pub text: String,
    /// What it prints: lines, with `…` for what varies.
    pub expected: Vec<String>,
    /// Where it is in the tutorial, from 1.
    pub line: usize,
}

/// A tutorial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tutorial {
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// How many lines the reader writes, but for empty ones.
    pub lines: usize,
}

impl Tutorial {
    /// Takes a tutorial apart.
    ///
    /// # Errors
    ///
    /// The first block that is no step, with its line.
    pub fn parse(markdown: &str) -> Result<Self, String> {
        let mut tutorial = Self { steps: Vec::new(), lines: 0 };
        let mut lines = markdown.lines().enumerate();
        let mut prose = String::new();
        while let Some((number, line)) = lines.next() {
            let Some(fence) = line.strip_prefix("```") else {
                prose.push_str(line);
                continue;
            };
            let block: Vec<_> = lines.by_ref().take_while(|(_, line)| *line != "```").collect();
            let text = block.iter().map(|(_, line)| line.to_string() + "\n");
            let at = |problem: &str| format!("line {}: {problem}", number + 1);
            let step = match fence.split_once(' ') {
                None if fence == "console" => console(&block).map_err(|problem| at(&problem))?,
                None => {
                    return Err(at("this block is no step: give it the path of its file, or make it prose"));
                }
                Some((_, path)) if !prose.contains(&format!("`{path}`")) => {
                    return Err(at(&format!("the text before this block does not name `{path}`")));
                }
                Some(("diff", path)) => change(path, &block).map_err(|problem| at(&problem))?,
                Some((_, path)) => Step::Write { path: path.into(), text: text.collect() },
            };
            tutorial.lines += written(&step, &block);
            tutorial.steps.push(step);
            prose.clear();
        }
        Ok(tutorial)
    }

    /// How many commands the reader types.
    pub fn commands(&self) -> usize {
        let consoles = self.steps.iter().map(|step| match step {
            Step::Console(commands) => commands.len(),
            _ => 0,
        });
        consoles.sum()
    }
}

/// How many lines of a block a reader writes.
fn written(step: &Step, block: &[(usize, &str)]) -> usize {
    let is_written = |line: &str| match step {
        Step::Write { .. } => !line.trim().is_empty(),
        Step::Change { .. } => line.strip_prefix('+').is_some_and(|line| !line.trim().is_empty()),
        Step::Console(_) => false,
    };
    block.iter().filter(|(_, line)| is_written(line)).count()
}

fn console(block: &[(usize, &str)]) -> Result<Step, String> {
    let mut commands: Vec<Command> = Vec::new();
    for &(number, line) in block {
        let typed = line.strip_prefix("$ ").map(|text| (false, text));
        match typed.or_else(|| line.strip_prefix("resea> ").map(|text| (true, text))) {
            Some((inside, text)) => {
                let expected = Vec::new();
                commands.push(Command { inside, text: text.into(), expected, line: number + 1 });
            }
            None => match commands.last_mut() {
                Some(command) => command.expected.push(line.into()),
                None => return Err("a console block begins with a command".into()),
            },
        }
    }
    match commands.first() {
        Some(first) if !first.inside => Ok(Step::Console(commands)),
        _ => Err("the first command must be one for the host".into()),
    }
}

fn change(path: &str, block: &[(usize, &str)]) -> Result<Step, String> {
    let (mut before, mut after) = (String::new(), String::new());
    for (_, line) in block {
        match line.split_at_checked(1) {
            Some(("-", text)) => before += &format!("{text}\n"),
            Some(("+", text)) => after += &format!("{text}\n"),
            Some((" ", text)) => {
                before += &format!("{text}\n");
                after += &format!("{text}\n");
            }
            _ => return Err(format!("a line of a change begins with `+`, `-` or a blank, but not {line:?}")),
        }
    }
    Ok(Step::Change { path: path.into(), before, after })
}

/// Whether `actual` is what was expected, where `…` stands for anything.
pub fn matches(expected: &[String], actual: &[&str]) -> bool {
    match (expected, actual) {
        ([], actual) => actual.is_empty(),
        ([any, rest @ ..], actual) if any == "…" => {
            (0..=actual.len()).any(|skip| matches(rest, &actual[skip..]))
        }
        ([line, rest @ ..], [found, others @ ..]) => line_matches(line, found) && matches(rest, others),
        ([_, ..], []) => false,
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    match expected.split_once('…') {
        None => expected == actual.trim_end(),
        Some((start, rest)) => actual.strip_prefix(start).is_some_and(|end| {
            let places = end.char_indices().map(|(place, _)| place).chain([end.len()]);
            places.into_iter().any(|place| line_matches(rest, &end[place..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "Write `a.rs`:\n```rust a.rs\nfn a() {}\n\nfn b() {}\n```\nIn `a.rs` change\n\n```diff a.rs\n \
                          fn a() {}\n-x\n+y\n```\n```console\n$ cargo run\n…\nresea> help\nCommands …\n```\n";

    #[test]
    fn blocks_are_steps() {
        let tutorial = Tutorial::parse(SAMPLE).expect("it is right");
        assert_eq!((tutorial.lines, tutorial.commands()), (3, 2));
        let [Step::Write { text, .. }, Step::Change { before, after, .. }, Step::Console(commands)] =
            tutorial.steps.as_slice()
        else {
            panic!("{tutorial:?}");
        };
        assert_eq!(text, "fn a() {}\n\nfn b() {}\n");
        assert_eq!((before.as_str(), after.as_str()), ("fn a() {}\nx\n", "fn a() {}\ny\n"));
        assert_eq!((commands[1].inside, commands[1].text.as_str(), commands[1].line), (true, "help", 17));
    }

    #[test]
    fn what_is_no_step_is_refused() {
        for (markdown, problem) in [
            ("```rust\nx\n```\n", "line 1: this block is no step"),
            ("```rust a.rs\nx\n```\n", "line 1: the text before this block does not name `a.rs`"),
            ("```console\nx\n```\n", "line 1: a console block begins with a command"),
            ("```console\nresea> x\n```\n", "line 1: the first command must be one for the host"),
            ("`a`\n```diff a\nx\n```\n", "line 2: a line of a change begins with"),
        ] {
            let error = Tutorial::parse(markdown).expect_err("it was accepted");
            assert!(error.starts_with(problem), "{error}");
        }
    }

    #[test]
    fn an_ellipsis_stands_for_anything() {
        let expected = ["a".into(), "…".into(), "b … c…".into()];
        assert!(matches(&expected, &["a", "b x c"]));
        assert!(matches(&expected, &["a", "x", "y", "b  c and more"]));
        assert!(!matches(&expected, &["a", "x"]));
        assert!(!matches(&expected, &["b x c"]));
        assert!(!matches(&expected, &["a", "b x c", "d"]));
        assert!(matches(&["…".into()], &[]));
    }
}
