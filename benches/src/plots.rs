//! The figures as pictures: one SVG for each benchmark, a bar for each contender in each cell.

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figures::Row;
use crate::targets::MAJORDOMO;

const WIDTH: u32 = 900;
/// Of a bar and what is beside it.
const LINE: i32 = 20;
const LEFT: i32 = 150;
const RIGHT: i32 = 110;

/// Draws the first metric of each benchmark, each into a file of its name.
pub(crate) fn draw(rows: &[Row], folder: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    fs::create_dir_all(folder)?;
    for bench in rows.chunk_by(|one, other| one.bench == other.bench) {
        let metric = bench[0].metric;
        let bars: Vec<_> = bench.iter().filter(|row| row.metric == metric).collect();
        bench_svg(&bars, &folder.join(format!("{}.svg", bench[0].bench)))?;
    }
    Ok(())
}

fn bench_svg(bars: &[&Row], file: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let cells: Vec<_> = bars.chunk_by(|one, other| one.params == other.params).collect();
    let height = LINE * (bars.len() + 2 * cells.len() + 2) as i32;
    let area = SVGBackend::new(file, (WIDTH, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let style = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
    let text = |text: &str, at: (i32, i32), size: i32, side: HPos| {
        let style = style(size).pos(Pos::new(side, VPos::Center));
        area.draw(&Text::new(text.to_owned(), at, style))
    };
    let title = format!("{}: {}, {}", bars[0].bench, bars[0].metric, bars[0].unit);
    text(&title, (10, LINE), 16, HPos::Left)?;
    let mut y = 2 * LINE;
    for cell in cells {
        let params: Vec<_> = cell[0].params.iter().map(|(name, value)| format!("{name} {value}")).collect();
        y += LINE;
        text(&params.join(", "), (10, y), 13, HPos::Left)?;
        y += LINE;
        // Each cell has a scale of its own: bars are compared within it.
        let most = cell.iter().map(|row| row.median).fold(f64::MIN_POSITIVE, f64::max);
        for row in cell {
            let length = (f64::from(WIDTH as i32 - LEFT - RIGHT) * row.median / most) as i32;
            let color =
                if row.contender == MAJORDOMO { RGBColor(31, 119, 180) } else { RGBColor(170, 170, 170) };
            text(row.contender, (LEFT - 8, y), 12, HPos::Right)?;
            let bar = [(LEFT, y - LINE / 3), (LEFT + length.max(1), y + LINE / 3)];
            area.draw(&Rectangle::new(bar, color.filled()))?;
            text(&format!("{:.2}", row.median), (LEFT + length + 8, y), 12, HPos::Left)?;
            y += LINE;
        }
    }
    area.present()?;
    Ok(())
}
