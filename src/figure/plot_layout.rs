//! Curves on a page: the frame, its numbers, the lines.

use super::{
    fonts::Letters,
    label::label,
    plot::{Axis, Plot, Series, Style},
    scene::{Anchor, Area, Figure, Mark},
    theme::{Colours, Look},
};
use crate::math::{axis, typeset::Setter};

/// Size of the title, of numbers and of what is said below.
const TITLE: f32 = 15.0;
const EM: f32 = 12.5;
const MARGIN: f32 = 10.0;
/// Inside the frame.
const WIDTH: f32 = 420.0;
const HEIGHT: f32 = 170.0;
/// Room for the numbers on the left.
const NUMBERS: f32 = 56.0;
/// Between two numbers, about.
const X_EVERY: f32 = 80.0;
const Y_EVERY: f32 = 36.0;

/// From numbers to places along one axis.
struct Scale {
    low: f64,
    high: f64,
    is_logarithmic: bool,
    /// Where low and high are.
    from: f32,
    to: f32,
}

impl Scale {
    fn new(axis: &Axis, values: impl Iterator<Item = f64>, margin: f64, [from, to]: [f32; 2]) -> Self {
        let usable = |value: &f64| value.is_finite() && (!axis.is_logarithmic || *value > 0.0);
        let along = |value: f64| if axis.is_logarithmic { value.log10() } else { value };
        let given = axis.range.into_iter().flatten();
        let all: Vec<f64> = values.chain(given).filter(usable).map(along).collect();
        let (mut low, mut high) =
            (all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low < 1e-12 {
            (low, high) = (low - 0.5, high + 0.5);
        }
        let more = (high - low) * margin;
        // What begins at 0 keeps it as its edge.
        let low = if low == 0.0 && !axis.is_logarithmic { 0.0 } else { low - more };
        let (from, to) = if axis.is_reversed { (to, from) } else { (from, to) };
        Self { low, high: high + more, is_logarithmic: axis.is_logarithmic, from, to }
    }

    /// The place of a number, where it has one.
    fn place(&self, value: f64) -> Option<f32> {
        let value = if self.is_logarithmic { value.log10() } else { value };
        let part = (value - self.low) / (self.high - self.low);
        (-1e-9..=1.0 + 1e-9).contains(&part).then_some(self.from + (self.to - self.from) * part as f32)
    }

    /// The numbers to be written along it.
    fn marks(&self, axis: &Axis, every: f32) -> Vec<(f64, String)> {
        if !axis.marks.is_empty() {
            return axis.marks.clone();
        }
        let about = f64::from(((self.to - self.from).abs() / every).clamp(1.5, 10.0));
        if self.is_logarithmic {
            let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
            let step = ((last - first) as f64 / about).ceil().max(1.0) as usize;
            return (first..=last).step_by(step).map(|power| (10_f64.powi(power), power_of_ten(power))).collect();
        }
        let (values, step) = axis::marks(self.low, self.high, about, axis.min_step);
        values.into_iter().map(|value| (value, axis::written(value, step))).collect()
    }
}

fn power_of_ten(power: i32) -> String {
    match power {
        0..=3 => 10_i32.pow(power as u32).to_string(),
        -3..=-1 => format!("{:.*}", power.unsigned_abs() as usize, 10_f64.powi(power)),
        _ => format!("1e{power}").replace('-', "−"),
    }
}

impl Plot {
    /// The curves on a page.
    pub fn figure(&self, look: Look) -> Figure {
        let colours = Colours::new(look.light);
        let letters = Letters::default();
        let setter = Setter::new(&letters);
        let write = |figure: &mut Figure, text: &str, em: f32, at: [f32; 2], anchor: Anchor, colour| {
            let sheet = setter.set(&label(text), em);
            figure.anchored(&sheet, at, anchor, colour);
            sheet.width
        };
        // The name of the y axis has a line of its own above the numbers.
        let top = MARGIN + if look.labels { TITLE + EM + 14.0 } else { 4.0 };
        let width = if self.width > 0.0 { self.width } else { WIDTH };
        let frame = Area { x: MARGIN + NUMBERS, y: top, width, height: HEIGHT };
        let (right, bottom) = (frame.x + frame.width, frame.y + frame.height);
        let mut figure = Figure { title: self.title.clone(), background: colours.background, ..Figure::default() };
        figure.width = right + MARGIN + 14.0;
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Scale::new(&self.x, points().map(|p| p[0]), 0.02, [frame.x, right]);
        let ys = points().map(|p| p[1]).chain(self.horizontals.iter().copied());
        let y = Scale::new(&self.y, ys, 0.06, [bottom, frame.y]);

        let line = |points: Vec<[f32; 2]>, width, colour, dashed| Mark::Line { points, width, colour, dashed };
        for (value, text) in x.marks(&self.x, X_EVERY) {
            let Some(at) = x.place(value) else { continue };
            figure.marks.push(line(vec![[at, frame.y], [at, bottom]], 0.75, colours.rule, false));
            write(&mut figure, &text, EM, [at, bottom + EM + 3.0], Anchor::Middle, colours.ink);
        }
        for (value, text) in y.marks(&self.y, Y_EVERY) {
            let Some(at) = y.place(value) else { continue };
            figure.marks.push(line(vec![[frame.x, at], [right, at]], 0.75, colours.rule, false));
            write(&mut figure, &text, EM, [frame.x - 6.0, at + 0.33 * EM], Anchor::End, colours.ink);
        }
        let corners = vec![[frame.x, frame.y], [frame.x, bottom], [right, bottom]];
        figure.marks.push(line(corners, 1.0, colours.faint, false));
        for at in self.ticks.iter().filter_map(|value| x.place(*value)) {
            figure.marks.push(line(vec![[at, bottom - 6.0], [at, bottom]], 1.0, colours.of(super::Role::X0), false));
        }
        for at in self.horizontals.iter().filter_map(|value| y.place(*value)) {
            figure.marks.push(line(vec![[frame.x, at], [right, at]], 1.0, colours.faint, true));
        }
        for (value, role) in &self.verticals {
            if let Some(at) = x.place(*value) {
                figure.marks.push(line(vec![[at, frame.y], [at, bottom]], 1.25, colours.of(*role), false));
            }
        }
        for series in &self.series {
            draw(&mut figure, series, &x, &y, bottom, &colours);
        }

        let mut below = bottom + EM + 3.0;
        if look.labels {
            let mut at = MARGIN + write(&mut figure, &self.title, TITLE, [MARGIN, MARGIN + TITLE], Anchor::Start, colours.ink);
            for series in self.series.iter().filter(|series| !series.name.is_empty()) {
                at += 18.0;
                let sample = vec![[at, MARGIN + TITLE - 4.5], [at + 18.0, MARGIN + TITLE - 4.5]];
                let is_dots = matches!(series.style, Style::Dots | Style::Diamonds);
                if is_dots {
                    let dot = [at + 9.0, MARGIN + TITLE - 4.5];
                    let diamond = series.style == Style::Diamonds;
                    figure.marks.push(Mark::Dot { at: dot, radius: 3.5, colour: colours.of(series.role), diamond });
                } else {
                    figure.marks.push(line(sample, 2.0, colours.of(series.role), series.style == Style::Dashed));
                }
                at += 23.0;
                at += write(&mut figure, &series.name, EM, [at, MARGIN + TITLE], Anchor::Start, colours.of(series.role));
            }
            figure.width = figure.width.max(at + MARGIN);
            write(&mut figure, &self.y.label, EM, [MARGIN, frame.y - 8.0], Anchor::Start, colours.faint);
            below += EM + 5.0;
            write(&mut figure, &self.x.label, EM, [frame.x + frame.width / 2.0, below], Anchor::Middle, colours.ink);
            if !self.caption.is_empty() {
                below += EM + 6.0;
                let width = write(&mut figure, &self.caption, EM, [frame.x, below], Anchor::Start, colours.faint);
                figure.width = figure.width.max(frame.x + width + MARGIN);
            }
        }
        figure.width = figure.width.ceil();
        figure.height = (below + 0.3 * EM + MARGIN).ceil();
        figure
    }
}

/// Draws a series; a line is broken where a point has no place.
fn draw(figure: &mut Figure, series: &Series, x: &Scale, y: &Scale, bottom: f32, colours: &Colours) {
    let colour = colours.of(series.role);
    let places: Vec<Option<[f32; 2]>> = series.points.iter().map(|p| Some([x.place(p[0])?, y.place(p[1])?])).collect();
    if series.style == Style::Bars {
        let width =
            places.iter().flatten().zip(places.iter().flatten().skip(1)).map(|(a, b)| (b[0] - a[0]).abs()).fold(40.0, f32::min);
        for [at, top] in places.iter().flatten() {
            let area = Area { x: at - width * 0.46, y: *top, width: width * 0.92, height: (bottom - top).max(0.0) };
            figure.marks.push(Mark::Fill { at: area, colour });
        }
        return;
    }
    let has_line = matches!(series.style, Style::Line | Style::Dashed | Style::LineAndDots);
    if has_line {
        for part in places.split(Option::is_none) {
            let points: Vec<[f32; 2]> = part.iter().flatten().copied().collect();
            let dashed = series.style == Style::Dashed;
            if points.len() > 1 {
                figure.marks.push(Mark::Line { points, width: if dashed { 1.25 } else { 2.0 }, colour, dashed });
            }
        }
    }
    let diamond = series.style == Style::Diamonds;
    if diamond || matches!(series.style, Style::Dots | Style::LineAndDots) {
        let radius = if diamond { 5.0 } else { 3.0 };
        figure.marks.extend(places.into_iter().flatten().map(|at| Mark::Dot { at, radius, colour, diamond }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Role;

    #[test]
    fn points_lie_where_their_numbers_are() {
        let axis = |range| Axis { range: Some(range), ..Axis::default() };
        let scale = Scale::new(&axis([0.0, 10.0]), [2.0, f64::NAN].into_iter(), 0.0, [100.0, 200.0]);
        assert_eq!([0.0, 5.0, 10.0, 11.0].map(|x| scale.place(x)), [Some(100.0), Some(150.0), Some(200.0), None]);
        let falling = Scale::new(&Axis { is_reversed: true, ..axis([0.0, 10.0]) }, std::iter::empty(), 0.0, [100.0, 200.0]);
        assert_eq!(falling.place(0.0), Some(200.0));
        let powers = Axis { is_logarithmic: true, ..axis([1e-4, 1.0]) };
        let scale = Scale::new(&powers, [0.0].into_iter(), 0.0, [0.0, 100.0]);
        assert_eq!(scale.place(1e-2), Some(50.0));
        let names: Vec<String> = scale.marks(&powers, 20.0).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["1e−4", "0.001", "0.01", "0.1", "1"]);
    }

    #[test]
    fn a_plot_without_points_is_a_frame() {
        let plot = Plot { title: "nothing".to_owned(), ..Plot::default() };
        assert!(plot.figure(Look::default()).marks.len() > 4);
        let nan = Series { points: vec![[0.0, f64::NAN], [f64::INFINITY, 1.0]], style: Style::LineAndDots, ..Series::default() };
        let plot = Plot { series: vec![nan], verticals: vec![(f64::NAN, Role::Mark)], ..plot };
        assert!(plot.figure(Look { light: false, labels: false }).height > 100.0);
    }
}
