//! The terms as pictures: what the step saw, x_t -> x̂0, and then the update rule itself, term + term + term = x_s.

use super::{
    colours::Palette,
    equation::{caption, place},
    sentences,
    symbols::{epsilon, x_at_s, x_at_t, x0, z},
    view::View,
};
use crate::{
    app::widgets::{hint::Hint, texture_cache::TextureCache},
    math::{
        expression::{Math, upright},
        number::product,
    },
    picture::Picture,
    schedule::StepCoefficients,
};
use eframe::egui::{
    Align, Color32, FontId, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, text::LayoutJob, vec2,
};

/// What a tile shows.
enum Content<'a> {
    Picture(&'a Picture),
    /// A term that is 0.
    Zero,
    /// Nothing yet, and why.
    Missing(&'static str),
}

/// A picture with its caption.
struct Tile<'a> {
    /// What stands before it.
    sign: &'static str,
    content: Content<'a>,
    caption: Math,
    colour: Color32,
    /// Its place, and the beginning of its accessible name.
    name: &'static str,
    tip: String,
}

/// Width of a sign between two pictures.
const SIGN: f32 = 30.0;
/// Height of a caption.
const CAPTION: f32 = 30.0;

/// The pictures of one step.
pub(crate) fn terms_ui(ui: &mut Ui, view: &View<'_>, step: &StepCoefficients, textures: &mut TextureCache, palette: &Palette) {
    let (seen, summed) = (seen(view, step, palette), summed(view, step, palette));
    let available = ui.available_width();
    // Where there is little height the curves below are worth more.
    let largest = (0.15 * ui.clip_rect().height()).clamp(96.0, 192.0);
    let count = seen.len() + summed.len();
    // The pixels must be visible in a lecture: below 96 points the tiles are placed in two rows.
    let side = |count: usize| {
        let count = count as f32;
        whole_pixels(((available - 4.0 - SIGN * (count - 1.0)) / count).clamp(48.0, largest), view, ui.pixels_per_point())
    };
    let aspect = aspect(view);
    if side(count) >= 96.0 {
        let all: Vec<_> = seen.into_iter().chain(summed).collect();
        row_ui(ui, view, &all, side(count), aspect, textures, palette);
    } else {
        // If even four do not fit, the equation continues on the next line, after its sign.
        let narrow = ((available - 4.0 - 2.0 * SIGN) / 2.0).max(32.0);
        let side = if available < 420.0 { whole_pixels(narrow, view, ui.pixels_per_point()) } else { side(4) };
        row_ui(ui, view, &seen, side, aspect, textures, palette);
        row_ui(ui, view, &summed, side, aspect, textures, palette);
    }
}

/// The largest side up to `side` at which all pixels of a picture have the same size on screen, if the picture is small enough.
fn whole_pixels(side: f32, view: &View<'_>, pixels_per_point: f32) -> f32 {
    let longest = view.plan.size.0.max(view.plan.size.1).max(1) as f32;
    let times = (side * pixels_per_point / longest).floor();
    if times >= 2.0 { times * longest / pixels_per_point } else { side }
}

/// Height over width.
fn aspect(view: &View<'_>) -> f32 {
    let (height, width) = view.plan.size;
    height.max(1) as f32 / width.max(1) as f32
}

/// Why there is no picture: a long run keeps those of some steps only, or the step is still to come.
fn why_none(view: &View<'_>) -> &'static str {
    let taken = view.rms.get(view.index).is_some_and(Option::is_some);
    if taken { "no pictures kept of this step" } else { "not computed yet" }
}

/// x_t -> x̂0.
fn seen<'a>(view: &View<'a>, step: &StepCoefficients, palette: &Palette) -> Vec<Tile<'a>> {
    let picture = |of: Option<&'a Picture>| of.map_or(Content::Missing(why_none(view)), Content::Picture);
    let arrived = format!("x_t, what the step starts from, at t = {}.", step.t);
    vec![
        Tile {
            sign: "",
            content: picture(view.record.map(|m| &*m.x_t)),
            caption: x_at_t(step),
            colour: palette.x,
            name: "x_t before the step",
            tip: arrived,
        },
        Tile {
            sign: "→",
            content: picture(view.record.map(|m| &*m.x0)),
            caption: x0(),
            colour: palette.x0,
            name: "Predicted x̂0",
            tip: "x̂0, the picture predicted from x_t, as the step uses it.".to_owned(),
        },
    ]
}

/// term + term + term = x_s.
fn summed<'a>(view: &View<'a>, step: &StepCoefficients, palette: &Palette) -> Vec<Tile<'a>> {
    let why = if view.record.is_some() { "left out in a run this large" } else { why_none(view) };
    let terms = view.record.and_then(|record| record.terms.as_deref());
    let content = |of: Option<&'a Picture>, factor: f64| match (terms, of) {
        // The factor is known before any picture.
        _ if factor == 0.0 => Content::Zero,
        (None, _) => Content::Missing(why),
        (Some(_), None) => Content::Zero,
        (Some(_), Some(picture)) => Content::Picture(picture),
    };
    let tile = |content, factor, symbol, colour, name, tip| Tile {
        sign: "+",
        content,
        caption: product(factor, symbol),
        colour,
        name,
        tip,
    };
    let mut tiles = Vec::with_capacity(5);
    if view.sigma_hat {
        let picture = content(terms.and_then(|t| t.x.as_ref()), step.next_from_x);
        tiles.push(tile(picture, step.next_from_x, x_at_t(step), palette.x, "Term of x_t", sentences::kept(step)));
    }
    let picture = content(terms.map(|t| &t.x0), step.next_from_x0);
    tiles.push(tile(picture, step.next_from_x0, x0(), palette.x0, "Term of x̂0", sentences::picture(step)));
    if !view.sigma_hat {
        let picture = content(terms.and_then(|t| t.direction.as_ref()), step.next_from_epsilon);
        let tip = sentences::direction(step);
        tiles.push(tile(picture, step.next_from_epsilon, epsilon(), palette.direction, "Direction term", tip));
    }
    let picture = content(terms.and_then(|t| t.noise.as_ref()), step.sigma);
    tiles.push(tile(picture, step.sigma, z(), palette.noise, "Noise term", sentences::noise(step)));
    tiles.push(Tile {
        sign: "=",
        content: view.next.map_or(Content::Missing(why_none(view)), Content::Picture),
        caption: x_at_s(step),
        colour: palette.x,
        name: "x_s after the step",
        tip: sentences::next(step),
    });
    // The equation is set apart from what the step saw.
    if let Some(first) = tiles.first_mut() {
        first.sign = "";
    }
    tiles
}

fn row_ui(
    ui: &mut Ui,
    view: &View<'_>,
    tiles: &[Tile<'_>],
    side: f32,
    aspect: f32,
    textures: &mut TextureCache,
    palette: &Palette,
) {
    let size = if aspect > 1.0 { vec2(side / aspect, side) } else { vec2(side, side * aspect) };
    let per_row = (((ui.available_width() + SIGN) / (side + SIGN)) as usize).max(1);
    for chunk in tiles.chunks(per_row) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), size.y + CAPTION), Sense::hover());
        let goes_on = chunk.first().is_some_and(|tile| !tile.sign.is_empty());
        let used = size.x * chunk.len() as f32 + SIGN * (chunk.len() as f32 - if goes_on { 0.0 } else { 1.0 });
        let mut left = (rect.left() + (rect.width() - used).max(4.0) / 2.0).round();
        for (i, tile) in chunk.iter().enumerate() {
            if i > 0 || goes_on {
                let centre = pos2(left + SIGN / 2.0, rect.top() + size.y / 2.0);
                sign_ui(ui, tile.sign, centre, palette);
                left += SIGN;
            }
            let frame = Rect::from_min_size(pos2(left, rect.top()), size);
            tile_ui(ui, view, tile, frame, textures, palette);
            left += size.x;
        }
    }
}

/// A large sign; without one, a thin line separates two groups.
fn sign_ui(ui: &Ui, sign: &str, centre: Pos2, palette: &Palette) {
    if sign.is_empty() {
        let half = vec2(0.0, 40.0);
        ui.painter().line_segment([centre - half, centre + half], Stroke::new(1.0, palette.faint.gamma_multiply(0.5)));
        return;
    }
    if sign == "→" {
        let (tip, back) = (centre + vec2(11.0, 0.0), vec2(-7.0, 6.0));
        let stroke = Stroke::new(2.0, palette.text);
        ui.painter().line_segment([centre - vec2(11.0, 0.0), tip], stroke);
        ui.painter().line(vec![tip + back, tip, tip + vec2(back.x, -back.y)], stroke);
        return;
    }
    caption(ui, &upright(sign), 28.0, palette.text, centre + vec2(0.0, 7.0), SIGN);
}

fn tile_ui(ui: &Ui, view: &View<'_>, tile: &Tile<'_>, frame: Rect, textures: &mut TextureCache, palette: &Palette) {
    let id = place(ui, tile.name);
    let response = ui.interact(frame, id, Sense::hover());
    let painter = ui.painter();
    let write = |text: &str, size: f32, colour: Color32| {
        let mut job = LayoutJob::simple(text.to_owned(), FontId::proportional(size), colour, frame.width() - 12.0);
        job.halign = Align::Center;
        let galley = painter.layout_job(job);
        let top = frame.center().y - galley.size().y / 2.0;
        painter.galley(pos2(frame.center().x, top), galley, colour);
    };
    let state = match &tile.content {
        Content::Picture(picture) => {
            textures.paint(ui, frame, id, view.version, picture);
            ""
        }
        Content::Zero => {
            painter.rect_filled(frame, 2.0, Color32::from_gray(128));
            write("0", 30.0, Color32::BLACK);
            ": 0"
        }
        Content::Missing(why) => {
            painter.rect_filled(frame, 2.0, ui.visuals().faint_bg_color);
            write(why, 13.0, palette.faint);
            *why
        }
    };
    painter.rect_stroke(frame.expand(1.0), 3.0, Stroke::new(2.0, tile.colour), StrokeKind::Outside);
    let em = (0.13 * frame.width()).clamp(18.0, 24.0).floor();
    caption(ui, &tile.caption, em, tile.colour, frame.center_bottom() + vec2(0.0, 21.0), frame.width() + SIGN - 4.0);
    let name = match &tile.content {
        Content::Missing(_) => format!("{}: {state}", tile.name),
        _ => format!("{}{state}", tile.name),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    let tip = tile.tip.clone();
    response.hint(tip);
}
