//! τ as ticks along an axis of timesteps, which can be edited by hand.

use super::{
    colours::Palette,
    tau_edit,
    tau_keys::{self, Chosen},
};
use crate::app::state::command::Command;
use crate::app::widgets::hint::Hint;
use eframe::egui::{
    self, Align2, Color32, CursorIcon, FontId, Id, Mesh, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

/// Height of the strip.
const HEIGHT: f32 = 62.0;
/// How close to a tick the pointer must be to mean it, in points.
const REACH: f32 = 9.0;
/// A tick is dropped this far outside the strip.
const OUTSIDE: f32 = 24.0;
/// Ticks nearer to each other than this, on average, are drawn as a density.
const CROWDED: f32 = 3.0;

/// A tick that is being dragged.
#[derive(Clone)]
struct Drag {
    /// τ as it was when the drag began.
    tau: Vec<u32>,
    index: usize,
    /// The τ asked for last; its run may take a while to begin.
    asked: Vec<u32>,
    /// Whether it would be removed if it were released now.
    outside: bool,
}

/// Timesteps and where they are on screen.
struct Axis {
    left: f32,
    width: f32,
    last: f32,
}

impl Axis {
    fn new(rect: Rect, train_timesteps: u32) -> Self {
        Self {
            left: rect.left() + 10.0,
            width: (rect.width() - 20.0).max(1.0),
            last: train_timesteps.saturating_sub(1).max(1) as f32,
        }
    }

    fn x(&self, t: u32) -> f32 {
        self.left + t as f32 / self.last * self.width
    }

    fn t(&self, x: f32) -> f64 {
        f64::from((x - self.left) / self.width * self.last)
    }
}

/// Draws τ (rising) along 0 … T−1, with `current` marked. A tick can be dragged between its neighbours, a double click adds one,
/// and a right click or dragging it out of the strip removes one. Returns the list asked for, repeatedly while a tick is being
/// dragged. If the strip has the focus, the keys of `tau_keys` do the same.
pub fn tau_strip_ui(ui: &mut Ui, train_timesteps: u32, tau: &[u32], current: Option<u32>) -> Option<Command> {
    let (_, rect) = ui.allocate_space(vec2(ui.available_width().max(60.0), HEIGHT));
    // An id of its own, as other parts of the panel may change while a tick is being dragged.
    let response = ui.interact(rect, ui.make_persistent_id("tau strip"), Sense::click_and_drag());
    let axis = Axis::new(rect, train_timesteps);
    let own = tau_edit::distinct(tau);
    let keyed = tau_keys::keys(ui, response.id, &own, current, train_timesteps);
    let (chosen, by_key) = keyed.map_or((None, None), |(chosen, command)| (Some(chosen), command));
    let name = format!("Timesteps τ: {} of 0 to {}", own.len(), train_timesteps.saturating_sub(1));
    response.widget_info(|| {
        let held = chosen.as_ref().and_then(Chosen::t).map_or(String::new(), |t| format!("; t = {t} is chosen"));
        WidgetInfo::labeled(Role::Image, true, format!("{name}{held}"))
    });
    let command = edit(ui, &response, rect, &axis, &own, train_timesteps).or(by_key);
    let drag: Option<Drag> = ui.data(|data| data.get_temp(response.id));
    let shown = drag.as_ref().map(|drag| &drag.asked).or(chosen.as_ref().map(|chosen| &chosen.tau)).unwrap_or(&own);
    if ui.is_rect_visible(rect) {
        let held = match &drag {
            Some(drag) => shown.get(drag.index).map(|t| (*t, drag.outside)),
            None => chosen.as_ref().and_then(Chosen::t).map(|t| (t, false)),
        };
        paint(ui, rect, &axis, shown, current, held);
        if response.has_focus() {
            let ring = ui.visuals().selection.stroke;
            ui.painter().rect_stroke(rect, 4.0, ring, egui::StrokeKind::Inside);
        }
    }
    if drag.is_none() {
        response.hint_ui(|ui| explain(ui, &name));
    }
    command
}

fn explain(ui: &mut Ui, name: &str) {
    ui.strong(name);
    ui.label("The timesteps that sampling visits, from the largest down to the smallest.");
    ui.label("Drag a tick to move it between its neighbours. Double-click beside the ticks to add one. Right-click a tick, or drag it out of the strip, to remove it.");
    ui.label("With the focus here (Tab): ← → choose a tick, Shift + ← → move it, with Ctrl by ten, + adds one beside it, Delete removes it.");
}

/// What the pointer asks for.
fn edit(ui: &Ui, response: &Response, rect: Rect, axis: &Axis, tau: &[u32], train_timesteps: u32) -> Option<Command> {
    let under = |x: f32| {
        let index = tau_edit::nearest(tau, axis.t(x))?;
        ((axis.x(tau[index]) - x).abs() <= REACH).then_some(index)
    };
    let id = response.id;
    if response.drag_started_by(egui::PointerButton::Primary)
        && let Some(origin) = ui.input(|i| i.pointer.press_origin())
        && let Some(index) = under(origin.x)
    {
        ui.data_mut(|data| data.insert_temp(id, Drag { tau: tau.to_vec(), index, asked: tau.to_vec(), outside: false }));
    }
    if let Some(drag) = ui.data(|data| data.get_temp::<Drag>(id)) {
        return dragged(ui, response, rect, axis, train_timesteps, drag);
    }
    let pointer = response.hover_pos()?;
    if under(pointer.x).is_some() {
        ui.set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    if response.double_clicked() && under(pointer.x).is_none() {
        return tau_edit::added(tau, axis.t(pointer.x), train_timesteps).map(Command::SetTau);
    }
    if response.secondary_clicked() {
        return tau_edit::removed(tau, under(pointer.x)?).map(Command::SetTau);
    }
    None
}

/// What a dragged tick asks for, once per position. When it is released, the drag is forgotten.
fn dragged(ui: &Ui, response: &Response, rect: Rect, axis: &Axis, train_timesteps: u32, mut drag: Drag) -> Option<Command> {
    let id: Id = response.id;
    let pointer = response.interact_pointer_pos().or_else(|| ui.input(|i| i.pointer.latest_pos()));
    let mut asked = drag.asked.clone();
    if let Some(pointer) = pointer {
        drag.outside = tau_edit::removed(&drag.tau, drag.index).is_some() && !rect.expand(OUTSIDE).contains(pointer);
        if !drag.outside {
            asked = tau_edit::moved(&drag.tau, drag.index, axis.t(pointer.x), train_timesteps);
        }
    }
    let held = response.dragged();
    if !held && drag.outside {
        asked = tau_edit::removed(&drag.tau, drag.index)?;
    }
    let news = (asked != drag.asked).then(|| Command::SetTau(asked.clone()));
    if held {
        ui.set_cursor_icon(if drag.outside { CursorIcon::NoDrop } else { CursorIcon::ResizeHorizontal });
        ui.data_mut(|data| data.insert_temp(id, Drag { asked, ..drag }));
    } else {
        ui.data_mut(|data| data.remove::<Drag>(id));
    }
    news
}

/// `held` is the tick that is dragged or chosen, and whether it would be removed.
fn paint(ui: &Ui, rect: Rect, axis: &Axis, tau: &[u32], current: Option<u32>, held: Option<(u32, bool)>) {
    let (painter, palette) = (ui.painter(), Palette::of(ui.visuals()));
    let base = (rect.bottom() - 20.0).round();
    painter.rect_filled(rect, 4.0, ui.visuals().extreme_bg_color);
    let crowded = axis.width / (tau.len() as f32) < CROWDED;
    let sharp = |x: f32| (x * ui.pixels_per_point()).round() / ui.pixels_per_point();
    let mesh = if crowded { density(axis, tau, base, &palette) } else { ticks(axis, tau, base, &palette, sharp) };
    painter.add(Shape::mesh(mesh));
    let line = Stroke::new(1.0, palette.faint);
    painter.hline(axis.left..=axis.left + axis.width, base, line);
    numbers(ui, axis, base, &palette);
    if let Some(t) = current {
        let x = axis.x(t);
        painter.vline(x, base - 30.0..=base, Stroke::new(3.0, palette.mark));
        let roof = base - 30.0;
        let triangle = vec![pos2(x - 6.0, roof - 7.0), pos2(x + 6.0, roof - 7.0), pos2(x, roof)];
        painter.add(Shape::convex_polygon(triangle, palette.mark, Stroke::NONE));
    }
    if let Some((t, outside)) = held {
        let x = axis.x(t);
        let colour = if outside { palette.faint } else { palette.text };
        painter.vline(x, base - 30.0..=base + 4.0, Stroke::new(4.0, colour));
        let text = if outside { format!("remove t = {t}") } else { format!("t = {t}") };
        let galley = painter.layout_no_wrap(text, FontId::proportional(14.0), colour);
        let left = (x + 8.0).min(rect.right() - galley.size().x - 4.0);
        let place = Rect::from_min_size(pos2(left, base - 34.0), galley.size()).expand2(vec2(4.0, 1.0));
        painter.rect_filled(place, 3.0, ui.visuals().window_fill);
        painter.galley(pos2(left, base - 34.0), galley, colour);
    }
}

/// Each tick by itself.
fn ticks(axis: &Axis, tau: &[u32], base: f32, palette: &Palette, sharp: impl Fn(f32) -> f32) -> Mesh {
    let mut mesh = Mesh::default();
    // Ticks between pixels would seem to have different widths.
    let width = if axis.width / (tau.len() as f32) < 8.0 { 1.0 } else { 2.0 };
    for &t in tau {
        let left = sharp(axis.x(t) - width / 2.0);
        mesh.add_colored_rect(Rect::from_x_y_ranges(left..=left + width, base - 22.0..=base), palette.x0);
    }
    mesh
}

/// How dense the ticks are along the axis, relative to the densest place.
fn density(axis: &Axis, tau: &[u32], base: f32, palette: &Palette) -> Mesh {
    // Wide enough that evenly spaced steps look even.
    let count = (axis.width / (axis.width / tau.len() as f32 * 8.0).clamp(4.0, 24.0)).ceil().max(1.0);
    let bin = axis.width / count;
    let mut bins = vec![0_u32; count as usize];
    for &t in tau {
        let at = (t as f32 / (axis.last + 1.0) * count) as usize;
        if let Some(count) = bins.get_mut(at) {
            *count += 1;
        }
    }
    let fullest = bins.iter().copied().max().unwrap_or(1).max(1) as f32;
    let mut mesh = Mesh::default();
    for (i, &count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
        let left = axis.left + i as f32 * bin;
        let share = count as f32 / fullest;
        let colour: Color32 = palette.x0.gamma_multiply(0.35 + 0.65 * share);
        mesh.add_colored_rect(Rect::from_x_y_ranges(left..=left + bin, base - 22.0 * share.max(0.12)..=base), colour);
    }
    mesh
}

/// Timesteps below the axis, at round numbers and the end.
fn numbers(ui: &Ui, axis: &Axis, base: f32, palette: &Palette) {
    let last = axis.last as u32;
    let step = (last / 4).max(1);
    let round = 10_u32.pow(step.ilog10());
    let step = (step / round).max(1) * round;
    let end = axis.x(last);
    for t in (0..last).step_by(step as usize).filter(|t| end - axis.x(*t) > 44.0).chain([last]) {
        let (x, painter) = (axis.x(t), ui.painter());
        painter.vline(x, base..=base + 4.0, Stroke::new(1.0, palette.faint));
        let anchor = if t == last {
            Align2::RIGHT_TOP
        } else if t == 0 {
            Align2::LEFT_TOP
        } else {
            Align2::CENTER_TOP
        };
        let at = pos2(
            if t == last {
                x + 6.0
            } else if t == 0 {
                x - 6.0
            } else {
                x
            },
            base + 4.0,
        );
        let text = if t == 0 { "t = 0".to_owned() } else { t.to_string() };
        painter.text(at, anchor, text, FontId::proportional(12.0), palette.faint);
    }
}
