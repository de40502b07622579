//! A number in a heading that a double-click (or Enter, where it has the focus) makes a field to type in.

use crate::app::{state::written::plain, widgets::hint::Hint};
use eframe::egui::{self, Id, Key, Label, Response, RichText, Sense, TextEdit, Ui};
use std::ops::RangeInclusive;

/// Draws `before`, the number and `after` in the looks of `text`. Returns the response of the heading, which names a slider beside it, and
/// the number that was typed, brought into `range`.
pub(crate) fn editable_number(
    ui: &mut Ui,
    id: Id,
    (before, value, after): (&str, f64, &str),
    range: RangeInclusive<f64>,
    looks: impl Fn(String) -> RichText,
    hover: &str,
) -> (Response, Option<f64>) {
    let typed: Option<String> = ui.data(|data| data.get_temp(id));
    let Some(mut typed) = typed else {
        let label = Label::new(looks(format!("{before}{}{after}", plain(value)))).sense(Sense::click()).selectable(false);
        let response = ui.add(label).hint(format!("{hover}\nDouble-click to type a number."));
        let by_key = response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if response.double_clicked() || by_key {
            ui.data_mut(|data| data.insert_temp(id, plain(value)));
            ui.ctx().request_repaint();
        }
        return (response, None);
    };
    let heading = ui.label(looks(before.to_owned()));
    let field = ui.add(TextEdit::singleline(&mut typed).id(id.with("field")).desired_width(72.0).font(egui::TextStyle::Heading));
    let field = field.labelled_by(heading.id);
    if !field.has_focus() && !field.lost_focus() {
        field.request_focus();
        // What is there is replaced by what is typed.
        if let Some(mut state) = egui::text_edit::TextEditState::load(ui.ctx(), field.id) {
            let all = egui::text::CCursorRange::two(egui::text::CCursor::new(0), egui::text::CCursor::new(typed.chars().count()));
            state.cursor.set_char_range(Some(all));
            state.store(ui.ctx(), field.id);
        }
    }
    if !field.lost_focus() {
        ui.data_mut(|data| data.insert_temp(id, typed));
        return (heading, None);
    }
    ui.data_mut(|data| data.remove::<String>(id));
    let given_up = ui.input(|input| input.key_pressed(Key::Escape));
    (heading, parsed(&typed).filter(|_| !given_up).map(|number| number.clamp(*range.start(), *range.end())))
}

/// A number as people type it: with a comma or a point.
fn parsed(text: &str) -> Option<f64> {
    text.trim().replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn numbers_are_read_as_they_are_typed() {
        assert_eq!(
            ["0.43", " 0,43 ", "1e-1", "", "x", "nan", "inf"].map(parsed),
            [Some(0.43), Some(0.43), Some(0.1), None, None, None, None]
        );
    }
}
