//! A path that is typed, where no dialog can be shown that asks for it.

use crate::{app::state::command::Command, session::WhatFor};
use eframe::egui::{Align2, Button, Context, Key, TextEdit, Window};
use std::path::PathBuf;

const WIDTH: f32 = 460.0;

/// Draws the field while there is one; `text` takes what is typed.
pub(crate) fn path_field_ui(ctx: &Context, what: WhatFor, text: &mut String) -> Option<Command> {
    let title = match what {
        WhatFor::Model => "A model's folder or weights",
        WhatFor::SaveFolder => "The folder to save in",
        WhatFor::Recipe => "A picture that etude saved",
        WhatFor::Picture => "A picture to rewind",
    };
    let (mut open, mut command) = (true, None);
    let width = WIDTH.min(ctx.content_rect().width() - 40.0);
    let window = Window::new(title).open(&mut open).collapsible(false).resizable(false);
    window.anchor(Align2::CENTER_CENTER, [0.0, 0.0]).show(ctx, |ui| {
        ui.set_max_width(width);
        ui.label("No file dialog can be shown on this desktop (no portal answers), so type the path here, or drop the file on the window.");
        let field = ui.add(TextEdit::singleline(text).desired_width(width).hint_text("/home/me/pictures"));
        field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Path"));
        if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
            command = Some(Command::Typed(what, None));
        }
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if !field.has_focus() && text.is_empty() {
            field.request_focus();
        }
        ui.horizontal(|ui| {
            let path = text.trim();
            let pressed = ui.add_enabled(!path.is_empty(), Button::new("Use it")).clicked();
            if (pressed || entered) && !path.is_empty() {
                command = Some(Command::Typed(what, Some(PathBuf::from(path))));
            }
            if ui.button("Cancel").clicked() {
                command = Some(Command::Typed(what, None));
            }
        });
    });
    if !open {
        command = Some(Command::Typed(what, None));
    }
    command
}
