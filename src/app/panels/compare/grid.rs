//! The grid: rows and columns of pictures that advance together.

use super::{
    layout::{BAR, GAP, HEADER, LABEL, Layout, place_of},
    shown::Shown,
    view::View,
};
use crate::app::{
    state::{
        controls::Controls,
        run_requests::{cell_controls, compare_columns, compare_rows},
        run_view::RunView,
        view_settings::{Axes, ViewSettings},
    },
    widgets::{
        hint::Hint,
        own_keys,
        texture_cache::TextureCache,
        theme,
        tile::{self, Tile, spacing_name},
    },
};
use eframe::egui::{self, Align2, FontId, Id, Pos2, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

fn looked_id() -> Id {
    Id::unique("compare looked at")
}

/// Row and column of the cell that the pointer or the focus was on last; else the first.
pub(crate) fn looked_at(ctx: &egui::Context) -> [usize; 2] {
    ctx.data(|data| data.get_temp(looked_id())).unwrap_or_default()
}

/// The grid as it is drawn and clicked.
pub(super) struct Grid<'a> {
    view: &'a View<'a>,
    /// The draft of one cell, while something moves.
    follows: Option<&'a RunView>,
    /// Where the scrubber is: from 0 (x_T) to 1 (the finished samples).
    place: f64,
    /// Whose rows and columns these are.
    of: &'a Controls,
    draft: &'a Controls,
    pub(super) layout: Layout,
}

impl<'a> Grid<'a> {
    /// The grid of the newest run, or of the one that `draft` asks for, in about `room`.
    pub(super) fn new(view: &'a View<'a>, follows: Option<&'a RunView>, place: f64, draft: &'a Controls, room: Vec2) -> Self {
        let axes = draft.view.compare.axes;
        let follows = follows.filter(|run| run.controls.view.compare.axes == axes);
        let of = view.newest(axes).map_or(draft, |run| &run.controls);
        Self { view, follows, place, of, draft, layout: Layout::new(view, draft, room) }
    }

    /// Draws the grid with cells of the size `cell`. Returns the cell that was clicked.
    pub(super) fn ui(&self, ui: &mut Ui, textures: &mut TextureCache, cell: Vec2) -> Option<[usize; 2]> {
        let mut clicked = None;
        egui::ScrollArea::horizontal().id_salt("compare grid").auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            self.header(ui, cell);
            for line in 0..self.layout.lines().len() {
                clicked = self.line(ui, textures, cell, line).or(clicked);
            }
        });
        clicked
    }

    fn width(&self, cell: Vec2) -> f32 {
        self.layout.size(cell).x
    }

    fn header(&self, ui: &mut Ui, cell: Vec2) {
        let (rect, _) = ui.allocate_exact_size(Vec2::new(self.width(cell), HEADER), Sense::hover());
        let names = self.layout.across();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let short = cell.x < 8.0 * longest as f32;
        for (i, name) in names.iter().enumerate() {
            let at = Pos2::new(rect.left() + LABEL + i as f32 * (cell.x + GAP) + cell.x / 2.0, rect.center().y);
            let shown = if short { name.rsplit(' ').next().unwrap_or_default() } else { name };
            ui.painter().text(at, Align2::CENTER_CENTER, shown, FontId::proportional(14.0), ui.visuals().text_color());
        }
        if short {
            let what = match (self.is_by_seed(), self.layout.is_turned) {
                (true, _) => "noise seed",
                (false, true) => "S",
                (false, false) => "τ",
            };
            let at = rect.left_center();
            ui.painter().text(at, Align2::LEFT_CENTER, what, FontId::proportional(14.0), ui.visuals().weak_text_color());
        }
    }

    fn line(&self, ui: &mut Ui, textures: &mut TextureCache, cell: Vec2, line: usize) -> Option<[usize; 2]> {
        let count = self.layout.across().len();
        let (rect, _) = ui.allocate_exact_size(Vec2::new(self.width(cell), cell.y + GAP + BAR), Sense::hover());
        let label = Rect::from_min_size(rect.min, Vec2::new(LABEL - 8.0, cell.y));
        let cells = || (0..count).map(|across| self.layout.cell(line, across));
        let (done, total) = self.progress(cells());
        let name = self.layout.lines().get(line).map_or("", String::as_str);
        let mut side = ui.new_child(egui::UiBuilder::new().max_rect(label).id_salt(("compare line", line)));
        side.add_space((cell.y / 2.0 - 20.0).max(0.0));
        // The word says which of the two variances it is.
        let shown = if name == "σ̂" { "σ̂ larger" } else { name };
        let longest = self.layout.lines().iter().map(|name| name.chars().count()).max().unwrap_or(0);
        side.label(RichText::new(shown).strong().size(if longest > 9 { 15.0 } else { 18.0 }));
        let drafted = cells().find_map(|cell| self.draft_of(cell));
        let counter = match total {
            _ if let Some(run) = drafted => format!("draft {}/{}", run.steps(), run.controls.step_count()),
            0 => "waiting".to_owned(),
            _ if self.is_by_seed() => format!("{done} / {total}"),
            // Each picture of the line has its own number of steps.
            _ => format!("{} %", 100 * done / total),
        };
        side.label(RichText::new(counter).weak().size(13.0)).hint("Steps taken of this line");
        let mut clicked = None;
        for (across, of) in cells().enumerate() {
            let corner = Pos2::new(rect.left() + LABEL + across as f32 * (cell.x + GAP), rect.top());
            if self.cell(ui, textures, Rect::from_min_size(corner, cell), of) {
                clicked = Some(of);
            }
        }
        let at = Pos2::new(rect.left() + LABEL, rect.top() + cell.y + 3.0);
        if self.is_by_seed() {
            bar(ui, at, count as f32 * (cell.x + GAP) - GAP, (done, total));
        } else {
            for (across, of) in cells().enumerate() {
                let at = at + Vec2::new(across as f32 * (cell.x + GAP), 0.0);
                bar(ui, at, cell.x, self.steps_of(place_of(self.of, of).0));
            }
        }
        clicked
    }

    fn is_by_seed(&self) -> bool {
        self.of.view.compare.axes == Axes::EtaBySeed
    }

    fn runs(&self) -> [Option<&'a RunView>; 2] {
        let axes = self.draft.view.compare.axes;
        [self.view.newest(axes), self.view.older(axes)]
    }

    /// Steps taken and total steps of a group.
    fn steps_of(&self, group: usize) -> (usize, usize) {
        let Some(run) = self.runs()[0] else { return (0, 0) };
        let total = run.plan.as_ref().and_then(|p| p.schedules.get(group)).map_or(0, |s| s.steps.len());
        (run.groups.get(group).and_then(|g| g.latest.as_ref()).map_or(0, |f| f.index + 1), total)
    }

    /// Steps taken and total steps of all groups of some cells.
    fn progress(&self, cells: impl Iterator<Item = [usize; 2]>) -> (usize, usize) {
        let groups: std::collections::BTreeSet<usize> = cells.map(|cell| place_of(self.of, cell).0).collect();
        groups.iter().map(|g| self.steps_of(*g)).fold((0, 0), |(a, b), (done, total)| (a + done, b + total))
    }

    /// The draft of a cell, where it is newer than what the grid has finished there.
    fn draft_of(&self, cell: [usize; 2]) -> Option<&'a RunView> {
        let draft = self.follows.filter(|run| run.cell == Some(cell))?;
        let group = place_of(self.of, cell).0;
        let is_finished = |run: &RunView| {
            run.groups.get(group).and_then(|group| group.latest.as_ref()).is_some_and(|update| update.index + 1 >= update.total)
        };
        self.runs().into_iter().flatten().all(|run| run.id < draft.id || !is_finished(run)).then_some(draft)
    }

    /// What a cell shows.
    pub(super) fn shown(&self, cell: [usize; 2]) -> Option<Shown<'a>> {
        let [run, older] = self.runs();
        let at = place_of(self.of, cell);
        let has = |run: &&RunView| cell[0] < compare_rows(&run.controls).len() && cell[1] < compare_columns(&run.controls);
        let older = older.filter(has).filter(|run| place_of(&run.controls, cell) == at);
        let drafted = self.draft_of(cell).and_then(|run| Shown::choose(Some(run), None, self.place, (0, 0)));
        let drafted = drafted.filter(|shown| shown.picture(self.is_noisy()).is_some());
        drafted.or_else(|| Shown::choose(run, older, self.place, at))
    }

    /// Whether x is shown, and not x̂0.
    pub(super) fn is_noisy(&self) -> bool {
        self.draft.view.compare.noisy
    }

    /// The controls of the trajectory that makes a cell's picture, as it is shown. Settings that no picture depends on (locks, the other
    /// panels) stay as they are.
    pub(super) fn controls(&self, cell: [usize; 2]) -> Option<Controls> {
        let of = match self.shown(cell) {
            Some(shown) if shown.is_old => &shown.run.controls,
            _ => self.of,
        };
        let controls = cell_controls(of, cell[0], cell[1])?;
        let ViewSettings { tab, image, .. } = controls.view;
        Some(Controls { view: ViewSettings { tab, image, ..self.draft.view.clone() }, ..controls })
    }

    /// How far a cell is, in words.
    pub(super) fn step_text(&self, cell: [usize; 2]) -> String {
        match self.draft_of(cell) {
            Some(run) => format!("draft, {} of {} steps", run.steps(), run.controls.step_count()),
            None => self.shown(cell).map_or_else(|| "no step taken yet".to_owned(), |shown| shown.text()),
        }
    }

    /// Draws one picture. Returns whether it was clicked.
    fn cell(&self, ui: &mut Ui, textures: &mut TextureCache, rect: Rect, cell: [usize; 2]) -> bool {
        let id = Id::unique(("compare", cell[0], cell[1]));
        tile::paint(ui, textures, rect, id, self.shown(cell).map_or(Tile::Waiting, |shown| shown.tile(self.is_noisy())));
        let response = ui.interact(rect, id.with("cell"), Sense::click());
        let is_enlarged = self.draft.view.compare.enlarged == Some(cell);
        if is_enlarged {
            ui.painter().rect_stroke(rect, 0.0, Stroke::new(3.0, theme::accent(ui)), StrokeKind::Outside);
        }
        let label = self.layout.name(cell).unwrap_or_default();
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_enlarged, &label));
        tile::highlight(ui, rect, &response);
        if response.has_focus() {
            own_keys::walk_with_arrows(ui, response.id);
        }
        if response.hovered() || response.has_focus() {
            ui.data_mut(|data| data.insert_temp(looked_id(), cell));
        }
        let response = response.hint_ui(|ui| {
            if let Some(controls) = self.controls(cell) {
                ui.label(RichText::new(recipe_text(&controls)).strong());
            }
            ui.label(self.step_text(cell));
            ui.weak(if is_enlarged { "Click or Esc to close the large picture" } else { "Click to enlarge; the grid stays" });
        });
        response.clicked()
    }
}

/// A thin progress bar.
fn bar(ui: &Ui, at: Pos2, width: f32, (done, total): (usize, usize)) {
    let all = Rect::from_min_size(at, Vec2::new(width, 3.0));
    ui.painter().rect_filled(all, 1.5, ui.visuals().widgets.noninteractive.bg_stroke.color);
    if total > 0 {
        let part = Rect::from_min_size(at, Vec2::new(width * done as f32 / total as f32, 3.0));
        ui.painter().rect_filled(part, 1.5, ui.visuals().hyperlink_color);
    }
}

/// What makes a cell's picture, in words.
pub(super) fn recipe_text(controls: &Controls) -> String {
    let noise = controls.noise_text();
    let (latent, noise_seed) = (controls.latent_text(), controls.noise_seed);
    let (image, steps) = (controls.image_number(), controls.step_count());
    format!("{latent}, image {image}, noise seed {noise_seed}, {noise}, S = {steps}, τ {}", spacing_name(controls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::view_settings::Tab;

    #[test]
    fn cells_are_where_the_request_puts_them() {
        let mut controls = Controls { noise_seed: 7, ..Controls::default() };
        assert_eq!(place_of(&controls, [2, 3]), (2, 3));
        let cell = cell_controls(&controls, 2, 3).expect("a cell");
        assert_eq!((cell.eta, cell.noise_seed, cell.view.tab), (0.5, 10, Tab::Trajectory));
        controls.view.compare.axes = Axes::StepsBySpacing;
        assert_eq!(place_of(&controls, [2, 1]), (7, 0));
        let cell = cell_controls(&controls, 2, 1).expect("a cell");
        assert_eq!((cell.steps, cell.spacing.map(|s| s.to_string())), (20, Some("quadratic".to_owned())));
        assert!(cell_controls(&controls, 9, 0).is_none() && cell_controls(&controls, 0, 9).is_none());
    }
}
