//! Buttons with signs that the default font lacks, drawn.

use eframe::egui::{Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2};

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// A triangle.
    Play,
    /// Two bars.
    Pause,
    /// An arrow to the left.
    Left,
    /// An arrow to the right.
    Right,
    /// Two arrows.
    Swap,
    /// A die's five.
    Dice,
}

/// A button with a sign.
pub(crate) fn icon_button(ui: &mut Ui, icon: Icon) -> Response {
    let height = ui.spacing().interact_size.y.max(20.0);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(height + 8.0, height), Sense::click());
    response.widget_info(|| egui::WidgetInfo::new(egui::Role::Button));
    let visuals = ui.style().interact(&response);
    let (fill, colour) = (visuals.weak_bg_fill, visuals.text_color());
    ui.painter().rect(rect, visuals.corner_radius, fill, visuals.bg_stroke, StrokeKind::Inside);
    let line = Stroke::new(1.8, colour);
    let r = height * 0.28;
    let at = |x: f32, y: f32| rect.center() + Vec2::new(x, y) * r;
    let arrow = |y: f32, way: f32| {
        ui.painter().line_segment([at(-way * 1.2, y), at(way * 1.2, y)], line);
        ui.painter().line_segment([at(way * 0.5, y - 0.6), at(way * 1.2, y)], line);
        ui.painter().line_segment([at(way * 0.5, y + 0.6), at(way * 1.2, y)], line);
    };
    match icon {
        Icon::Play => {
            let corners = vec![at(-0.7, -1.0), at(1.0, 0.0), at(-0.7, 1.0)];
            ui.painter().add(Shape::convex_polygon(corners, colour, Stroke::NONE));
        }
        Icon::Pause => {
            for x in [-0.8, 0.25] {
                ui.painter().rect_filled(Rect::from_two_pos(at(x, -1.0), at(x + 0.55, 1.0)), 0.5, colour);
            }
        }
        Icon::Left => arrow(0.0, -1.0),
        Icon::Right => arrow(0.0, 1.0),
        Icon::Swap => {
            arrow(-0.7, 1.0);
            arrow(0.7, -1.0);
        }
        Icon::Dice => {
            ui.painter().rect_stroke(
                Rect::from_two_pos(at(-1.2, -1.2), at(1.2, 1.2)),
                2.0,
                Stroke::new(1.4, colour),
                StrokeKind::Inside,
            );
            let dots: [Pos2; 5] = [at(-0.6, -0.6), at(0.6, -0.6), at(0.0, 0.0), at(-0.6, 0.6), at(0.6, 0.6)];
            for dot in dots {
                ui.painter().circle_filled(dot, 1.2, colour);
            }
        }
    }
    response
}
