//! The graph of a sample system as text, exactly; as a picture, by what must be true of any.
//!
//! `BLESS=1 cargo test -p system --test graph` writes what is drawn now; look at it before keeping it.

mod support;

use std::path::{Path, PathBuf};

use system::graph::{Graph, svg, text};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graph")
}

fn sample() -> Graph {
    Graph::new(&support::read(&folder().join("sample.toml")).expect("it is valid"))
}

fn golden(name: &str, actual: &str) {
    let file = folder().join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, actual).expect("it can be written");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        expected == actual,
        "{}: expected:\n{expected}\nactual:\n{actual}\n(BLESS=1 accepts it)",
        file.display()
    );
}

#[test]
fn the_sample_as_text() {
    golden("sample.txt", &text(&sample()));
}

#[test]
fn a_circle_is_marked() {
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken/cycle_of_two.toml");
    let graph = Graph::new(&support::read(&broken).expect("its manifests are valid"));
    golden("circle.txt", &text(&graph));
    let picture = svg(&graph);
    assert_eq!(picture.matches("class=\"call deadlock\"").count(), 2, "{picture}");
    // A narrow picture has room for its title and for what vm's box says.
    let widest = graph.programs.iter().map(|program| program.start.len()).max().expect("there are programs");
    assert!(number(&picture, "width") > 7.0 * widest as f64, "{picture}");
}

#[test]
fn json_has_every_program_and_call() {
    let graph = sample();
    let json: serde_json::Value = serde_json::from_str(&graph.json()).expect("it is JSON");
    assert_eq!(json["programs"].as_array().map(Vec::len), Some(graph.programs.len()));
    assert_eq!(json["calls"].as_array().map(Vec::len), Some(graph.calls.len()));
    assert_eq!(json["calls"][0]["from"], "benchmark");
}

/// The number behind `name="` in an element.
fn number(element: &str, name: &str) -> f64 {
    let value = element.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {element}"))
}

/// Left, top, right and bottom of each box.
fn boxes(picture: &str) -> Vec<[f64; 4]> {
    let elements = picture.split("<rect ").skip(1).map(|rest| rest.split("/>").next().expect("it ends"));
    let elements = elements.filter(|element| !element.contains("\"back\""));
    let edges = |element: &str| {
        let element = format!(" {element}");
        let (x, y) = (number(&element, "x"), number(&element, "y"));
        [x, y, x + number(&element, "width"), y + number(&element, "height")]
    };
    elements.map(edges).collect()
}

/// The points that a path goes through.
fn points(path: &str) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for piece in path.split(['M', 'C', 'V']).skip(1) {
        let numbers: Vec<f64> = piece.split(' ').filter_map(|number| number.parse().ok()).collect();
        match numbers.as_slice() {
            [y] => points.push((points.last().expect("a path starts somewhere").0, *y)),
            [.., x, y] => points.push((*x, *y)),
            [] => {}
        }
    }
    points
}

#[test]
fn the_picture_has_everything_and_nothing_overlaps() {
    let graph = sample();
    let picture = svg(&graph);
    let boxes = boxes(&picture);
    assert_eq!(boxes.len(), graph.programs.len());
    for (index, one) in boxes.iter().enumerate() {
        for other in &boxes[index + 1..] {
            let apart = one[2] < other[0] || other[2] < one[0] || one[3] < other[1] || other[3] < one[1];
            assert!(apart, "{one:?} overlaps {other:?}");
        }
        assert!(
            one[2] < number(&picture, "width") && one[3] < number(&picture, "height"),
            "{one:?} is cut off"
        );
    }
    for program in &graph.programs {
        assert!(picture.contains(&format!(">{}</text>", program.name)), "{} is missing", program.name);
    }
    assert!(picture.contains("Disks &amp; &lt;drives&gt;"), "what is special to SVG is escaped");
    let calls: Vec<_> = picture.split("<path class=\"call\" d=\"").skip(1).collect();
    let to_others = graph.calls.iter().filter(|call| call.from != call.to).count();
    assert_eq!(calls.len(), to_others);
    for call in calls {
        let points = points(call.split('"').next().expect("it ends"));
        for (from, to) in points.iter().zip(&points[1..]).filter(|(from, to)| from.0 == to.0) {
            let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
            let through = |one: &&[f64; 4]| {
                one[0] < from.0 && from.0 < one[2] && one[1] < bottom - 0.1 && top + 0.1 < one[3]
            };
            assert_eq!(boxes.iter().find(through), None, "a line runs behind a box: {points:?}");
        }
    }
    assert!(picture.contains("prefers-color-scheme:dark"), "it can be read in the dark");
}
