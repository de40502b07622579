//! The tree: the stem's strip, and below it each branch from its fork on, the same timestep in the same column.

use super::{
    branch::{Asked, branch_ui},
    view::{Row, View, same_pictures},
};
use crate::{
    app::{
        panels::film_strip::positions,
        state::{
            command::Command,
            controls::Controls,
            fork_requests::branch_controls,
            view_settings::{MAX_BRANCHES, Tab},
            written::plain,
        },
        widgets::{hint::Hint, texture_cache::TextureCache, theme, tile::version},
    },
    schedule::Fork,
};
use eframe::egui::{
    Align, Align2, Color32, FontId, Id, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo,
    pos2, vec2,
};

/// Width of what stands before a row and behind its pictures, and height of the timesteps above them.
const BEFORE: f32 = 176.0;
const BEHIND: f32 = 74.0;
const TIMESTEPS: f32 = 18.0;
/// The least and the greatest height of a row, and the space between two.
const ROW: [f32; 2] = [50.0, 170.0];
/// The greatest side of a step's picture.
const SIDE: f32 = 88.0;
const GAP: f32 = 6.0;

/// Draws the tree into about `height`; `draft` takes what the user changes.
pub(super) fn tree_ui(
    ui: &mut Ui,
    view: &View<'_>,
    draft: &mut Controls,
    textures: &mut TextureCache,
    height: f32,
) -> Option<Command> {
    let branches = draft.view.fork.branches.clone();
    let row = ((height - TIMESTEPS) / (branches.len() + 1) as f32 - GAP).clamp(ROW[0], ROW[1]);
    let width = ui.available_width();
    let total = TIMESTEPS + (branches.len() + 1) as f32 * (row + GAP);
    let (all, _) = ui.allocate_exact_size(vec2(width, total), Sense::hover());
    let Some(stem) = view.stem() else {
        ui.painter().rect_filled(all, 4, theme::empty(ui));
        return None;
    };
    let steps: Vec<u32> = stem.steps.iter().map(|step| step.t).collect();
    let side = (row - 2.0).min(SIDE).min(width * 0.075).max(44.0);
    let picture = vec2(side / view.aspect().max(0.2), side);
    let strip = Rect::from_min_max(pos2(all.left() + BEFORE, all.top()), pos2(all.right() - BEHIND - row, all.bottom()));
    let count = (strip.width() / (picture.x + 3.0)).floor().max(2.0) as usize;
    // The last column is the end, which stands larger behind the row.
    let columns: Vec<usize> = positions(steps.len(), count + 1).into_iter().filter(|at| *at < steps.len()).collect();
    let pitch = strip.width() / columns.len().max(1) as f32;
    let mut tree = Tree { view, draft, strip, row, picture, pitch, columns: &columns, steps: &steps, asked: None };
    for (column, position) in columns.iter().enumerate() {
        let at = pos2(tree.left(column) + picture.x / 2.0, all.top());
        ui.painter().text(at, Align2::CENTER_TOP, steps[*position].to_string(), FontId::proportional(12.0), theme::faint(ui));
    }
    let mut command = tree.row_ui(ui, textures, None);
    for number in 0..branches.len() {
        command = tree.row_ui(ui, textures, Some(number)).or(command);
    }
    match tree.asked.take() {
        Some(Edit::Branch(from, t)) => {
            let stem = draft.clone();
            draft.view.fork.branch_off(from, t, &stem);
        }
        Some(Edit::Own(number, Asked::Change(fork))) => draft.view.fork.change(number, fork),
        Some(Edit::Own(number, Asked::Remove)) => draft.view.fork.remove(number),
        Some(Edit::Choose(branch)) => draft.view.fork.chosen = branch,
        None => {}
    }
    command
}

/// What the user changes.
enum Edit {
    /// Leave the stem or a branch at a timestep.
    Branch(Option<usize>, u32),
    /// What a branch has of its own.
    Own(usize, Asked),
    /// The row that is saved and opened.
    Choose(Option<usize>),
}

struct Tree<'a> {
    view: &'a View<'a>,
    draft: &'a Controls,
    strip: Rect,
    row: f32,
    picture: Vec2,
    pitch: f32,
    /// The stem's steps that have a column.
    columns: &'a [usize],
    /// The stem's timesteps.
    steps: &'a [u32],
    asked: Option<Edit>,
}

impl Tree<'_> {
    fn left(&self, column: usize) -> f32 {
        self.strip.left() + column as f32 * self.pitch
    }

    fn top(&self, branch: Option<usize>) -> f32 {
        self.strip.top() + TIMESTEPS + branch.map_or(0, |branch| branch + 1) as f32 * (self.row + GAP)
    }

    /// The column at which a branch begins, and the one at which it leaves the row it comes from.
    fn first_column(&self, forks: &[Fork]) -> usize {
        let t = forks.last().map_or(0, |fork| fork.t);
        self.columns.iter().position(|position| self.steps[*position] <= t).unwrap_or(self.columns.len())
    }

    fn row_ui(&mut self, ui: &mut Ui, textures: &mut TextureCache, branch: Option<usize>) -> Option<Command> {
        let (draft, view) = (self.draft, self.view);
        let forks = branch.map(|number| draft.view.fork.branches[number].as_slice());
        let top = self.top(branch);
        let name = branch.map_or("stem".to_owned(), |number| format!("branch {}", number + 1));
        self.before_ui(ui, branch, top);
        let first = forks.map_or(0, |forks| self.first_column(forks));
        self.line_ui(ui, branch, first, top);
        // With whether it is of the controls as they are.
        let rows: Vec<(Row<'_>, bool)> = view.rows(forks).map(|row| (row, same_pictures(&row.run.controls, draft))).collect();
        for column in first..self.columns.len() {
            let t = self.steps[self.columns[column]];
            let place = Rect::from_min_size(pos2(self.left(column), top + (self.row - self.picture.y) / 2.0), self.picture);
            ui.painter().rect_filled(place, 2, theme::empty(ui));
            let found = rows.iter().find_map(|(row, now)| Some((row.run, *now, row.at(Some(t), draft.view.fork.noisy)?)));
            if let Some((run, now, (index, picture))) = found {
                let tint = if now { Color32::WHITE } else { theme::DIMMED };
                let seen = version((run.id, &name, index, draft.view.fork.noisy));
                textures.paint_tinted(ui, place, Id::unique(("fork", branch, column)), seen, picture, tint);
            }
            self.step_ui(ui, place, branch, column, &name, t);
        }
        self.end_ui(ui, textures, branch, &name, top)
    }

    /// A step's picture: a click branches off.
    fn step_ui(&mut self, ui: &mut Ui, place: Rect, branch: Option<usize>, column: usize, name: &str, t: u32) {
        let response = ui.interact(place, Id::unique(("fork step", branch, column)), Sense::click());
        let full = self.draft.view.fork.branches.len() >= MAX_BRANCHES;
        if response.hovered() || response.has_focus() {
            ui.painter().rect_stroke(place, 2, (2.0, theme::accent(ui)), StrokeKind::Outside);
        }
        response.widget_info(|| WidgetInfo::labeled(Role::Button, !full, format!("Branch off {name} at t = {t}")));
        let hover = if full {
            format!("{name}, t = {t}. There are {MAX_BRANCHES} branches already: remove one to branch off here")
        } else {
            format!("{name}, t = {t}: click to branch off here, with another noise seed")
        };
        if response.hint(hover).clicked() && !full {
            self.asked = Some(Edit::Branch(branch, t));
        }
    }

    /// What stands before a row.
    fn before_ui(&mut self, ui: &mut Ui, branch: Option<usize>, top: f32) {
        let place = Rect::from_min_size(pos2(self.strip.left() - BEFORE, top), vec2(BEFORE - 6.0, self.row));
        let mut child = ui.new_child(UiBuilder::new().max_rect(place).layout(Layout::top_down(Align::Min)));
        match branch {
            None => {
                let draft = self.draft;
                child.label(RichText::new("stem").strong());
                child.label(RichText::new(format!("{}, noise {}", draft.noise_text(), draft.noise_seed)).color(theme::faint(ui)));
            }
            Some(number) => {
                if let Some(asked) = branch_ui(&mut child, self.view, self.draft, number) {
                    self.asked = Some(Edit::Own(number, asked));
                }
            }
        }
    }

    /// From the row that a branch leaves down to its first picture.
    fn line_ui(&self, ui: &Ui, branch: Option<usize>, first: usize, top: f32) {
        let stroke = Stroke::new(2.0, theme::accent(ui).gamma_multiply(0.7));
        let middle = top + self.row / 2.0;
        if let Some(number) = branch {
            let (parent, _) = self.draft.view.fork.parent(number);
            // In the gap before the column, each branch a little beside the others.
            let x = self.left(first) - (self.pitch - self.picture.x).max(4.0) / 2.0 - 1.0;
            let from = self.top(parent) + self.row / 2.0;
            ui.painter().line_segment([pos2(x, from), pos2(x, middle)], stroke);
            ui.painter().circle_filled(pos2(x, from), 3.5, theme::accent(ui));
            let right = self.strip.right() + 4.0;
            ui.painter().line_segment([pos2(x, middle), pos2(right, middle)], stroke);
        } else {
            ui.painter().line_segment([pos2(self.strip.left(), middle), pos2(self.strip.right() + 4.0, middle)], stroke);
        }
    }

    /// The finished picture of a row, and how far it is from the stem's.
    fn end_ui(&mut self, ui: &mut Ui, textures: &mut TextureCache, branch: Option<usize>, name: &str, top: f32) -> Option<Command> {
        let (draft, view) = (self.draft, self.view);
        let forks = branch.map(|number| draft.view.fork.branches[number].as_slice());
        let size = vec2(self.row / view.aspect().max(0.2), self.row);
        let place = Rect::from_min_size(pos2(self.strip.right() + 4.0, top), size);
        ui.painter().rect_filled(place, 2, theme::empty(ui));
        let end = view.end(forks);
        if let Some((run, picture)) = end {
            let is_now = run.is_draft() || same_pictures(&run.controls, draft);
            let tint = if is_now { Color32::WHITE } else { theme::DIMMED };
            textures.paint_tinted(ui, place, Id::unique(("fork end", branch)), version((run.id, name)), picture, tint);
        }
        let chosen = draft.view.fork.chosen == branch;
        let response = ui.interact(place, Id::unique(("fork choose", branch)), Sense::click());
        if chosen || response.hovered() || response.has_focus() {
            let colour = if chosen { theme::accent(ui) } else { theme::faint(ui) };
            ui.painter().rect_stroke(place, 2, (2.0, colour), StrokeKind::Outside);
        }
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, format!("End of {name}")));
        if response.hint(format!("The end of {name}. Save saves the one that is chosen")).clicked() {
            self.asked = Some(Edit::Choose(branch));
        }
        let right = Rect::from_min_max(pos2(place.right() + 5.0, top), pos2(place.right() + BEHIND, top + self.row));
        let mut child = ui.new_child(UiBuilder::new().max_rect(right).layout(Layout::top_down(Align::Min)));
        child.spacing_mut().item_spacing.y = 1.0;
        let apart = branch.zip(forks).and_then(|(number, forks)| view.distance_from_stem(ui.ctx(), number, forks));
        if let Some(apart) = apart.map(|apart| (apart * 1000.0).round() / 1000.0) {
            let text = child.label(RichText::new(plain(apart)).size(13.0));
            text.hint("Root mean square difference from the stem's end, pixels in [0, 1]");
        }
        let open = child.small_button("open").hint("Opens this run in Trajectory");
        open.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("open {name} in Trajectory")));
        open.clicked().then(|| {
            let mut controls = branch_controls(draft, branch);
            controls.view.tab = Tab::Trajectory;
            Command::Use(Box::new(controls))
        })
    }
}
