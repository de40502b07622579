//! The grid: rows and columns of pictures that advance together.

use super::view::View;
use crate::app::{
    state::{
        command::Command,
        controls::Controls,
        run_requests::{cell_controls, compare_columns, compare_rows},
        run_view::RunView,
        view_settings::{Axes, ViewSettings},
    },
    widgets::{
        hint::Hint,
        texture_cache::TextureCache,
        tile::{self, Tile, spacing_name},
    },
};
use eframe::egui::{self, Align2, FontId, Id, Pos2, Rect, RichText, Role, Sense, Ui, Vec2, WidgetInfo};

const LABEL: f32 = 86.0;
const HEADER: f32 = 22.0;
const GAP: f32 = 5.0;
/// Height of the progress bar under a row.
const BAR: f32 = 9.0;
const MIN_SIDE: f32 = 44.0;
/// If there is too little height, pictures do not get smaller than this: the panel scrolls instead.
const COMFORTABLE: f32 = 72.0;

/// The width of a picture at which `rows` × `columns` of them fit into `room`, but not less than what can still be recognised: then
/// the grid scrolls. `aspect` is height over width.
pub(crate) fn cell_width(room: Vec2, rows: usize, columns: usize, aspect: f32) -> f32 {
    let (rows, columns) = (rows.max(1) as f32, columns.max(1) as f32);
    let wide = (room.x - LABEL) / columns - GAP;
    let high = ((room.y - HEADER) / rows - GAP - BAR) / aspect.max(0.01);
    wide.min(high.max(COMFORTABLE)).max(MIN_SIDE)
}

/// Which group and member of the run a cell is.
fn place_of(controls: &Controls, row: usize, column: usize) -> (usize, usize) {
    match controls.view.compare.axes {
        Axes::EtaBySeed => (row, column),
        Axes::StepsBySpacing => (row * controls.view.compare.spacings.len() + column, 0),
    }
}

/// The name of a column.
fn column_name(controls: &Controls, column: usize) -> String {
    match controls.view.compare.axes {
        Axes::EtaBySeed => format!("noise seed {}", controls.noise_seed.wrapping_add(column as u64)),
        Axes::StepsBySpacing => format!("τ {}", controls.view.compare.spacings.get(column).map_or("", String::as_str)),
    }
}

/// Width of a picture of the grid in `room`, and of the whole grid.
pub(crate) fn widths(view: &View<'_>, draft: &Controls, room: Vec2) -> (f32, f32) {
    let axes = draft.view.compare.axes;
    let run = view.newest(axes);
    let shape = run.map_or(draft, |run| &run.controls);
    let aspect = tile::aspect(run.or(view.older(axes)).and_then(|run| run.plan.as_ref()));
    let columns = compare_columns(shape);
    let cell = cell_width(room, compare_rows(shape).len(), columns, aspect);
    (cell, LABEL + columns as f32 * (cell + GAP))
}

/// Draws the grid into about `room`; a click on a picture asks for its controls.
pub(crate) fn grid_ui(
    ui: &mut Ui,
    view: &View<'_>,
    follows: Option<&RunView>,
    draft: &Controls,
    textures: &mut TextureCache,
    room: Vec2,
) -> Option<Command> {
    let axes = draft.view.compare.axes;
    let run = view.newest(axes);
    let shape = run.map_or(draft, |run| &run.controls);
    let (rows, columns) = (compare_rows(shape), compare_columns(shape));
    let aspect = tile::aspect(run.or(view.older(axes)).and_then(|run| run.plan.as_ref()));
    let width = cell_width(room, rows.len(), columns, aspect);
    let follows = follows.filter(|run| run.controls.view.compare.axes == axes);
    let grid = Grid { view, follows, shape, columns, cell: Vec2::new(width, width * aspect), draft };
    let mut command = None;
    egui::ScrollArea::horizontal().id_salt("compare grid").auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        grid.header(ui);
        for (row, (name, _)) in rows.iter().enumerate() {
            command = grid.row(ui, textures, row, name).or(command.take());
        }
    });
    command
}

fn looked_id() -> Id {
    Id::unique("compare looked at")
}

/// Row and column of the cell that the pointer or the focus was on last; else the first.
pub(crate) fn looked_at(ctx: &egui::Context) -> [usize; 2] {
    ctx.data(|data| data.get_temp(looked_id())).unwrap_or_default()
}

/// The group that a cell is in.
pub(crate) fn group_of(controls: &Controls, [row, column]: [usize; 2]) -> usize {
    place_of(controls, row, column).0
}

struct Grid<'a> {
    view: &'a View<'a>,
    /// The draft of one cell, while something moves.
    follows: Option<&'a RunView>,
    shape: &'a Controls,
    columns: usize,
    cell: Vec2,
    draft: &'a Controls,
}

impl Grid<'_> {
    fn size(&self, height: f32) -> Vec2 {
        Vec2::new(LABEL + self.columns as f32 * (self.cell.x + GAP), height)
    }

    fn header(&self, ui: &mut Ui) {
        let (rect, _) = ui.allocate_exact_size(self.size(HEADER), Sense::hover());
        let longest = "noise seed 00";
        let short = self.cell.x < 8.0 * longest.len() as f32;
        for column in 0..self.columns {
            let name = column_name(self.shape, column);
            let at = Pos2::new(rect.left() + LABEL + column as f32 * (self.cell.x + GAP) + self.cell.x / 2.0, rect.center().y);
            let shown = if short { name.rsplit(' ').next().unwrap_or_default() } else { &name };
            ui.painter().text(at, Align2::CENTER_CENTER, shown, FontId::proportional(14.0), ui.visuals().text_color());
        }
        if short {
            let what = if self.by_seed() { "noise seed" } else { "τ" };
            let at = rect.left_center();
            ui.painter().text(at, Align2::LEFT_CENTER, what, FontId::proportional(14.0), ui.visuals().weak_text_color());
        }
    }

    fn row(&self, ui: &mut Ui, textures: &mut TextureCache, row: usize, name: &str) -> Option<Command> {
        let (rect, _) = ui.allocate_exact_size(self.size(self.cell.y + GAP + BAR), Sense::hover());
        let label = Rect::from_min_size(rect.min, Vec2::new(LABEL - 8.0, self.cell.y));
        let (done, total) = self.progress(row);
        let mut side = ui.new_child(egui::UiBuilder::new().max_rect(label).id_salt(("compare row", row)));
        side.add_space((self.cell.y / 2.0 - 20.0).max(0.0));
        // The word says which of the two variances it is.
        let shown = if name == "σ̂" { "σ̂ larger" } else { name };
        side.label(RichText::new(shown).strong().size(18.0));
        let drafted = (0..self.columns).find_map(|column| self.draft_of(row, column));
        let counter = match total {
            _ if let Some(run) = drafted => format!("draft {}/{}", run.steps(), run.controls.step_count()),
            0 => "waiting".to_owned(),
            _ if self.by_seed() => format!("{done} / {total}"),
            // Each picture of the row has its own number of steps.
            _ => format!("{} %", 100 * done / total),
        };
        side.label(RichText::new(counter).weak().size(13.0)).hint("Steps taken of this row");
        let mut command = None;
        for column in 0..self.columns {
            let corner = Pos2::new(rect.left() + LABEL + column as f32 * (self.cell.x + GAP), rect.top());
            let cell = Rect::from_min_size(corner, self.cell);
            if let Some(controls) = self.cell(ui, textures, cell, (row, column), name) {
                command = Some(Command::Use(Box::new(controls)));
            }
        }
        let at = Pos2::new(rect.left() + LABEL, rect.top() + self.cell.y + 3.0);
        if self.by_seed() {
            bar(ui, at, self.columns as f32 * (self.cell.x + GAP) - GAP, (done, total));
        } else {
            for column in 0..self.columns {
                let at = at + Vec2::new(column as f32 * (self.cell.x + GAP), 0.0);
                bar(ui, at, self.cell.x, self.steps_of(place_of(self.shape, row, column).0));
            }
        }
        command
    }

    fn by_seed(&self) -> bool {
        self.shape.view.compare.axes == Axes::EtaBySeed
    }

    /// Steps taken and total steps of a group.
    fn steps_of(&self, group: usize) -> (usize, usize) {
        let Some(run) = self.view.newest(self.shape.view.compare.axes) else { return (0, 0) };
        let total = run.plan.as_ref().and_then(|p| p.schedules.get(group)).map_or(0, |s| s.steps.len());
        (run.groups.get(group).and_then(|g| g.latest.as_ref()).map_or(0, |f| f.index + 1), total)
    }

    /// Steps taken and total steps of all groups of a row.
    fn progress(&self, row: usize) -> (usize, usize) {
        let groups: std::collections::BTreeSet<usize> = (0..self.columns).map(|c| place_of(self.shape, row, c).0).collect();
        groups.iter().map(|g| self.steps_of(*g)).fold((0, 0), |(a, b), (done, total)| (a + done, b + total))
    }

    /// The draft of a cell, where it is newer than what the grid has finished there.
    fn draft_of(&self, row: usize, column: usize) -> Option<&RunView> {
        let draft = self.follows.filter(|run| run.cell == Some([row, column]))?;
        let axes = self.shape.view.compare.axes;
        let group = place_of(self.shape, row, column).0;
        let is_finished = |run: &RunView| {
            run.groups.get(group).and_then(|group| group.latest.as_ref()).is_some_and(|update| update.index + 1 >= update.total)
        };
        let runs = [self.view.newest(axes), self.view.older(axes)];
        runs.into_iter().flatten().all(|run| run.id < draft.id || !is_finished(run)).then_some(draft)
    }

    /// Draws one picture. Returns the controls that make it if it was clicked.
    fn cell(
        &self,
        ui: &mut Ui,
        textures: &mut TextureCache,
        rect: Rect,
        (row, column): (usize, usize),
        name: &str,
    ) -> Option<Controls> {
        let axes = self.shape.view.compare.axes;
        let id = Id::unique(("compare", row, column));
        let (run, older) = (self.view.newest(axes), self.view.older(axes));
        let in_run = |run: &RunView| row < compare_rows(&run.controls).len() && column < compare_columns(&run.controls);
        let at = place_of(self.shape, row, column);
        let older = older.filter(|run| in_run(run) && place_of(&run.controls, row, column) == at);
        let noisy = self.draft.view.compare.noisy;
        let drafted = self.draft_of(row, column);
        let shown = match drafted.map(|run| tile::of_runs(Some(run), None, (0, 0), noisy)) {
            Some(drafted @ Tile::Now(..)) => drafted,
            _ => tile::of_runs(run, older, at, noisy),
        };
        tile::paint(ui, textures, rect, id, shown);
        let response = ui.interact(rect, id.with("cell"), Sense::click());
        let of = match shown {
            Tile::Old(..) => older.map_or(self.shape, |run| &run.controls),
            _ => self.shape,
        };
        let label = format!("{name}, {}", column_name(self.shape, column));
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        tile::highlight(ui, rect, &response);
        if response.hovered() || response.has_focus() {
            ui.data_mut(|data| data.insert_temp(looked_id(), [row, column]));
        }
        let draft_text = |run: &RunView| format!("draft, {} of {} steps", run.steps(), run.controls.step_count());
        let step = drafted.map(draft_text).or_else(|| run.and_then(|run| step_text(run, at.0)));
        let controls = cell_controls(of, row, column)?;
        let response = response.hint_ui(|ui| {
            ui.label(RichText::new(recipe_text(&controls)).strong());
            ui.label(step.unwrap_or_else(|| "no step taken yet".to_owned()));
            ui.weak("Click to look at this run step by step");
        });
        // Settings that no picture depends on (locks, the other panels) stay as they are.
        response.clicked().then(|| {
            let ViewSettings { tab, image, .. } = controls.view;
            Controls { view: ViewSettings { tab, image, ..self.draft.view.clone() }, ..controls }
        })
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

fn step_text(run: &RunView, group: usize) -> Option<String> {
    let update = run.groups.get(group)?.latest.as_ref()?;
    let t = run.plan.as_ref()?.schedules.get(group)?.steps.get(update.index)?.t;
    Some(format!("after step {} of {}, from t = {t}", update.index + 1, update.total))
}

fn recipe_text(controls: &Controls) -> String {
    let noise = controls.noise_text();
    let Controls { seed, noise_seed, .. } = controls;
    let (image, steps) = (controls.image_number(), controls.step_count());
    format!("seed {seed}, image {image}, noise seed {noise_seed}, {noise}, S = {steps}, τ {}", spacing_name(controls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::view_settings::Tab;

    #[test]
    fn pictures_fill_the_smaller_direction() {
        // Wide room: the height decides.
        let width = cell_width(Vec2::new(2000.0, 422.0), 4, 6, 1.0);
        assert!((width - (400.0 / 4.0 - GAP - BAR)).abs() < 1e-3, "{width}");
        // High room: the width decides.
        let width = cell_width(Vec2::new(686.0, 2000.0), 4, 6, 1.0);
        assert!((width - (100.0 - GAP)).abs() < 1e-3, "{width}");
        // Too small a room: pictures stay visible and the grid scrolls.
        assert_eq!(cell_width(Vec2::new(100.0, 100.0), 8, 16, 1.0), MIN_SIDE);
        assert_eq!(cell_width(Vec2::new(-5.0, 0.0), 0, 0, 1.0), MIN_SIDE);
    }

    #[test]
    fn cells_are_where_the_request_puts_them() {
        let mut controls = Controls { noise_seed: 7, ..Controls::default() };
        assert_eq!(place_of(&controls, 2, 3), (2, 3));
        let cell = cell_controls(&controls, 2, 3).expect("a cell");
        assert_eq!((cell.eta, cell.noise_seed, cell.view.tab), (0.5, 10, Tab::Trajectory));
        controls.view.compare.axes = Axes::StepsBySpacing;
        assert_eq!(place_of(&controls, 2, 1), (7, 0));
        let cell = cell_controls(&controls, 2, 1).expect("a cell");
        assert_eq!((cell.steps, cell.spacing.map(|s| s.to_string())), (20, Some("quadratic".to_owned())));
        assert!(cell_controls(&controls, 9, 0).is_none() && cell_controls(&controls, 0, 9).is_none());
    }
}
