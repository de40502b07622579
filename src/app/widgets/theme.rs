//! The looks: text sizes, spacing and the colours with a meaning, for light and dark.

use eframe::egui::{self, Color32, CornerRadius, FontFamily, FontId, Stroke, TextStyle, Theme, Ui, vec2};

/// The tint of pictures from before a change, until there are better ones.
pub(crate) const DIMMED: Color32 = Color32::from_rgba_premultiplied(90, 90, 90, 90);

/// Sets text sizes, spacing and colours of both themes.
pub fn install(ctx: &egui::Context) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            style.text_styles = [
                (TextStyle::Heading, FontId::new(20.0, FontFamily::Proportional)),
                (TextStyle::Body, FontId::new(14.5, FontFamily::Proportional)),
                (TextStyle::Button, FontId::new(14.5, FontFamily::Proportional)),
                (TextStyle::Small, FontId::new(12.0, FontFamily::Proportional)),
                (TextStyle::Monospace, FontId::new(13.5, FontFamily::Monospace)),
            ]
            .into();
            style.spacing.item_spacing = vec2(8.0, 6.0);
            style.spacing.button_padding = vec2(8.0, 4.0);
            style.spacing.interact_size.y = 24.0;
            style.spacing.slider_rail_height = 6.0;
            style.interaction.tooltip_delay = 0.3;
            let visuals = &mut style.visuals;
            visuals.slider_trailing_fill = true;
            let radius = CornerRadius::same(5);
            for widget in [
                &mut visuals.widgets.noninteractive,
                &mut visuals.widgets.inactive,
                &mut visuals.widgets.hovered,
                &mut visuals.widgets.active,
                &mut visuals.widgets.open,
            ] {
                widget.corner_radius = radius;
            }
            match theme {
                Theme::Dark => {
                    visuals.panel_fill = Color32::from_rgb(23, 25, 30);
                    visuals.window_fill = Color32::from_rgb(30, 33, 40);
                    visuals.extreme_bg_color = Color32::from_rgb(14, 15, 19);
                    visuals.faint_bg_color = Color32::from_rgb(31, 34, 41);
                    visuals.override_text_color = Some(Color32::from_rgb(224, 226, 232));
                    visuals.selection.bg_fill = Color32::from_rgb(31, 92, 130);
                    visuals.selection.stroke = Stroke::new(1.0, Color32::from_rgb(230, 242, 250));
                    visuals.widgets.inactive.bg_fill = Color32::from_rgb(48, 53, 63);
                    visuals.widgets.inactive.weak_bg_fill = Color32::from_rgb(44, 48, 58);
                }
                Theme::Light => {
                    visuals.panel_fill = Color32::from_rgb(248, 248, 246);
                    visuals.window_fill = Color32::from_rgb(255, 255, 254);
                    visuals.extreme_bg_color = Color32::from_rgb(255, 255, 255);
                    visuals.faint_bg_color = Color32::from_rgb(238, 238, 235);
                    visuals.override_text_color = Some(Color32::from_rgb(28, 30, 36));
                    visuals.selection.bg_fill = Color32::from_rgb(150, 205, 235);
                    visuals.selection.stroke = Stroke::new(1.0, Color32::from_rgb(10, 45, 70));
                    visuals.widgets.inactive.bg_fill = Color32::from_rgb(214, 215, 212);
                    visuals.widgets.inactive.weak_bg_fill = Color32::from_rgb(229, 229, 226);
                }
            }
        });
    }
}

/// The accent, for what is chosen or running.
pub(crate) fn accent(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(94, 184, 235) } else { Color32::from_rgb(14, 105, 160) }
}

/// For what needs attention: software devices, notes.
pub(crate) fn caution(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(240, 180, 80) } else { Color32::from_rgb(160, 95, 0) }
}

/// For what went wrong.
pub(crate) fn fault(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(255, 120, 110) } else { Color32::from_rgb(180, 30, 25) }
}

/// For what matters less.
pub(crate) fn faint(ui: &Ui) -> Color32 {
    ui.visuals().text_color().gamma_multiply(0.68)
}

/// For a place that has no picture yet.
pub(crate) fn empty(ui: &Ui) -> Color32 {
    ui.visuals().faint_bg_color
}
