//! The Compare panel: one x_T in a grid of runs that advance together, and how far the noise takes them apart.

mod back;
mod colour;
mod curve;
mod enlarged;
mod grid;
mod layout;
mod options;
mod rows;
mod scrub;
mod shown;
mod spread;
mod view;

use crate::app::{
    state::{command::Command, controls::Controls, playhead::Playhead, run_view::RunView, view_settings::Axes},
    widgets::texture_cache::TextureCache,
};
pub(crate) use back::back_ui;
pub(crate) use colour::heat_map;
use eframe::egui::{RichText, ScrollArea, TextStyle, TextWrapMode, Ui, Vec2, WidgetText};
use enlarged::{Asked, enlarged_ui};
use grid::Grid;
pub(crate) use grid::looked_at;
pub(crate) use layout::{column_name, group_of};
pub(crate) use rows::{Row, compared};
pub(crate) use shown::Shown;
pub use view::View;

/// Between the grid and what is beside it.
const BESIDE: f32 = 12.0;
/// A large picture is no smaller than this beside the grid: else it is below.
const MIN_LARGE: f32 = 200.0;

/// Beside the grid it is as large as this wherever it can be.
const LARGE: f32 = 300.0;

/// Draws the panel; `draft` takes what the user changes.
pub fn compare_ui(ui: &mut Ui, view: &View<'_>, draft: &mut Controls, textures: &mut TextureCache) -> Option<Command> {
    compare_following_ui(ui, view, None, &Playhead::default(), draft, textures)
}

/// As [`compare_ui`], with the draft of one cell, which follows the hand, at the step where the playhead is.
pub fn compare_following_ui(
    ui: &mut Ui,
    view: &View<'_>,
    follows: Option<&RunView>,
    playhead: &Playhead,
    draft: &mut Controls,
    textures: &mut TextureCache,
) -> Option<Command> {
    let room = ui.available_size();
    let mut command = None;
    ScrollArea::both().id_salt("compare").auto_shrink(false).show(ui, |ui| {
        let top = ui.cursor().top();
        options::options_ui(ui, view, draft);
        if let Some(message) = view.run.and_then(|run| run.failed.as_deref()) {
            ui.label(RichText::new(format!("This comparison stopped: {message}")).color(ui.visuals().error_fg_color).size(15.0));
        }
        command = scrub::scrub_ui(ui, view, draft, playhead);
        let left = Vec2::new(ui.available_width(), room.y - (ui.cursor().top() - top));
        let panel = Panel { view, place: playhead.position(), draft: &draft.clone(), follows, room: left };
        let asked = match draft.view.compare.axes {
            Axes::StepsBySpacing => panel.steps_by_spacing_ui(ui, textures),
            Axes::EtaBySeed => panel.eta_by_seed_ui(ui, textures),
        };
        match asked {
            Some(Clicked::Cell(cell)) if draft.view.compare.enlarged == Some(cell) => draft.view.compare.enlarged = None,
            Some(Clicked::Cell(cell)) => draft.view.compare.enlarged = Some(cell),
            Some(Clicked::Asked(Asked::Close)) => draft.view.compare.enlarged = None,
            Some(Clicked::Asked(Asked::Command(asked))) => command = Some(asked),
            None => {}
        }
    });
    command
}

/// What was clicked.
enum Clicked {
    Cell([usize; 2]),
    Asked(Asked),
}

/// The panel below its options and its scrubber.
struct Panel<'a> {
    view: &'a View<'a>,
    follows: Option<&'a RunView>,
    place: f64,
    draft: &'a Controls,
    room: Vec2,
}

impl<'a> Panel<'a> {
    fn grid(&'a self, room: Vec2) -> Grid<'a> {
        Grid::new(self.view, self.follows, self.place, self.draft, room)
    }

    /// The enlarged cell, if the grid has it.
    fn enlarged(&self, grid: &Grid<'_>) -> Option<[usize; 2]> {
        self.draft.view.compare.enlarged.filter(|cell| grid.layout.name(*cell).is_some())
    }

    /// The grid fills the room; what to look at is written below it.
    fn steps_by_spacing_ui(&self, ui: &mut Ui, textures: &mut TextureCache) -> Option<Clicked> {
        let room = self.room;
        let turned = self.grid(room).layout.is_turned;
        let sentence = steps_sentence(self.draft, turned);
        let galley = WidgetText::from(sentence.clone()).into_galley(ui, Some(TextWrapMode::Wrap), room.x, TextStyle::Body);
        let room = Vec2::new(room.x, room.y - galley.size().y - 14.0);
        let grid = self.grid(room);
        let clicked = self.grid_and_large_ui(ui, &grid, textures, room);
        ui.add_space(4.0);
        ui.label(sentence);
        clicked
    }

    /// The spread is placed beside the grid if that makes the pictures larger; else below it.
    fn eta_by_seed_ui(&self, ui: &mut Ui, textures: &mut TextureCache) -> Option<Clicked> {
        let Self { view, place, draft, room, .. } = *self;
        let width = room.x;
        let (under, side) = (Vec2::new(width, room.y - spread::height(width)), (width * 0.27).clamp(230.0, 520.0));
        let beside = Vec2::new(width - side - BESIDE, room.y - 36.0);
        let grid = self.grid(beside);
        let (cell_beside, cell_under) = (grid.layout.cell_size(beside), grid.layout.cell_size(under));
        let grid_beside = grid.layout.size(cell_beside).x;
        if grid_beside > beside.x + 0.5 || cell_beside.x < 1.15 * cell_under.x {
            let clicked = self.grid_and_large_ui(ui, &grid, textures, under);
            spread::sentence_ui(ui, view, place, draft);
            spread::spread_ui(ui, view, place, textures, Vec2::new(width, 0.0));
            return clicked;
        }
        let side = width - grid_beside - BESIDE;
        let mut clicked = None;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = BESIDE;
            ui.allocate_ui(Vec2::new(grid_beside, beside.y), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(grid_beside);
                    clicked = grid.ui(ui, textures, cell_beside).map(Clicked::Cell);
                });
            });
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                let width = side.min(ui.available_width());
                ui.set_width(width);
                let top = ui.cursor().top();
                if let Some(cell) = self.enlarged(&grid) {
                    // Where not all fits, what is below it scrolls.
                    let height = (beside.y - spread::MIN_BESIDE).max(width.min(LARGE) + enlarged::TEXT);
                    let size = Vec2::new(width, height.min(width + enlarged::TEXT));
                    let asked = enlarged_ui(ui, &grid, cell, textures, size).map(Clicked::Asked);
                    clicked = asked.or(clicked.take());
                    ui.add_space(8.0);
                }
                let left = beside.y - (ui.cursor().top() - top);
                spread::spread_ui(ui, view, place, textures, Vec2::new(width.min(640.0), left));
            });
        });
        spread::sentence_ui(ui, view, place, draft);
        clicked
    }

    /// The grid in `room`, with the enlarged cell beside it or, where that is too narrow, below.
    fn grid_and_large_ui(&self, ui: &mut Ui, grid: &Grid<'_>, textures: &mut TextureCache, room: Vec2) -> Option<Clicked> {
        let Some(cell) = self.enlarged(grid) else {
            return sideways(ui, |ui| grid.ui(ui, textures, grid.layout.cell_size(room))).map(Clicked::Cell);
        };
        // What the grid leaves, and not less than a third.
        let left = room.x - grid.layout.size(grid.layout.cell_size(room)).x - BESIDE;
        let large = left.max(room.x * 0.36).min((room.y - enlarged::TEXT).max(MIN_LARGE)).floor();
        let beside = Vec2::new(room.x - large - BESIDE, room.y);
        if large < MIN_LARGE || beside.x < MIN_LARGE {
            let mut clicked = sideways(ui, |ui| grid.ui(ui, textures, grid.layout.cell_size(room))).map(Clicked::Cell);
            ui.add_space(6.0);
            let size = Vec2::new(room.x, room.x.min(room.y) + enlarged::TEXT);
            let asked = ui.vertical(|ui| enlarged_ui(ui, grid, cell, textures, size)).inner;
            clicked = asked.map(Clicked::Asked).or(clicked);
            return clicked;
        }
        let size = grid.layout.cell_size(beside);
        let width = grid.layout.size(size).x.min(beside.x);
        let mut clicked = None;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = BESIDE;
            ui.allocate_ui(Vec2::new(width, room.y), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(width);
                    clicked = sideways(ui, |ui| grid.ui(ui, textures, size)).map(Clicked::Cell);
                });
            });
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                let size = Vec2::new(ui.available_width().min(room.y - enlarged::TEXT).max(large), room.y);
                let asked = enlarged_ui(ui, grid, cell, textures, size).map(Clicked::Asked);
                clicked = asked.or(clicked.take());
            });
        });
        clicked
    }
}

/// A grid with more columns than fit scrolls sideways.
fn sideways<R>(ui: &mut Ui, grid: impl FnOnce(&mut Ui) -> R) -> R {
    ScrollArea::horizontal().id_salt("grid").show(ui, grid).inner
}

/// What to look at if there is no spread.
fn steps_sentence(draft: &Controls, is_turned: bool) -> RichText {
    let (along_tau, along_s) = if is_turned { ("down", "across") } else { ("across", "down") };
    let first = format!(
        "Every picture starts from the same x_T. Read {along_tau}: τ only chooses where the steps lie, and matters most where S is small. \
         Read {along_s}: more steps S"
    );
    let text = if draft.eta == 0.0 && !draft.sigma_hat {
        format!("{first} sharpen the detail, while the picture stays the same one: at η = 0 x_T has decided it.")
    } else {
        format!("{first} add noise more often, which changes the picture, too. Set η = 0 to see S and τ alone.")
    };
    RichText::new(text).size(16.0)
}
