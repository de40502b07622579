//! Markdown as text that is read in a terminal: tables in aligned columns, headings and links without their marks.

/// Columns beyond which a paragraph, or a table's last column, goes on in the next line.
const WIDTH: usize = 100;
/// Between two columns of a table.
const GAP: usize = 2;
/// The last column is never narrower.
const NARROWEST: usize = 30;

/// `markdown` as text.
pub fn as_text(markdown: &str) -> String {
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for line in markdown.lines().map(str::trim_end) {
        if let Some(row) = cells(line) {
            rows.push(row);
            continue;
        }
        lines.extend(table(&std::mem::take(&mut rows)));
        // A picture cannot be shown here.
        if !line.starts_with("![") {
            let text = line.trim_start_matches('#').trim_start();
            lines.extend(if columns_of(text) > WIDTH { wrapped(text, WIDTH) } else { vec![text.to_owned()] });
        }
    }
    lines.extend(table(&rows));
    lines.dedup_by(|after, before| after.is_empty() && before.is_empty());
    lines.join("\n")
}

/// The cells of a table's row.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    // A bar with a backslash before it belongs to the text.
    let cells = inner.replace("\\|", "\u{0}");
    Some(cells.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect())
}

/// Whether the row is the line between a table's head and its body.
fn is_rule(row: &[String]) -> bool {
    row.iter().all(|cell| cell.contains('-') && cell.chars().all(|c| "-: ".contains(c)))
}

/// The lines of a table.
fn table(rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<&Vec<String>> = rows.iter().filter(|row| !is_rule(row) && row.iter().any(|cell| !cell.is_empty())).collect();
    let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| columns_of(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let before: usize = widths.iter().take(columns.saturating_sub(1)).map(|width| width + GAP).sum();
    let room = WIDTH.saturating_sub(before).max(NARROWEST);
    let mut lines = Vec::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths).take(columns.saturating_sub(1)) {
            line += cell;
            line += &" ".repeat(width + GAP - columns_of(cell));
        }
        for (number, part) in wrapped(row.get(columns - 1).map_or("", String::as_str), room).into_iter().enumerate() {
            let start = if number == 0 { std::mem::take(&mut line) } else { " ".repeat(before) };
            lines.push(format!("{start}{part}").trim_end().to_owned());
        }
    }
    lines
}

/// `text` in lines of at most `room` columns, or one word where that is longer.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { continue };
        if !line.is_empty() && columns_of(line) + 1 + columns_of(word) > room {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// Columns that a text takes: a combining mark, as in x̂, takes none.
fn columns_of(text: &str) -> usize {
    text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).count()
}

#[cfg(test)]
mod tests {
    use super::as_text;

    #[test]
    fn tables_stand_in_columns() {
        let markdown = "# Title\n\n![64](a.png)\n\n| | |\n|---|:-:|\n| Name | a \\| b |\n| x̂0 | c |\n\n| S | η = 0 |\n|---|---|\n| 100 | 4.16 |\n";
        assert_eq!(as_text(markdown), "Title\n\nName  a | b\nx̂0    c\n\nS    η = 0\n100  4.16");
    }

    #[test]
    fn long_cells_go_on_below_themselves() {
        let text = as_text(&format!("| Data | {} |\n| Licence | MIT |", "word ".repeat(40)));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[1].starts_with("         word") && lines[3] == "Licence  MIT", "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn what_is_no_table_stays() {
        assert_eq!(as_text("a | b\n| c"), "a | b\n| c");
        assert_eq!(as_text(""), "");
        assert_eq!(as_text("|---|\n|||"), "");
    }
}
