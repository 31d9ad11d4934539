//! Lines of Rust with their indentation, broken the way rustfmt breaks them.

/// Longest line.
const WIDTH: usize = 110;

/// The text so far.
#[derive(Default)]
pub struct Out {
    text: String,
    depth: usize,
}

impl Out {
    /// Adds one line.
    pub fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n("    ", self.depth));
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// Adds an empty line, but not at the beginning of a block, and never two.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("{\n") && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Adds a line after which the text is deeper.
    pub fn open(&mut self, line: &str) {
        self.line(line);
        self.depth += 1;
    }

    /// Makes the text deeper: the line before has opened a block.
    pub fn open_block(&mut self) {
        self.depth += 1;
    }

    /// Ends a block.
    pub fn close(&mut self, line: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.line(line);
    }

    /// Adds documentation: the given lines, or `otherwise` if there are none.
    pub fn docs(&mut self, lines: &[String], otherwise: impl Fn() -> String) {
        if lines.iter().all(|line| line.is_empty()) {
            self.line(&format!("/// {}", otherwise()));
        }
        for line in lines {
            self.line(format!("/// {line}").trim_end());
        }
    }

    /// Adds `before` + `items` separated by commas + `after`, on one line if it fits, else with a line for each item.
    pub fn list(&mut self, before: &str, items: &[String], after: &str) {
        let whole = format!("{before}{}{after}", items.join(", "));
        if 4 * self.depth + whole.len() <= WIDTH && !whole.contains('\n') {
            return self.line(&whole);
        }
        self.open(before.trim_end());
        for item in items {
            self.lines(&format!("{item},"));
        }
        self.close(after.trim_start());
    }

    /// Adds an arm of a match: on one line if it fits, else with a block.
    pub fn arm(&mut self, pattern: &str, value: &str) {
        let whole = format!("{pattern} => {value},");
        if 4 * self.depth + whole.len() <= WIDTH {
            return self.line(&whole);
        }
        self.open(&format!("{pattern} => {{"));
        self.line(value);
        self.close("}");
    }

    /// Adds several lines, which are indented relative to each other already.
    pub fn lines(&mut self, lines: &str) {
        for line in lines.lines() {
            self.line(line);
        }
    }

    /// The whole text, which ends with one line break.
    pub fn finish(self) -> String {
        match self.text.trim_end() {
            "" => String::new(),
            text => format!("{text}\n"),
        }
    }
}
