//! Goodput over time as inline SVG: what came back, what failed, what was wrong, before, during and after the fault.
//!
//! Drawn at about the size it is shown at, so that its text stays readable on a phone; colours come from the page, and everything that a
//! colour says a shape or the description says too.

use super::escape::Safe;
use super::words::{count, duration, rate};
use crate::verdict::{EventVerdict, Phase, Sample};

const WIDTH: f64 = 340.0;
const LEFT: f64 = 6.0;
const RIGHT: f64 = WIDTH - 6.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 118.0;
const HEIGHT: f64 = 136.0;

/// The chart of one client in one event. `id` is unique on the page.
pub fn chart(id: &str, client: &str, event: &EventVerdict) -> String {
    let Some(scale) = Scale::of(&event.timeline) else { return String::new() };
    let parts = [
        band(&scale, event),
        grid(&scale),
        area(&scale, &event.timeline),
        errors(&scale, &event.timeline),
        wrong(&scale, event),
        healthy(&scale, event),
        axis(&scale),
    ];
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}: {} over time</title><desc id=\"{id}-d\">{}</desc>{}</svg>\n",
        Safe(client),
        Safe(&event.event),
        description(event),
        parts.concat()
    )
}

fn description(event: &EventVerdict) -> String {
    let goodput = event.goodput;
    let healed = match event.time_until_healthy_ms {
        Some(ms) => format!("Healthy {} after the fault ended.", duration(ms)),
        None => "Not healthy again.".into(),
    };
    format!(
        "Good answers per second: {} before, {} during and {} after the fault. {} errors, {} wrong answers. {healed}",
        rate(goodput.before),
        rate(goodput.during),
        rate(goodput.after),
        count(event.errors),
        count(event.wrong)
    )
}

/// From milliseconds and rates to the drawing.
struct Scale {
    end_ms: f64,
    most: f64,
}

impl Scale {
    fn of(timeline: &[Sample]) -> Option<Self> {
        let end_ms = timeline.last()?.at_ms as f64;
        let most =
            slices(timeline).map(|slice| slice.good.max(slice.errors).max(slice.wrong)).fold(1.0, f64::max);
        (end_ms > 0.0).then_some(Self { end_ms, most })
    }

    fn x(&self, ms: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (ms / self.end_ms).clamp(0.0, 1.0)
    }

    fn y(&self, per_second: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (per_second / self.most).clamp(0.0, 1.0)
    }
}

/// A slice of time, its counts as rates.
struct Slice {
    from_ms: f64,
    to_ms: f64,
    phase: Phase,
    good: f64,
    errors: f64,
    wrong: f64,
}

fn slices(timeline: &[Sample]) -> impl Iterator<Item = Slice> {
    let starts = std::iter::once(0).chain(timeline.iter().map(|sample| sample.at_ms));
    timeline.iter().zip(starts).filter(|(sample, start)| sample.at_ms > *start).map(|(sample, start)| {
        let seconds = (sample.at_ms - start) as f64 / 1_000.0;
        let per_second = |count: u64| count as f64 / seconds;
        Slice {
            from_ms: start as f64,
            to_ms: sample.at_ms as f64,
            phase: sample.phase,
            good: per_second(sample.good),
            errors: per_second(sample.errors),
            wrong: per_second(sample.wrong),
        }
    })
}

/// From when to when the fault was on, if there was one.
fn fault(event: &EventVerdict) -> Option<(f64, f64)> {
    if event.faults_injected == 0 {
        return None;
    }
    let mut during = slices(&event.timeline).filter(|slice| slice.phase == Phase::During);
    let first = during.next()?;
    let to = during.last().map_or(first.to_ms, |last| last.to_ms);
    Some((first.from_ms, to))
}

fn band(scale: &Scale, event: &EventVerdict) -> String {
    let Some((from, to)) = fault(event) else { return String::new() };
    let (x, width) = (scale.x(from), scale.x(to) - scale.x(from));
    // The word stays inside of the drawing, wherever the fault is.
    let word = (x + width / 2.0).clamp(LEFT + 14.0, RIGHT - 14.0);
    format!(
        "<rect class=\"fault\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/><text class=\"label\" x=\"{word:.1}\" y=\"{:.1}\" text-anchor=\"middle\">fault</text>",
        TOP - 4.0,
        BOTTOM - TOP + 4.0,
        TOP - 8.0
    )
}

fn grid(scale: &Scale) -> String {
    let half = scale.y(scale.most / 2.0);
    format!(
        "<path class=\"grid\" d=\"M{LEFT} {TOP}H{RIGHT}M{LEFT} {half:.1}H{RIGHT}\"/><text class=\"label\" x=\"{LEFT}\" y=\"{:.1}\">{}/s</text>",
        TOP - 8.0,
        rate(scale.most)
    )
}

fn area(scale: &Scale, timeline: &[Sample]) -> String {
    let line = steps(scale, timeline, |slice| slice.good);
    format!(
        "<path class=\"good-area\" d=\"M{LEFT} {BOTTOM}L{line}V{BOTTOM}Z\"/><path class=\"good\" d=\"M{line}\"/>"
    )
}

fn errors(scale: &Scale, timeline: &[Sample]) -> String {
    if timeline.iter().all(|sample| sample.errors == 0) {
        return String::new();
    }
    format!("<path class=\"errors\" d=\"M{}\"/>", steps(scale, timeline, |slice| slice.errors))
}

/// A line of steps, without the `M` or `L` that leads to its first point.
fn steps(scale: &Scale, timeline: &[Sample], value: fn(&Slice) -> f64) -> String {
    let step = |slice: Slice| {
        let y = scale.y(value(&slice));
        format!("{:.1} {y:.1}H{:.1}", scale.x(slice.from_ms), scale.x(slice.to_ms))
    };
    slices(timeline).map(step).collect::<Vec<_>>().join("L")
}

/// A bar from the ground and a mark above it for each slice with wrong answers, never too small to be seen.
fn wrong(scale: &Scale, event: &EventVerdict) -> String {
    let marked = slices(&event.timeline).filter(|slice| slice.wrong > 0.0).map(|slice| {
        let (from, to) = (scale.x(slice.from_ms), scale.x(slice.to_ms));
        let (width, y) = ((to - from).max(2.0), scale.y(slice.wrong).min(BOTTOM - 10.0));
        let middle = from + width / 2.0;
        format!(
            "<rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/><path d=\"M{middle:.1} {:.1}l-3.5 -6h7z\"/>",
            BOTTOM - y,
            y - 1.0
        )
    });
    let marks: String = marked.collect();
    if marks.is_empty() { marks } else { format!("<g class=\"wrong\">{marks}</g>") }
}

fn healthy(scale: &Scale, event: &EventVerdict) -> String {
    let (Some((_, end)), Some(ms)) = (fault(event), event.time_until_healthy_ms) else {
        return String::new();
    };
    let x = scale.x(end + ms as f64);
    format!("<path class=\"healthy\" d=\"M{x:.1} {:.1}V{BOTTOM}\"/>", TOP - 4.0)
}

fn axis(scale: &Scale) -> String {
    format!(
        "<path class=\"axis\" d=\"M{LEFT} {BOTTOM}H{RIGHT}\"/><text class=\"label\" x=\"{LEFT}\" y=\"{:.1}\">0 s</text><text class=\"label\" x=\"{RIGHT}\" y=\"{:.1}\" text-anchor=\"end\">{:.1} s</text>",
        BOTTOM + 14.0,
        BOTTOM + 14.0,
        scale.end_ms / 1_000.0
    )
}
