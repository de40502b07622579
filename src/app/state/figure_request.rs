//! Which figure of the open panel is asked for, and how it looks.

use super::view_settings::Tab;
use crate::figure::Look;
use serde::{Deserialize, Serialize};

/// What of a panel a figure shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All pictures: the batch, the grid, the interpolation, the ends of a tree.
    Sheet,
    /// Pictures step by step: the film strip, the tree of branches, the way up and back.
    #[default]
    Strip,
    /// The picture shown large.
    Picture,
    /// The panel's curves.
    Curve,
    /// How far the pictures of each row lie apart, pixel by pixel.
    Maps,
    /// Eq. 12 with this step's numbers.
    Equation,
    /// The formula, the pictures and the curves of a step.
    Step,
}

/// As what a figure is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Pixels.
    #[default]
    Png,
    /// Text, lines and pixels that are not smoothed.
    Svg,
    /// The same as a page of its own.
    Pdf,
    /// The curves' numbers.
    Csv,
    /// The formula for a paper.
    Tex,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Png, Self::Svg, Self::Pdf, Self::Csv, Self::Tex];

    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Csv => "csv",
            Self::Tex => "tex",
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Svg => "SVG",
            Self::Pdf => "PDF",
            Self::Csv => "CSV",
            Self::Tex => "LaTeX",
        }
    }
}

/// The largest number of pixels per point.
pub const MAX_SCALE: u32 = 8;

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FigureRequest {
    /// What it shows.
    pub part: Part,
    /// As what it is written.
    pub format: Format,
    /// On a white page; else on a dark one.
    pub light: bool,
    /// With labels.
    pub labels: bool,
    /// Pixels per point of a PNG.
    pub scale: u32,
}

impl Default for FigureRequest {
    fn default() -> Self {
        Self { part: Part::Strip, format: Format::Svg, light: true, labels: true, scale: 2 }
    }
}

impl FigureRequest {
    /// How it looks.
    pub fn look(&self) -> Look {
        Look { light: self.light, labels: self.labels }
    }

    /// The same with a part and a format that `tab` has.
    pub fn fitted(self, tab: Tab) -> Self {
        let parts = parts(tab);
        let part = if parts.iter().any(|(part, _)| *part == self.part) { self.part } else { parts[0].0 };
        let scale = self.scale.clamp(1, MAX_SCALE);
        let format = if part.formats().contains(&self.format) { self.format } else { Format::Svg };
        Self { part, format, scale, ..self }
    }
}

impl Part {
    /// As what it can be written.
    pub fn formats(self) -> &'static [Format] {
        match self {
            Self::Sheet | Self::Strip | Self::Picture | Self::Maps => &[Format::Png, Format::Svg, Format::Pdf],
            Self::Curve => &[Format::Png, Format::Svg, Format::Pdf, Format::Csv],
            Self::Equation => &[Format::Png, Format::Svg, Format::Pdf, Format::Tex],
            Self::Step => &Format::ALL,
        }
    }
}

/// What figures a panel has, with their names; the first is the usual one.
pub fn parts(tab: Tab) -> &'static [(Part, &'static str)] {
    match tab {
        Tab::Trajectory => {
            &[(Part::Strip, "film strip"), (Part::Sheet, "batch"), (Part::Picture, "large pictures"), (Part::Curve, "curves")]
        }
        Tab::Explain => &[(Part::Step, "whole step"), (Part::Equation, "equation"), (Part::Curve, "curves")],
        Tab::Compare => {
            &[(Part::Sheet, "grid"), (Part::Curve, "curve"), (Part::Maps, "spread maps"), (Part::Picture, "enlarged cell")]
        }
        Tab::Interpolate => &[(Part::Sheet, "strip or grid"), (Part::Curve, "length of x_T"), (Part::Picture, "large picture")],
        Tab::Rewind => &[
            (Part::Strip, "way up and back"),
            (Part::Sheet, "four pictures"),
            (Part::Curve, "error and x_T"),
            (Part::Picture, "large picture"),
        ],
        Tab::Fork => &[
            (Part::Strip, "tree"),
            (Part::Sheet, "ends"),
            (Part::Curve, "when it is decided"),
            (Part::Picture, "chosen row's end"),
        ],
        Tab::Race => &[(Part::Sheet, "both pictures"), (Part::Strip, "moments")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_has_figures_and_what_it_lacks_is_replaced() {
        for tab in [Tab::Trajectory, Tab::Explain, Tab::Compare, Tab::Interpolate, Tab::Rewind, Tab::Fork, Tab::Race] {
            for part in [Part::Sheet, Part::Strip, Part::Picture, Part::Curve, Part::Maps, Part::Equation, Part::Step] {
                for format in Format::ALL {
                    let fitted = FigureRequest { part, format, scale: 99, ..FigureRequest::default() }.fitted(tab);
                    assert!(parts(tab).iter().any(|(part, _)| *part == fitted.part));
                    assert!(fitted.part.formats().contains(&fitted.format) && fitted.scale == MAX_SCALE);
                }
            }
        }
    }
}
