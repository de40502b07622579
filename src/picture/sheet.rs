//! Many pictures on one: contact sheets of samples, and strips that show how samples came about.

use super::Picture;

/// Between pictures and around them, in pixels of the pictures; it grows with them.
const GAP: usize = 2;
/// Between one image's rows and the next image's in a strip.
const WIDE_GAP: usize = 6;
/// Dark, so that a picture's own black still shows its frame, and a true grey, so that sheets of grey pictures stay grey.
const BACKGROUND: [u8; 3] = [34; 3];
/// Small pictures are enlarged to about this many pixels a side.
const COMFORTABLE: usize = 128;
/// And a single one to about this many.
const LARGE: usize = 256;
/// Enlarging stops where a sheet would be larger than this on a side: the largest texture every GPU shows.
const LARGEST: usize = 4096;

/// How one image came about, the same moments in both lists.
#[derive(Clone, Debug, Default)]
pub struct Trajectory {
    /// The noisy x_t, upper row.
    pub noisy: Vec<Picture>,
    /// The prediction x̂0 made from it, lower row.
    pub predicted: Vec<Picture>,
}

/// All `pictures` on one, row by row in `columns` columns (`None`: as many as rows, or one more; never more than pictures), each
/// pixel enlarged to a square of `scale` (`None`: so that small pictures become visible, 32 px by 4, while the sheet stays within
/// 4096 px). Pictures of unequal sizes stand centred in cells of the largest. No pictures give an empty picture, which no writer
/// takes.
pub fn contact_sheet(pictures: &[Picture], columns: Option<usize>, scale: Option<usize>) -> Picture {
    let columns = columns.unwrap_or_else(|| square_columns(pictures.len())).clamp(1, pictures.len().max(1));
    let rows: Vec<Row> = pictures.chunks(columns).map(|pictures| Row { pictures, gap: GAP }).collect();
    compose(&rows, scale)
}

/// Each image's x_t above its x̂0, one column a moment, image under image with a wider gap between them. Gaps, `scale`, unequal
/// sizes and the empty case are those of [`contact_sheet`].
pub fn strip(trajectories: &[Trajectory], scale: Option<usize>) -> Picture {
    let mut rows: Vec<Row> = Vec::with_capacity(2 * trajectories.len());
    for Trajectory { noisy, predicted } in trajectories {
        let gap = if rows.is_empty() { GAP } else { WIDE_GAP };
        rows.push(Row { pictures: noisy, gap });
        rows.push(Row { pictures: predicted, gap: GAP });
    }
    rows.retain(|row| !row.pictures.is_empty());
    compose(&rows, scale)
}

/// The columns of the squarest sheet of `count` pictures: ⌈√count⌉.
pub fn square_columns(count: usize) -> usize {
    let root = count.isqrt();
    if root * root < count { root + 1 } else { root }
}

/// A small picture, large enough to be looked at: about 256 pixels a side.
pub fn enlarged(picture: &Picture) -> Picture {
    picture.scaled((LARGE / picture.width.max(picture.height).max(1)).max(1))
}

/// The moments of an animation between the ends of an interpolation: of each of its `places` one, on which all ways between the ends stand
/// below each other. `pictures` are those of the first way at all places, then those of the next. A grid has more places than `columns`; it
/// is gone through so that each place is beside the one before: one row forth, the next one back.
pub fn moments_between(pictures: &[Picture], places: usize, columns: usize) -> Vec<Picture> {
    let places = places.clamp(1, pictures.len().max(1));
    let moment = |place: usize| -> Picture {
        let ways: Vec<Picture> = pictures.iter().skip(place).step_by(places).cloned().collect();
        match ways.as_slice() {
            [only] => enlarged(only),
            all => contact_sheet(all, Some(1), None),
        }
    };
    if pictures.is_empty() { Vec::new() } else { path_between(places, columns).map(moment).collect() }
}

/// The places of a strip or a grid of `columns` in the order of [`moments_between`].
pub fn path_between(places: usize, columns: usize) -> impl Iterator<Item = usize> {
    let columns = columns.clamp(1, places.max(1));
    (0..places).map(move |place| {
        let (row, column) = (place / columns, place % columns);
        // The last row of a grid may be short.
        let end = (row * columns + columns).min(places);
        if row % 2 == 0 { place } else { end - 1 - column }
    })
}

/// The moments of an animation that loops from the first to the last and back, neither of the two shown twice.
pub fn there_and_back<T>(moments: &[T]) -> impl Iterator<Item = &T> {
    moments.iter().chain(moments.iter().rev().skip(1).take(moments.len().saturating_sub(2)))
}

/// Which `wanted` of `count` moments to show: evenly spread, first and last included, in order, none twice. All of them where
/// there are not more than wanted; the last alone where one is wanted.
pub fn evenly_spaced(count: usize, wanted: usize) -> Vec<usize> {
    match (count, wanted) {
        (0, _) | (_, 0) => Vec::new(),
        (_, 1) => vec![count - 1],
        _ if wanted >= count => (0..count).collect(),
        // Rounded to the nearest moment; u128 cannot overflow here.
        _ => (0..wanted).map(|i| ((2 * i as u128 * (count - 1) as u128 / (wanted - 1) as u128).div_ceil(2)) as usize).collect(),
    }
}

struct Row<'a> {
    pictures: &'a [Picture],
    /// The space above this row.
    gap: usize,
}

/// Lays the rows out at the pictures' own size and enlarges the whole, gaps included.
fn compose(rows: &[Row], scale: Option<usize>) -> Picture {
    let all = || rows.iter().flat_map(|row| row.pictures);
    let (Some(cell_width), Some(cell_height)) = (all().map(|p| p.width).max(), all().map(|p| p.height).max()) else {
        return Picture::filled(0, 0, BACKGROUND);
    };
    let columns = rows.iter().map(|row| row.pictures.len()).max().unwrap_or(0);
    let width = GAP + columns * (cell_width + GAP);
    let height = GAP + rows.iter().map(|row| row.gap + cell_height).sum::<usize>();
    let mut sheet = Picture::filled(width, height, BACKGROUND);
    let mut top = 0;
    for row in rows {
        top += row.gap;
        for (column, picture) in row.pictures.iter().enumerate() {
            let left = GAP + column * (cell_width + GAP);
            sheet.paste(picture, left + (cell_width - picture.width) / 2, top + (cell_height - picture.height) / 2);
        }
        top += cell_height;
    }
    let scale = scale.unwrap_or_else(|| {
        let visible = COMFORTABLE / cell_width.max(cell_height).max(1);
        visible.min(LARGEST / width.max(height))
    });
    sheet.scaled(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(count: usize, side: usize) -> Vec<Picture> {
        (0..count).map(|i| Picture::filled(side, side, [(i % 100) as u8 + 100; 3])).collect()
    }

    #[test]
    fn sheets_are_as_square_as_they_can_be() {
        assert_eq!([0, 1, 2, 4, 5, 9, 10, 36].map(square_columns), [0, 1, 2, 2, 3, 3, 4, 6]);
        let sheet = contact_sheet(&squares(5, 10), None, Some(1));
        assert_eq!((sheet.width, sheet.height), (3 * 12 + 2, 2 * 12 + 2));
        // The fourth picture opens the second row; the last cell stays empty.
        assert_eq!(sheet.pixels[14 * sheet.width + 2], [103; 3]);
        assert_eq!(sheet.pixels[14 * sheet.width + 26], BACKGROUND);
    }

    #[test]
    fn columns_given_are_kept_within_reason() {
        let width = |columns| contact_sheet(&squares(3, 10), Some(columns), Some(1)).width;
        assert_eq!([0, 1, 2, 3, usize::MAX].map(width), [14, 14, 26, 38, 38]);
    }

    #[test]
    fn small_pictures_grow_until_the_sheet_is_large() {
        let width = |count, side| contact_sheet(&squares(count, side), None, None).width;
        assert_eq!(width(36, 32), 4 * (6 * 34 + 2));
        assert_eq!(width(4, 64), 2 * (2 * 66 + 2));
        assert_eq!(width(1, 256), 260);
        // 20 columns of 32 px: four times would be 2728, still small enough; 40 columns must stop at three times, 100 at one.
        assert_eq!([400, 1600].map(|count| width(count, 32)), [4 * 682, 3 * 1362]);
        assert_eq!(width(140 * 140, 32), 140 * 34 + 2);
    }

    #[test]
    fn strips_pair_their_rows() {
        let image = Trajectory { noisy: squares(3, 8), predicted: squares(2, 8) };
        let picture = strip(&[image.clone(), image], Some(1));
        assert_eq!((picture.width, picture.height), (3 * 10 + 2, 4 * 8 + 2 + 2 + 6 + 2 + 2));
        let at = |x: usize, y: usize| picture.pixels[y * picture.width + x];
        assert_eq!(
            [at(2, 2), at(12, 12), at(22, 12), at(2, 25), at(2, 26)],
            [[100; 3], [101; 3], BACKGROUND, BACKGROUND, [100; 3]]
        );
    }

    #[test]
    fn an_animation_comes_back() {
        let grey = |count: usize| there_and_back(&squares(count, 1)).map(|picture| picture.pixels[0][0] - 100).collect::<Vec<_>>();
        assert_eq!(grey(4), [0, 1, 2, 3, 2, 1]);
        assert_eq!([grey(0), grey(1), grey(2)], [vec![], vec![0], vec![0, 1]]);
    }

    #[test]
    fn an_interpolation_moves_from_neighbour_to_neighbour() {
        let greys = |count, places, columns| {
            let moments = moments_between(&squares(count, 200), places, columns);
            moments.iter().map(|picture| picture.pixels[2 * picture.width + 2][0] - 100).collect::<Vec<_>>()
        };
        assert_eq!(greys(4, 4, 4), [0, 1, 2, 3]);
        assert_eq!(greys(9, 9, 3), [0, 1, 2, 5, 4, 3, 6, 7, 8]);
        assert_eq!([greys(5, 5, 3), greys(0, 3, 3)], [vec![0, 1, 2, 4, 3], vec![]]);
        // Two ways: the second below the first.
        let both = moments_between(&squares(6, 200), 3, 3);
        assert_eq!(both.len(), 3);
        assert_eq!(both[1].pixels[(both[1].height - 3) * both[1].width + 2], [104; 3]);
    }

    #[test]
    fn nothing_gives_nothing() {
        let nothing = Picture::filled(0, 0, BACKGROUND);
        assert_eq!(contact_sheet(&[], None, None), nothing);
        assert_eq!(contact_sheet(&[], Some(3), Some(2)), nothing);
        assert_eq!(strip(&[Trajectory::default()], None), nothing);
    }

    #[test]
    fn moments_are_spread_evenly() {
        assert_eq!(evenly_spaced(10, 4), [0, 3, 6, 9]);
        assert_eq!(evenly_spaced(50, 1), [49]);
        assert_eq!(evenly_spaced(3, 8), [0, 1, 2]);
        assert!(evenly_spaced(0, 8).is_empty() && evenly_spaced(8, 0).is_empty());
        for count in 2..60 {
            for wanted in 2..=count {
                let moments = evenly_spaced(count, wanted);
                assert!(moments.len() == wanted && moments.is_sorted_by(|a, b| a < b), "{moments:?}");
                assert_eq!((moments[0], moments[wanted - 1]), (0, count - 1));
            }
        }
    }
}
