//! Curves as numbers: one column per curve, with its unit in the header.

use super::plot::Plot;
use std::fmt::Write;

/// The curves of `plots` as CSV (RFC 4180), one block per x: plots of the same x share their rows. Numbers have all the digits that
/// tell them apart.
pub fn csv(plots: &[Plot]) -> String {
    let mut out = String::new();
    for block in plots.chunk_by(|a, b| a.x.column == b.x.column) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        let series: Vec<_> = block.iter().flat_map(|plot| &plot.series).collect();
        let heads = std::iter::once(&block[0].x.column).chain(series.iter().map(|series| &series.column));
        let heads: Vec<String> = heads.map(|head| field(head)).collect();
        out.push_str(&heads.join(","));
        out.push_str("\r\n");
        let mut all: Vec<f64> = series.iter().flat_map(|series| series.points.iter().map(|point| point[0])).collect();
        all.sort_by(f64::total_cmp);
        all.dedup();
        for x in all {
            let mut line = x.to_string();
            for series in &series {
                // Writing into a string does not fail.
                let _ = match series.points.iter().find(|point| point[0] == x) {
                    Some(point) => write!(line, ",{}", point[1]),
                    None => write!(line, ","),
                };
            }
            out.push_str(&line);
            out.push_str("\r\n");
        }
    }
    out
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Series};

    #[test]
    fn curves_of_one_x_share_their_rows() {
        let plot = |column: &str, points: Vec<[f64; 2]>| Plot {
            x: Axis { column: "t [timestep]".to_owned(), ..Axis::default() },
            series: vec![Series { column: column.to_owned(), points, ..Series::default() }],
            ..Plot::default()
        };
        let other =
            Plot { x: Axis { column: "S [steps]".to_owned(), ..Axis::default() }, ..plot("error, squared", vec![[5.0, 1e-7]]) };
        let all = [plot("a [1]", vec![[980.0, 0.1], [0.0, 1.0]]), plot("b [1]", vec![[0.0, 0.123_456_789_012]]), other];
        assert_eq!(
            csv(&all),
            "t [timestep],a [1],b [1]\r\n0,1,0.123456789012\r\n980,0.1,\r\n\r\nS [steps],\"error, squared\"\r\n5,0.0000001\r\n"
        );
    }
}
