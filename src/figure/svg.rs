//! A figure as SVG: real text in its own fonts, which are inside, pictures as PNG whose pixels no program smooths, and the recipe in the
//! metadata.

use super::{
    fonts::{FAMILY, ITALIC, UPRIGHT},
    scene::{Figure, Mark, Rgb},
};
use crate::{
    error::{Error, Result},
    picture::{
        png,
        svg::{NAMESPACE, RECIPE},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt::Write;

/// The text of an SVG file, which carries `recipe`.
///
/// # Errors
/// A picture that is empty.
pub fn svg(figure: &Figure, recipe: Option<&str>) -> Result<String> {
    let mut out = String::new();
    let (width, height) = (number(figure.width), number(figure.height));
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    put(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n",
            escaped(&figure.title)
        ),
    );
    if let Some(recipe) = recipe {
        put(&mut out, format_args!("<metadata><{RECIPE} xmlns:etude=\"{NAMESPACE}\">{}</{RECIPE}></metadata>\n", escaped(recipe)));
    }
    let has = |italic| figure.marks.iter().any(|mark| matches!(mark, Mark::Text { glyphs, .. } if glyphs.italic == italic));
    let fonts = [(false, "normal", UPRIGHT), (true, "italic", ITALIC)].into_iter().filter(|(italic, ..)| has(*italic));
    let fonts: String = fonts
        .map(|(_, style, bytes)| {
            let bytes = STANDARD.encode(bytes);
            format!("@font-face{{font-family:'Etude Math';font-style:{style};src:url(data:font/otf;base64,{bytes})}}\n")
        })
        .collect();
    if !fonts.is_empty() {
        put(&mut out, format_args!("<style>{fonts}</style>\n"));
    }
    put(&mut out, format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n", colour(figure.background)));
    // Widths are those of the letters one by one.
    put(
        &mut out,
        format_args!("<g font-family=\"{FAMILY}\" font-kerning=\"none\" font-variant-ligatures=\"none\" xml:space=\"preserve\">\n"),
    );
    for mark in &figure.marks {
        write_mark(&mut out, mark)?;
    }
    out.push_str("</g>\n</svg>\n");
    Ok(out)
}

fn write_mark(out: &mut String, mark: &Mark) -> Result<()> {
    match mark {
        Mark::Picture { picture, at } => {
            let mut bytes = Vec::new();
            png::encode(&mut bytes, picture, None).map_err(|error| Error::argument(format!("figure: {error}")))?;
            put(
                out,
                format_args!(
                    "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" image-rendering=\"optimizeSpeed\" \
                     style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64,{}\"/>\n",
                    number(at.x),
                    number(at.y),
                    number(at.width),
                    number(at.height),
                    STANDARD.encode(bytes)
                ),
            );
        }
        Mark::Text { glyphs, at, colour: ink } => {
            let style = if glyphs.italic { " font-style=\"italic\"" } else { "" };
            put(
                out,
                format_args!(
                    "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{style} fill=\"{}\">{}</text>\n",
                    number(at[0]),
                    number(at[1]),
                    number(glyphs.em),
                    colour(*ink),
                    escaped(&glyphs.text)
                ),
            );
        }
        Mark::Line { points, width, colour: ink, dashed } => {
            let points: Vec<String> = points.iter().map(|[x, y]| format!("{},{}", number(*x), number(*y))).collect();
            let dashes = if *dashed { " stroke-dasharray=\"5 4\"" } else { "" };
            put(
                out,
                format_args!(
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dashes}/>\n",
                    points.join(" "),
                    colour(*ink),
                    number(*width)
                ),
            );
        }
        Mark::Fill { at, colour: ink } => put(
            out,
            format_args!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
                number(at.x),
                number(at.y),
                number(at.width),
                number(at.height),
                colour(*ink)
            ),
        ),
        Mark::Dot { at: [x, y], radius, colour: ink, diamond: false } => put(
            out,
            format_args!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"/>\n",
                number(*x),
                number(*y),
                number(*radius),
                colour(*ink)
            ),
        ),
        Mark::Dot { at: [x, y], radius, colour: ink, diamond: true } => {
            let corners = [[0.0, -radius], [*radius, 0.0], [0.0, *radius], [-radius, 0.0]];
            let points: Vec<String> = corners.iter().map(|[dx, dy]| format!("{},{}", number(x + dx), number(y + dy))).collect();
            put(out, format_args!("<polygon points=\"{}\" fill=\"{}\"/>\n", points.join(" "), colour(*ink)));
        }
    }
    Ok(())
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = out.write_fmt(text);
}

/// To a hundredth of a point, without zeros at the end.
fn number(x: f32) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').replace("-0", if x.abs() < 0.005 { "0" } else { "-0" })
}

fn colour([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Text as XML has it. Control characters, which XML 1.0 cannot hold, are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, number};

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 1.0, 0.5, -0.001, 12.345, 100.0, -0.25].map(number);
        assert_eq!(all, ["0", "1", "0.5", "0", "12.35", "100", "-0.25"].map(String::from));
    }

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(escaped("a<b>&\"c\"\u{7}"), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
