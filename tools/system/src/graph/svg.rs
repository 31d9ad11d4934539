//! The graph as a picture that a browser shows, in light and in dark surroundings.

use std::fmt::Write;

use super::layout::{Layout, Rectangle, layout};
use super::{Graph, Node};
use crate::FIRST_PROGRAM;

/// Width of a character of the small font, in pixels: it has a fixed width, so that boxes fit their text everywhere.
const CHARACTER: f64 = 7.3;
/// Height of a line of text.
const LINE: f64 = 17.0;
/// Space around the text in a box.
const PADDING: f64 = 12.0;
/// Space around it all.
const MARGIN: f64 = 24.0;
/// Room for the title, and for one above the programs without calls.
const TITLE: f64 = 40.0;
/// Longest line in a box, in characters; longer lists are broken.
const LONGEST: usize = 38;

/// Colours: of drivers, servers, apps, of what stands for all, and of what is wrong; light, then dark.
const STYLE: &str = "\
text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px;fill:#1c2430}\
.title{font-size:15px;font-weight:bold}.name{font-size:14px;font-weight:bold}.quiet{fill:#5a6675}\
.back{fill:#ffffff}.driver{fill:#fde9d4;stroke:#b8621b}.server{fill:#dcebfb;stroke:#2f6db0}\
.app{fill:#e3f4e1;stroke:#3f8a3a}.call{fill:none;stroke:#44505e;stroke-width:1.5}\
.head{fill:#44505e}.deadlock{stroke:#c62828;stroke-width:3}.deadhead{fill:#c62828}\
@media(prefers-color-scheme:dark){text{fill:#e4e9f0}.quiet{fill:#9aa7b8}.back{fill:#14181e}\
.driver{fill:#45301c;stroke:#e2975a}.server{fill:#1d3550;stroke:#6ea8e6}.app{fill:#20391f;stroke:#7cc276}\
.call{stroke:#aab6c4}.head{fill:#aab6c4}.deadlock{stroke:#ff6b6b}.deadhead{fill:#ff6b6b}}";

/// The graph as SVG.
pub fn svg(graph: &Graph) -> String {
    let shown: Vec<usize> =
        (0..graph.programs.len()).filter(|index| graph.programs[*index].name != FIRST_PROGRAM).collect();
    let lines: Vec<Vec<Line>> = graph.programs.iter().map(|node| lines(graph, node)).collect();
    let measure = |index: usize| {
        let longest = lines[index].iter().map(|line| line.width()).fold(90.0, f64::max);
        (longest + 2.0 * PADDING, lines[index].len() as f64 * LINE + 2.0 * PADDING - 4.0)
    };
    let mut layout = layout(graph, &shown, measure);
    shift(&mut layout);
    let first = graph.programs.iter().position(|node| node.name == FIRST_PROGRAM);
    // The title and vm's box have as much room as they need.
    let title = (graph.machine.chars().count() + "The system on ".len()) as f64 * CHARACTER * 15.0 / 12.0;
    layout.size.0 = layout.size.0.max(MARGIN + title);
    let bar = first.map(|index| {
        let (width, height) = measure(index);
        layout.size.0 = layout.size.0.max(MARGIN + width);
        let y = layout.size.1 + LINE;
        layout.size.1 = y + height;
        (index, Rectangle { x: MARGIN, y, width: layout.size.0 - MARGIN, height })
    });
    let (width, height) = (layout.size.0 + MARGIN, layout.size.1 + MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\">\n<style>{STYLE}</style>\n<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n\
         <defs>{}{}</defs>\n<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">The system on {}</text>\n",
        head("call", "head"),
        head("deadlock", "deadhead"),
        MARGIN + 8.0,
        escaped(&graph.machine)
    );
    for (index, way) in &layout.ways {
        let call = &graph.calls[*index];
        out.push_str(&line(
            way,
            call.deadlock,
            &format!("{} calls {} ({})", call.from, call.to, call.service),
        ));
    }
    if layout.boxes.len() > boxes_in_layers(&layout) {
        let y = layout.rest - 14.0;
        let _ = writeln!(out, "<text class=\"quiet\" x=\"{MARGIN}\" y=\"{y:.0}\">Call only vm:</text>");
    }
    let boxes = layout.boxes.iter().map(|(index, rectangle)| (*index, *rectangle));
    for (index, rectangle) in boxes.chain(bar) {
        program(&mut out, &graph.programs[index], &lines[index], rectangle);
    }
    out.push_str("</svg>\n");
    out
}

/// A line of text in a box.
struct Line {
    class: &'static str,
    text: String,
}

impl Line {
    fn width(&self) -> f64 {
        let character = if self.class == "name" { CHARACTER * 14.0 / 12.0 } else { CHARACTER };
        self.text.chars().count() as f64 * character
    }
}

/// What a program's box says.
fn lines(graph: &Graph, node: &Node) -> Vec<Line> {
    let mut lines = vec![
        Line { class: "name", text: node.name.clone() },
        Line { class: "quiet", text: format!("{}, {}", node.kind, node.start) },
    ];
    let mut add = |text: &str| {
        for text in broken(text) {
            lines.push(Line { class: "", text });
        }
    };
    if !node.provides.is_empty() {
        add(&format!("provides {}", node.provides.join(", ")));
    }
    for call in graph.calls.iter().filter(|call| call.from == node.name && call.to == node.name) {
        let remark = if call.deadlock { "calls itself: deadlock" } else { "calls a second task of itself" };
        add(&format!("{remark} ({})", call.service));
    }
    node.rights.iter().for_each(|right| add(right));
    lines
}

/// Breaks a list at its spaces, so that no box is too wide.
fn broken(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LONGEST => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_string()),
        }
    }
    lines
}

/// Moves everything to where the title and the margin leave room.
fn shift(layout: &mut Layout) {
    let layers = boxes_in_layers(layout);
    let rest_from = layout.rest;
    // A title of its own above those without calls, if there are others above.
    let below = if layers > 0 { 0.0 } else { LINE };
    for rectangle in layout.boxes.values_mut() {
        rectangle.x += MARGIN;
        rectangle.y += MARGIN + TITLE - 14.0 + if rectangle.y >= rest_from { below } else { 0.0 };
    }
    for point in layout.ways.values_mut().flatten() {
        point.0 += MARGIN;
        point.1 += MARGIN + TITLE - 14.0;
    }
    layout.rest += MARGIN + TITLE - 14.0 + below;
    layout.size.0 += MARGIN;
    layout.size.1 += MARGIN + TITLE - 14.0 + below;
}

fn boxes_in_layers(layout: &Layout) -> usize {
    layout.boxes.values().filter(|rectangle| rectangle.y < layout.rest).count()
}

fn head(id: &str, class: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" \
         markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"{class}\" d=\"M0 0L10 5L0 10z\"/></marker>"
    )
}

/// A call: straight through layers, bent between them.
fn line(points: &[(f64, f64)], deadlock: bool, title: &str) -> String {
    let mut path = String::new();
    let mut before: Option<(f64, f64)> = None;
    for (x, y) in points {
        let _ = match before {
            None => write!(path, "M{x:.1} {y:.1}"),
            Some((from, _)) if (from - x).abs() < 0.05 => write!(path, "V{y:.1}"),
            Some((from_x, from_y)) => {
                let middle = (from_y + y) / 2.0;
                write!(path, "C{from_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}")
            }
        };
        before = Some((*x, *y));
    }
    let (class, head) = if deadlock { ("call deadlock", "deadlock") } else { ("call", "call") };
    format!(
        "<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#{head})\"><title>{}</title></path>\n",
        escaped(title)
    )
}

fn program(out: &mut String, node: &Node, lines: &[Line], at: Rectangle) {
    let Rectangle { x, y, width, height } = at;
    let _ = writeln!(
        out,
        "<g><title>{}</title><rect class=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>",
        escaped(&format!("{}: {} ({})", node.name, node.description, node.file)),
        node.kind
    );
    for (index, line) in lines.iter().enumerate() {
        let (x, y) = (x + PADDING, y + PADDING + 9.0 + LINE * index as f64);
        let _ = writeln!(
            out,
            "<text class=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            line.class,
            escaped(&line.text)
        );
    }
    out.push_str("</g>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
