//! Pictures on screen: one texture per place, filled again when what it shows changes, so that memory does not grow however
//! often a run starts again. Pixels are shown as squares, without smoothing.

use crate::picture::Picture;
use eframe::egui::{self, Color32, ColorImage, Id, Rect, StrokeKind, TextureHandle, TextureOptions, Ui};
use std::collections::HashMap;

/// A place that has not been drawn for this many frames loses its texture.
const FORGET_AFTER: u64 = 600;

struct Place {
    texture: TextureHandle,
    version: u64,
    seen: u64,
}

/// The textures, by place.
#[derive(Default)]
pub struct TextureCache {
    places: HashMap<Id, Place>,
    now: u64,
}

impl TextureCache {
    /// Call once per frame: forgets places that are no longer shown.
    pub fn tidy(&mut self) {
        self.now += 1;
        let now = self.now;
        if now.is_multiple_of(60) {
            self.places.retain(|_, place| place.seen + FORGET_AFTER > now);
        }
    }

    /// How many textures there are.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Draws `picture` into `rect`. `place` says where on screen it is, `version` what is shown there: the texture is filled again
    /// when the version changes.
    pub(crate) fn paint(&mut self, ui: &Ui, rect: Rect, place: Id, version: u64, picture: &Picture) {
        self.paint_tinted(ui, rect, place, version, picture, Color32::WHITE);
    }

    /// As [`Self::paint`], with the pixels multiplied by `tint`: for pictures of an older run that are about to be replaced.
    pub(crate) fn paint_tinted(&mut self, ui: &Ui, rect: Rect, place: Id, version: u64, picture: &Picture, tint: Color32) {
        if picture.pixels.is_empty() || !ui.is_rect_visible(rect) {
            return;
        }
        let size = [picture.width, picture.height];
        self.fill(ui, rect, place, version, size, tint, || ColorImage::from_rgb(size, picture.bytes()));
    }

    /// As [`Self::paint`], but the picture is made only if the place does not show this version yet. `make` must return one of
    /// `size` (width and height).
    pub(crate) fn paint_with(
        &mut self,
        ui: &Ui,
        rect: Rect,
        place: Id,
        version: u64,
        size: [usize; 2],
        make: impl FnOnce() -> Picture,
    ) {
        self.paint_tinted_with(ui, rect, place, version, size, Color32::WHITE, make);
    }

    /// As [`Self::paint_with`], with the pixels multiplied by `tint`.
    pub(crate) fn paint_tinted_with(
        &mut self,
        ui: &Ui,
        rect: Rect,
        place: Id,
        version: u64,
        size: [usize; 2],
        tint: Color32,
        make: impl FnOnce() -> Picture,
    ) {
        if size[0] > 0 && size[1] > 0 && ui.is_rect_visible(rect) {
            self.fill(ui, rect, place, version, size, tint, || ColorImage::from_rgb(size, make().bytes()));
        }
    }

    /// Draws what the place showed last; returns `false` if it has shown nothing yet.
    pub(crate) fn paint_again(&mut self, ui: &Ui, rect: Rect, place: Id, tint: Color32) -> bool {
        let now = self.now;
        let Some(found) = self.places.get_mut(&place) else { return false };
        found.seen = now;
        ui.painter().image(found.texture.id(), rect, whole(), tint);
        // A white picture on a light page would have no edge. It lies outside of the picture, and so perhaps of what is clipped.
        if !ui.visuals().dark_mode {
            let mut painter = ui.painter().clone();
            painter.set_clip_rect(ui.clip_rect().expand(1.0));
            painter.rect_stroke(rect, 0.0, ui.visuals().widgets.noninteractive.bg_stroke, StrokeKind::Outside);
        }
        true
    }

    fn fill(
        &mut self,
        ui: &Ui,
        rect: Rect,
        place: Id,
        version: u64,
        size: [usize; 2],
        tint: Color32,
        image: impl FnOnce() -> ColorImage,
    ) {
        let now = self.now;
        let fresh = self.places.get(&place).is_some_and(|p| p.version == version && p.texture.size() == size);
        if !fresh {
            let image = image();
            match self.places.get_mut(&place) {
                Some(found) if found.texture.size() == size => {
                    // An update of the whole area: the renderer keeps the texture it has.
                    found.texture.set_partial([0, 0], image, TextureOptions::NEAREST);
                    found.version = version;
                }
                _ => {
                    let texture = ui.ctx().load_texture(format!("{place:?}"), image, TextureOptions::NEAREST);
                    self.places.insert(place, Place { texture, version, seen: now });
                }
            }
        }
        self.paint_again(ui, rect, place, tint);
    }
}

/// The whole texture.
fn whole() -> Rect {
    Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::{Id, Picture, Rect, TextureCache, Ui};
    use eframe::egui::{Context, RawInput, Shape, Theme, epaint::ClippedShape, pos2};

    #[test]
    fn a_white_picture_has_an_edge_on_the_light_page() {
        let picture = Picture::filled(2, 2, [255; 3]);
        let rect = Rect::from_min_max(pos2(20.0, 20.0), pos2(40.0, 40.0));
        for (theme, edges) in [(Theme::Light, 1), (Theme::Dark, 0)] {
            let (ctx, mut textures) = (Context::default(), TextureCache::default());
            ctx.set_theme(theme);
            let mut shapes = Vec::new();
            // The theme holds from the second frame on.
            for _ in 0..2 {
                let paint = |ui: &mut Ui| {
                    ui.set_clip_rect(rect);
                    textures.paint(ui, rect, Id::unique("a picture"), 1, &picture);
                };
                let mut output = ctx.run_ui(RawInput::default(), paint);
                // Nothing is on a screen here.
                output.textures_delta.clear();
                shapes = output.shapes;
            }
            // Around the picture, and not clipped away.
            let is_edge = |clipped: &&ClippedShape| {
                clipped.clip_rect.contains_rect(rect.expand(1.0))
                    && matches!(&clipped.shape, Shape::Rect(edge) if edge.rect == rect && edge.stroke.width > 0.0)
            };
            assert_eq!(shapes.iter().filter(is_edge).count(), edges, "{theme:?}");
        }
    }
}
