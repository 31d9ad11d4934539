//! Where the boxes of the picture are: callers above those they call, in layers; the rest in rows below.
//!
//! The classic way (Sugiyama and others, 1981), as far as pictures of this size need it: a program's layer is the length of
//! the longest way to it; a call that passes a layer gets a place to pass through, so that no line runs behind a box;
//! within a layer, places are ordered by the mean place of their neighbours, which keeps crossings few.

use std::collections::BTreeMap;

use super::Graph;

/// Space between boxes in a row, in pixels.
const GAP: f64 = 28.0;
/// Space between layers: the lines bend here.
const LAYER_GAP: f64 = 64.0;
/// Width of a place that a line passes through.
const PASSAGE: f64 = 14.0;
/// How often each layer is ordered by its neighbours.
const SWEEPS: usize = 8;
/// Rows without calls are about this wide, if the layers are not wider.
const WIDTH: f64 = 940.0;

/// A rectangle, in pixels from the upper left corner.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rectangle {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// The width.
    pub width: f64,
    /// The height.
    pub height: f64,
}

/// The picture.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
    /// The box of each program, by its place in the graph.
    pub boxes: BTreeMap<usize, Rectangle>,
    /// The way of each call (by its place in the graph): points where its line is vertical, from the caller's lower edge
    /// to the called one's upper edge. Calls of a program to itself have none.
    pub ways: BTreeMap<usize, Vec<(f64, f64)>>,
    /// The size of it all.
    pub size: (f64, f64),
    /// Where the programs without calls begin.
    pub rest: f64,
}

/// A place in a layer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    /// A program.
    Program(usize),
    /// Where a call passes.
    Passage(usize, usize),
}

/// Lays out the programs `shown` (places in the graph), whose boxes have the sizes that `measure` says.
pub fn layout(graph: &Graph, shown: &[usize], measure: impl Fn(usize) -> (f64, f64)) -> Layout {
    let place = |name: &str| shown.iter().copied().find(|index| graph.programs[*index].name == name);
    let calls: Vec<(usize, usize, usize)> = (graph.calls.iter().enumerate())
        .filter_map(|(index, call)| Some((index, place(&call.from)?, place(&call.to)?)))
        .filter(|(_, from, to)| from != to)
        .collect();
    let layers = layers_of(&calls);
    let (rows, links) = rows_of(&calls, &layers);
    let rows = ordered(rows, &links);
    let mut layout = Layout::default();
    let mut centres: BTreeMap<Place, f64> = BTreeMap::new();
    let width = |place: &Place| match place {
        Place::Program(program) => measure(*program).0,
        Place::Passage(..) => PASSAGE,
    };
    let widths: Vec<f64> = rows.iter().map(|row| total(row.iter().map(width))).collect();
    let widest = widths.iter().copied().fold(0.0, f64::max);
    let (mut top, mut edges) = (0.0, Vec::new());
    for (row, row_width) in rows.iter().zip(&widths) {
        let height = row.iter().map(|place| height(place, &measure)).fold(0.0, f64::max);
        let mut left = (widest - row_width) / 2.0;
        for place in row {
            if let Place::Program(program) = place {
                let (width, height) = measure(*program);
                layout.boxes.insert(*program, Rectangle { x: left, y: top, width, height });
            }
            centres.insert(*place, left + width(place) / 2.0);
            left += width(place) + GAP;
        }
        edges.push((top, top + height));
        top += height + LAYER_GAP;
    }
    for (index, from, to) in &calls {
        layout.ways.insert(*index, way(*index, *from, *to, &layout, &layers, &centres, &edges, &calls));
    }
    layout.rest = if rows.is_empty() { 0.0 } else { top };
    let connected = |index: &&usize| layers.contains_key(*index);
    let rest: Vec<usize> = shown.iter().filter(|index| !connected(index)).copied().collect();
    fill_rows(&mut layout, &rest, widest.max(WIDTH), &measure);
    layout
}

fn total(widths: impl Iterator<Item = f64>) -> f64 {
    let widths: Vec<f64> = widths.collect();
    widths.iter().sum::<f64>() + GAP * (widths.len().saturating_sub(1)) as f64
}

fn height(place: &Place, measure: &impl Fn(usize) -> (f64, f64)) -> f64 {
    match place {
        Place::Program(program) => measure(*program).1,
        Place::Passage(..) => 0.0,
    }
}

/// The layer of each program that calls or is called. In a circle the last call found does not count.
fn layers_of(calls: &[(usize, usize, usize)]) -> BTreeMap<usize, usize> {
    let mut layers: BTreeMap<usize, usize> =
        calls.iter().flat_map(|(_, from, to)| [(*from, 0), (*to, 0)]).collect();
    let mut downward: Vec<(usize, usize)> = Vec::new();
    for (_, from, to) in calls {
        if !reaches(&downward, *to, *from) {
            downward.push((*from, *to));
        }
    }
    // Each round brings at least the next layer to its end.
    for _ in 0..layers.len() {
        for (from, to) in &downward {
            let below = layers[from] + 1;
            layers.entry(*to).and_modify(|layer| *layer = below.max(*layer));
        }
    }
    layers
}

fn reaches(calls: &[(usize, usize)], from: usize, to: usize) -> bool {
    let (mut seen, mut ahead) = (vec![from], vec![from]);
    while let Some(program) = ahead.pop() {
        if program == to {
            return true;
        }
        for (_, next) in calls.iter().filter(|(caller, _)| *caller == program) {
            if !seen.contains(next) {
                seen.push(*next);
                ahead.push(*next);
            }
        }
    }
    false
}

/// Rows of places, and links between places of neighbouring rows.
type Rows = (Vec<Vec<Place>>, Vec<(Place, Place)>);

fn rows_of(calls: &[(usize, usize, usize)], layers: &BTreeMap<usize, usize>) -> Rows {
    let count = layers.values().max().map_or(0, |last| last + 1);
    let mut rows = vec![Vec::new(); count];
    for (program, layer) in layers {
        rows[*layer].push(Place::Program(*program));
    }
    let mut links = Vec::new();
    for (index, from, to) in calls {
        let (first, last) = (layers[from].min(layers[to]), layers[from].max(layers[to]));
        let upper = if layers[from] <= layers[to] { *from } else { *to };
        let mut above = Place::Program(upper);
        for (layer, row) in rows.iter_mut().enumerate().take(last).skip(first + 1) {
            let passage = Place::Passage(*index, layer);
            row.push(passage);
            links.push((above, passage));
            above = passage;
        }
        links.push((above, Place::Program(if upper == *from { *to } else { *from })));
    }
    (rows, links)
}

/// Orders each row by the mean place of its neighbours, down and up in turn.
fn ordered(mut rows: Vec<Vec<Place>>, links: &[(Place, Place)]) -> Vec<Vec<Place>> {
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let order: Vec<usize> =
            if down { (1..rows.len()).collect() } else { (1..rows.len()).rev().collect() };
        for row in order {
            let (fixed, moved) = if down { (row - 1, row) } else { (row, row - 1) };
            let neighbours = rows[fixed].clone();
            let mean = |place: &Place| {
                let linked = links.iter().filter_map(|(above, below)| match down {
                    true => (below == place).then_some(above),
                    false => (above == place).then_some(below),
                });
                let places: Vec<f64> = linked
                    .filter_map(|other| neighbours.iter().position(|neighbour| neighbour == other))
                    .map(|position| (position as f64 + 0.5) / neighbours.len() as f64)
                    .collect();
                (!places.is_empty()).then(|| places.iter().sum::<f64>() / places.len() as f64)
            };
            let length = rows[moved].len() as f64;
            let mut keyed: Vec<(f64, Place)> = (rows[moved].iter().enumerate())
                .map(|(index, place)| (mean(place).unwrap_or((index as f64 + 0.5) / length), *place))
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[moved] = keyed.into_iter().map(|(_, place)| place).collect();
        }
    }
    rows
}

/// The points that a call's line goes through, from the caller to the called.
#[allow(clippy::too_many_arguments, reason = "all that was found out before")]
fn way(
    index: usize,
    from: usize,
    to: usize,
    layout: &Layout,
    layers: &BTreeMap<usize, usize>,
    centres: &BTreeMap<Place, f64>,
    edges: &[(f64, f64)],
    calls: &[(usize, usize, usize)],
) -> Vec<(f64, f64)> {
    let upwards = layers[&from] > layers[&to];
    let (upper, lower) = if upwards { (to, from) } else { (from, to) };
    let at = |program: usize, is_end: &dyn Fn(&(usize, usize, usize)) -> bool| {
        // Lines share an edge of a box evenly, in the order of what is at their other ends.
        let mut ends: Vec<(f64, usize)> = (calls.iter().filter(|call| is_end(call)))
            .map(|(index, from, to)| {
                let other = if *from == program { *to } else { *from };
                (centres.get(&Place::Program(other)).copied().unwrap_or_default(), *index)
            })
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let position = ends.iter().position(|(_, end)| *end == index).unwrap_or_default();
        let rectangle = layout.boxes[&program];
        rectangle.x + rectangle.width * (position as f64 + 1.0) / (ends.len() as f64 + 1.0)
    };
    let below = |call: &(usize, usize, usize)| {
        let other = if call.1 == upper { call.2 } else { call.1 };
        (call.1 == upper || call.2 == upper) && layers[&other] > layers[&upper]
    };
    let above = |call: &(usize, usize, usize)| {
        let other = if call.1 == lower { call.2 } else { call.1 };
        (call.1 == lower || call.2 == lower) && layers[&other] < layers[&lower]
    };
    let start = layout.boxes[&upper];
    let x = at(upper, &below);
    let mut points = vec![(x, start.y + start.height), (x, edges[layers[&upper]].1)];
    for (layer, (top, bottom)) in edges.iter().enumerate().take(layers[&lower]).skip(layers[&upper] + 1) {
        let x = centres[&Place::Passage(index, layer)];
        points.extend([(x, *top), (x, *bottom)]);
    }
    points.push((at(lower, &above), layout.boxes[&lower].y));
    if upwards {
        points.reverse();
    }
    points
}

/// Puts boxes into rows below what is there.
fn fill_rows(layout: &mut Layout, programs: &[usize], width: f64, measure: &impl Fn(usize) -> (f64, f64)) {
    let (mut left, mut top, mut row_height) = (0.0, layout.rest, 0.0_f64);
    for program in programs {
        let (box_width, height) = measure(*program);
        if left > 0.0 && left + box_width > width {
            (left, top, row_height) = (0.0, top + row_height + GAP, 0.0);
        }
        layout.boxes.insert(*program, Rectangle { x: left, y: top, width: box_width, height });
        left += box_width + GAP;
        row_height = row_height.max(height);
    }
    let right = layout.boxes.values().map(|one| one.x + one.width).fold(0.0, f64::max);
    let bottom = layout.boxes.values().map(|one| one.y + one.height).fold(0.0, f64::max);
    layout.size = (right, bottom);
}
