//! The graph for a terminal: the programs by kind, then the calls as trees.

use std::fmt::Write;

use super::{Graph, Node};

/// The graph as text.
pub fn text(graph: &Graph) -> String {
    let mut out = format!("The system on {}\n", graph.machine);
    for (kind, title) in [("driver", "Drivers"), ("server", "Servers"), ("app", "Applications")] {
        let mut programs = graph.programs.iter().filter(|program| program.kind == kind).peekable();
        if programs.peek().is_some() {
            // A `String` takes everything that is written to it.
            let _ = write!(out, "\n{title}\n");
            programs.for_each(|program| out.push_str(&entry(program)));
        }
    }
    out.push_str("\nCalls (every program also calls vm)\n");
    let is_called = |name: &str| graph.calls.iter().any(|call| call.to == name && call.from != name);
    let calls = |name: &str| graph.calls.iter().any(|call| call.from == name);
    let mut drawn: Vec<&str> = Vec::new();
    let roots = graph.programs.iter().filter(|program| calls(&program.name) && !is_called(&program.name));
    for program in roots {
        tree(graph, &program.name, &mut drawn, &mut out);
    }
    // Those in circles, which nobody outside calls.
    for call in &graph.calls {
        if !drawn.contains(&call.from.as_str()) {
            tree(graph, &call.from, &mut drawn, &mut out);
        }
    }
    if graph.calls.is_empty() {
        out.push_str("  none\n");
    }
    out
}

fn entry(program: &Node) -> String {
    let mut out = format!("  {:<14}{}\n", program.name, program.description).trim_end().to_string() + "\n";
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(out, "    {label:<12}{value}");
    };
    if !program.provides.is_empty() {
        line("provides", &program.provides.join(", "));
    }
    if !program.uses.is_empty() {
        line("uses", &program.uses.join(", "));
    }
    for right in &program.rights {
        line("may", right);
    }
    line("starts", &program.start);
    out
}

fn tree<'a>(graph: &'a Graph, root: &'a str, drawn: &mut Vec<&'a str>, out: &mut String) {
    let _ = writeln!(out, "  {root}");
    branches(graph, root, "  ", drawn, out);
}

/// The programs that `caller` calls; what they call is drawn the first time only.
fn branches<'a>(graph: &'a Graph, caller: &'a str, indent: &str, drawn: &mut Vec<&'a str>, out: &mut String) {
    drawn.push(caller);
    let calls: Vec<_> = graph.calls.iter().filter(|call| call.from == caller).collect();
    for (index, call) in calls.iter().enumerate() {
        let last = index + 1 == calls.len();
        let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let service = if call.service == call.to { String::new() } else { format!(" ({})", call.service) };
        let again = graph.calls.iter().any(|next| next.from == call.to) && drawn.contains(&call.to.as_str());
        let remark = match (call.deadlock, call.from == call.to, again) {
            (true, ..) => "  ← deadlock: part of a circle",
            (_, true, _) => "  (a second task of itself)",
            (_, _, true) => "  (as above)",
            _ => "",
        };
        let _ = writeln!(out, "{indent}{branch}{}{service}{remark}", call.to);
        if !drawn.contains(&call.to.as_str()) {
            branches(graph, &call.to, &format!("{indent}{below}"), drawn, out);
        }
    }
}
