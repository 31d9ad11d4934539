//! A plot of figures that differ by powers of ten: bars on a logarithmic scale, as SVG, with the least, median and
//! greatest value of each.

use std::fmt::Write;

use crate::commands::bench::Figure;

const ROW: u32 = 28;
const LABELS: u32 = 120;
const DECADE: f64 = 90.0;
/// Room for the number behind the longest bar.
const NUMBERS: u32 = 110;

/// The plot. Names come from programs that were measured: what is special to SVG is escaped.
pub fn svg(title: &str, figures: &[(String, Figure)]) -> String {
    let greatest = figures.iter().map(|(_, figure)| figure.max).max().unwrap_or(1);
    let decades = length(greatest) / DECADE;
    let width = LABELS + (decades.ceil() * DECADE) as u32 + NUMBERS;
    let height = ROW * (figures.len() as u32 + 2);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"8\" y=\"18\" font-weight=\"bold\">{}</text>\n",
        escaped(title)
    );
    for decade in 0..=decades.ceil() as u32 {
        let x = f64::from(LABELS) + f64::from(decade) * DECADE;
        let bottom = height - ROW;
        // A `String` takes everything that is written to it.
        let _ = writeln!(
            svg,
            "<path d=\"M{x} {ROW}V{bottom}\" stroke=\"#ddd\"/><text x=\"{x}\" y=\"{}\" fill=\"#777\" \
             text-anchor=\"middle\">10<tspan dy=\"-5\" font-size=\"9\">{decade}</tspan></text>",
            bottom + 18
        );
    }
    for (row, (name, figure)) in figures.iter().enumerate() {
        bar(&mut svg, ROW * (row as u32 + 1), name, figure);
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, top: u32, name: &str, figure: &Figure) {
    let (middle, bar) = (top + ROW / 2, top + 6);
    let (min, median, max) = (length(figure.min), length(figure.median), length(figure.max));
    let left = f64::from(LABELS);
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{LABELS}\" y=\"{bar}\" width=\"{median:.1}\" height=\"16\" fill=\"#4a7fb5\"/>\
         <path d=\"M{:.1} {middle}H{:.1}\" stroke=\"#123\" stroke-width=\"2\"/>\
         <text x=\"{:.1}\" y=\"{}\">{}</text>",
        LABELS - 8,
        middle + 4,
        escaped(name),
        left + min,
        left + max,
        left + max + 6.0,
        middle + 4,
        figure.median
    );
}

/// How long the bar for a value is.
fn length(value: u64) -> f64 {
    (value.max(1) as f64).log10() * DECADE
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_median_has_digits() {
        let figures = [("a<b".into(), Figure { min: 10, median: 1000, max: 10_000 })];
        let svg = svg("ticks & more", &figures);
        assert!(svg.contains(&format!("width=\"{:.1}\" height=\"16\"", 3.0 * DECADE)), "{svg}");
        assert!(
            svg.contains(">a&lt;b<") && svg.contains("ticks &amp; more") && svg.contains(">1000<"),
            "{svg}"
        );
        assert_eq!(svg.matches("<rect").count(), 2, "the background and one bar: {svg}");
    }

    #[test]
    fn no_figures_and_zeros_are_no_trouble() {
        assert!(svg("nothing", &[]).ends_with("</svg>\n"));
        let zero = [("zero".into(), Figure { min: 0, median: 0, max: 0 })];
        assert!(!svg("zero", &zero).contains("inf"));
    }
}
