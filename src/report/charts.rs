//! The page's charts, as SVG.
//!
//! They are drawn in the colours of [`PALETTE`]. The page's style sheet replaces each colour, so
//! that charts are light or dark with the page. Numbers and times are the only values of a ledger
//! in a chart.

use std::io;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::RowsByAttempts;
use super::axis::{DECIMAL, Ticked, short, ticks};
use super::latency::Latencies;
use super::time_axis::TimeAxis;
use super::timeline::Timeline;
use crate::display::thousands;

/// Twice the intended size, because coordinates are whole numbers.
const SIZE: (u32, u32) = (1_280, 540);
const LETTERS: u32 = 32;

const CALLS: RGBColor = RGBColor(0x3a, 0x6e, 0xa5);
const RETRIED: RGBColor = RGBColor(0xe0, 0xa0, 0x30);
const FAILED: RGBColor = RGBColor(0xc2, 0x41, 0x2d);
const MARK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const QUIET: RGBColor = RGBColor(0x5f, 0x68, 0x72);
const GRID: RGBColor = RGBColor(0xdf, 0xe3, 0xe8);

/// Every colour of a chart, with the style sheet's variable that replaces it.
const PALETTE: [(RGBColor, &str); 6] = [
    (CALLS, "--calls"),
    (RETRIED, "--retried"),
    (FAILED, "--failed"),
    (MARK, "--ink"),
    (QUIET, "--quiet"),
    (GRID, "--grid"),
];

/// Returns the CSS rules that give charts the page's colours.
pub(super) fn style() -> String {
    let rule = |(RGBColor(r, g, b), variable): (RGBColor, &str)| {
        ["fill", "stroke"].map(|part| {
            format!("figure [{part}=\"#{r:02X}{g:02X}{b:02X}\"]{{{part}:var({variable})}}\n")
        })
    };
    PALETTE.into_iter().flat_map(rule).collect()
}

/// Draws calls per second over time, against the cap.
pub(super) fn rate(timeline: &Timeline, cap: u32) -> String {
    let cap = f64::from(cap);
    let top = timeline.highest().max(cap) * 1.12;
    over_time(timeline, top, |chart, axis| {
        let columns = axis.columns();
        chart.draw_series(columns.map(|(along, bucket)| {
            let up = 0.0..timeline.rate(bucket);
            column(along, up, CALLS)
        }))?;
        let end = axis.end;
        chart.draw_series([line((0.0, cap), (end, cap))])?;
        let cap_name = format!("the cap, {cap}/s");
        chart.draw_series([letters(cap_name, (end, cap), HPos::Right, VPos::Bottom)])?;
        Ok(())
    })
}

/// Draws the rows per second that were recalled, recalled by a retry, or failed, stacked. It shows
/// counts and not shares, because the last seconds of a run hold only a few late retries.
pub(super) fn outcomes(timeline: &Timeline) -> String {
    let top = timeline.highest().max(1.0) * 1.12;
    over_time(timeline, top, |chart, axis| {
        for (along, bucket) in axis.columns() {
            let mut below = 0.0;
            for (rows, colour) in [
                (bucket.at_once, CALLS),
                (bucket.by_retry, RETRIED),
                (bucket.failed, FAILED),
            ] {
                let above = below + rows as f64 / timeline.bucket_s as f64;
                if rows > 0 {
                    chart.draw_series([column(along, below..above, colour)])?;
                }
                below = above;
            }
        }
        Ok(())
    })
}

/// Draws how long answers took, with the percentiles marked.
pub(super) fn latencies(latencies: &Latencies) -> String {
    let width = latencies.bars.first().and_then(|bar| bar.to).unwrap_or(1) as f64;
    let end = latencies.bars.len() as f64 * width;
    let max = latencies
        .bars
        .iter()
        .map(|bar| bar.calls)
        .max()
        .unwrap_or(1);
    let top = max as f64 * 1.45;
    draw(|area| {
        let along = (0.0..end, ticks(0.0..end, &DECIMAL));
        let ms = |ms: &f64| format!("{} ms", short(*ms));
        let mut chart = chart(area, along, 0.0..top, &|calls| short(*calls), &ms)?;
        chart.draw_series(latencies.bars.iter().map(|bar| {
            let (from, calls) = (bar.from as f64, bar.calls as f64);
            Rectangle::new([(from, 0.0), (from + width, calls)], CALLS.filled())
        }))?;
        // Each label is to the left of its line, above the lines that it would cross.
        for (name, ms, height) in [
            ("50 %", latencies.p50, 0.78),
            ("95 %", latencies.p95, 0.88),
            ("99 %", latencies.p99, 0.98),
        ] {
            let (at, height) = ((ms as f64).min(end), top * height);
            let (side, gap) = if at < end * 0.1 {
                (HPos::Left, 0.01)
            } else {
                (HPos::Right, -0.01)
            };
            chart.draw_series([line((at, 0.0), (at, height))])?;
            let beside = (at + end * gap, height);
            chart.draw_series([letters(name.to_owned(), beside, side, VPos::Top)])?;
        }
        Ok(())
    })
}

/// Draws how many calls rows took.
pub(super) fn attempts(attempts: &[RowsByAttempts]) -> String {
    let max = attempts.iter().map(|by| by.rows).max().unwrap_or(1);
    let end = attempts.len().max(4) as f64 + 0.5;
    let numbers = attempts.iter().map(|by| by.attempts as f64).collect();
    let name = |at: &f64| {
        let by = attempts
            .iter()
            .find(|by| (by.attempts as f64 - at).abs() < 0.1);
        by.map_or_else(String::new, |by| {
            format!("{}{}", by.attempts, if by.or_more { "+" } else { "" })
        })
    };
    draw(|area| {
        let up = 0.0..max as f64 * 1.18;
        let mut chart = chart(area, (0.5..end, numbers), up, &|rows| short(*rows), &name)?;
        for by in attempts.iter().filter(|by| by.rows > 0) {
            let (at, rows) = (by.attempts as f64, by.rows as f64);
            let colour = if by.attempts == 1 { CALLS } else { RETRIED };
            let corners = [(at - 0.32, 0.0), (at + 0.32, rows)];
            chart.draw_series([Rectangle::new(corners, colour.filled())])?;
            if attempts.len() <= 8 {
                let count = thousands(by.rows);
                chart.draw_series([letters(count, (at, rows), HPos::Center, VPos::Bottom)])?;
            }
        }
        Ok(())
    })
}

type Area<'s> = DrawingArea<SVGBackend<'s>, Shift>;
type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<io::Error>>;
type Plane = Cartesian2d<Ticked, RangedCoordf64>;
type Chart<'a, 's> = ChartContext<'a, SVGBackend<'s>, Plane>;
type Names<'n> = &'n dyn Fn(&f64) -> String;

/// Draws an SVG element for HTML, where it needs no namespace.
fn draw(paint: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    paint(&area)
        .and_then(|()| area.present())
        .expect("drawing to a String can't fail");
    drop(area);
    svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1)
}

/// Draws a chart of rates over time, with breaks marked.
fn over_time(
    timeline: &Timeline,
    top: f64,
    paint: impl FnOnce(&mut Chart<'_, '_>, &TimeAxis<'_>) -> Drawn,
) -> String {
    let axis = TimeAxis::of(timeline);
    let names = axis.names();
    let name = |at: &f64| {
        let name = names.iter().find(|(named, _)| (named - at).abs() < 0.1);
        name.map_or_else(String::new, |(_, name)| name.clone())
    };
    draw(|area| {
        let up = |rate: &f64| format!("{}/s", short(*rate));
        let ticks = names.iter().map(|(at, _)| *at).collect();
        let mut chart = chart(area, (0.0..axis.end, ticks), 0.0..top, &up, &name)?;
        let bands = axis.breaks().map(|along| column(along, 0.0..top, GRID));
        chart.draw_series(bands)?;
        paint(&mut chart, &axis)
    })
}

/// Draws the axes with labels. The horizontal axis gets the given ticks.
fn chart<'a, 's>(
    area: &'a Area<'s>,
    (along, ticks): (Range<f64>, Vec<f64>),
    up: Range<f64>,
    names_up: Names<'_>,
    names_along: Names<'_>,
) -> Drawn<Chart<'a, 's>> {
    let mut chart = ChartBuilder::on(area)
        .margin_top(16)
        .margin_right(48)
        .x_label_area_size(56)
        .y_label_area_size(112)
        .build_cartesian_2d(Ticked::new(along, ticks), up)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(0)
        .bold_line_style(GRID.stroke_width(2))
        .axis_style(GRID.stroke_width(2))
        .label_style(("sans-serif", LETTERS, &QUIET))
        .y_labels(5)
        .x_label_formatter(&names_along)
        .y_label_formatter(&names_up)
        .draw()?;
    Ok(chart)
}

type Point = (f64, f64);

fn letters(text: String, at: Point, across: HPos, up: VPos) -> Text<'static, Point, String> {
    let style = TextStyle::from(("sans-serif", LETTERS).into_font());
    Text::new(text, at, style.color(&MARK).pos(Pos::new(across, up)))
}

fn line(from: Point, to: Point) -> PathElement<Point> {
    PathElement::new([from, to], MARK.stroke_width(3))
}

/// Returns one segment of a bucket's column.
fn column([from, to]: [f64; 2], up: Range<f64>, colour: RGBColor) -> Rectangle<Point> {
    Rectangle::new([(from, up.start), (to, up.end)], colour.filled())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn charts_of_no_calls_and_of_one_call_can_be_drawn() {
        let mut timeline = Timeline::default();
        for _ in 0..2 {
            for svg in [rate(&timeline, 200), outcomes(&timeline)] {
                assert!(svg.starts_with("<svg ") && !svg.contains("http"), "{svg}");
            }
            timeline.at(Timestamp::UNIX_EPOCH).failed += 1;
        }
        assert!(latencies(&Latencies::default()).ends_with("</svg>\n"));
        assert!(attempts(&[]).ends_with("</svg>\n"));
    }

    #[test]
    fn every_colour_of_a_chart_has_a_rule() {
        let mut timeline = Timeline::default();
        let bucket = timeline.at(Timestamp::UNIX_EPOCH);
        (bucket.at_once, bucket.by_retry, bucket.failed) = (3, 2, 1);
        let style = style();
        let svg = rate(&timeline, 200) + &outcomes(&timeline);
        for colour in svg.split('"').filter(|value| value.starts_with('#')) {
            assert!(style.contains(colour), "{colour} has no rule");
        }
    }
}
