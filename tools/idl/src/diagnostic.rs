//! Errors as people see them: what is wrong, the source line with a mark under the place, and a hint.
//!
//! The compiler only ever makes [`Diagnostic`]s; drawing them is the work of `annotate-snippets`, which draws those
//! of the Rust compiler. Relies on [`Sources`] for the lines. Never decides whether colour is wanted.

use crate::source::{FileId, Sources, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// An error in the source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    message: String,
    marks: Vec<(Span, String)>,
    hint: Option<String>,
}

impl Diagnostic {
    /// An error that `message` tells, at `span`, with `label` at the mark (may be empty).
    pub fn new(message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self { message: message.into(), marks: vec![(span, label.into())], hint: None }
    }

    /// An error that is not in any file.
    pub fn general(message: impl Into<String>) -> Self {
        Self { message: message.into(), marks: Vec::new(), hint: None }
    }

    /// The same error with a second place that explains it.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.marks.push((span, label.into()));
        self
    }

    /// The same error with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A key that sorts errors by their places: file and offset, those without a file first.
    pub fn place(&self) -> Option<(FileId, usize)> {
        self.marks.first().map(|(span, _)| (span.file, span.start))
    }

    /// The error with its source line; with terminal colours if `colour`.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.message.as_str()));
        for (number, (span, _)) in self.marks.iter().enumerate() {
            let file = span.file;
            let Some(source) = sources.get(file) else { continue };
            if self.marks[..number].iter().any(|(earlier, _)| earlier.file == file) {
                continue; // drawn with the first mark in this file
            }
            let path = source.path.to_string_lossy().into_owned();
            let mut snippet = Snippet::source(source.text.as_str()).path(path);
            for (place, (span, label)) in self.marks.iter().enumerate() {
                if span.file == file {
                    let kind = if place == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                    let label = Some(label.as_str()).filter(|label| !label.is_empty());
                    snippet = snippet.annotation(kind.span(visible(&source.text, *span)).label(label));
                }
            }
            group = group.element(snippet);
        }
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// The span as a range that is inside of `text`, on character boundaries and not past one line.
fn visible(text: &str, span: Span) -> std::ops::Range<usize> {
    let boundary = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (boundary(span.start), boundary(span.end.max(span.start)));
    let line = text[start..end].find('\n').map_or(end, |length| start + length);
    start..line
}

/// All diagnostics one after the other, and their number.
pub fn render_all(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&diagnostic.render(sources, colour));
        text.push_str("\n\n");
    }
    match diagnostics.len() {
        1 => text.push_str("1 error\n"),
        count => text.push_str(&format!("{count} errors\n")),
    }
    text
}
