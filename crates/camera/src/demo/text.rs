//! The words in the picture: an 8x8 bitmap font, enlarged with round edges, on a dark plate.

use font8x8::{BASIC_FONTS, UnicodeFonts};

use super::canvas::{HEIGHT, Paint, Rgb, Shape, WIDTH, blend, fill, flat};
use crate::Mask;
use crate::picture::Picture;

/// Pixels per dot of the font.
const DOT: f32 = 3.0;
const GLYPH: f32 = 8.0 * DOT;
const MARGIN: f32 = 20.0;
const PADDING: f32 = 10.0;
const INK: Rgb = [250, 250, 248];
const PLATE: Rgb = [10, 12, 16];
/// "2026-11-23  18:31:07"
const CLOCK_GLYPHS: f32 = 20.0;

/// The caption, at the top left.
pub(super) fn caption(picture: &mut Picture, text: &str) {
    plate(picture, MARGIN, MARGIN, text.len() as f32);
    write(picture, MARGIN + PADDING, MARGIN + PADDING, text);
}

/// The clock, at the bottom right.
pub(super) fn clock(picture: &mut Picture, text: &str) {
    let (left, top) = clock_place();
    plate(picture, left, top, CLOCK_GLYPHS);
    write(picture, left + PADDING, top + PADDING, text);
}

/// Where the clock runs.
pub(super) fn clock_mask() -> Mask {
    let (left, top) = clock_place();
    let (w, h) = (WIDTH as f32, HEIGHT as f32);
    Mask::Rectangle { x: (left - 16.0) / w, y: (top - 16.0) / h, w: 1.0, h: 1.0 }
}

fn clock_place() -> (f32, f32) {
    let width = CLOCK_GLYPHS * GLYPH + 2.0 * PADDING;
    (WIDTH as f32 - MARGIN - width, HEIGHT as f32 - MARGIN - GLYPH - 2.0 * PADDING)
}

fn plate(picture: &mut Picture, left: f32, top: f32, glyphs: f32) {
    let shape = Shape::Box(left, top, glyphs * GLYPH + 2.0 * PADDING, GLYPH + 2.0 * PADDING, 8.0);
    fill(picture, &shape, Paint::flat(PLATE).alpha(0.55));
}

fn write(picture: &mut Picture, left: f32, top: f32, text: &str) {
    for (n, character) in text.chars().enumerate() {
        let Some(glyph) = BASIC_FONTS.get(character).filter(|_| character != ' ') else { continue };
        let from = left + n as f32 * GLYPH;
        let area = (from - DOT, top - DOT, from + GLYPH + DOT, top + GLYPH + DOT);
        blend(picture, area, |x, y| ink((x - from) / DOT, (y - top) / DOT, &glyph), flat(INK));
    }
}

/// How much ink is at a place between dots: the dots are blurred and cut again, which rounds their corners.
fn ink(x: f32, y: f32, glyph: &[u8; 8]) -> f32 {
    let dot = |column: f32, row: f32| {
        let within = (0.0..8.0).contains(&column) && (0.0..8.0).contains(&row);
        if within && glyph[row as usize] >> (column as u32) & 1 == 1 { 1.0 } else { 0.0 }
    };
    let (x, y) = (x - 0.5, y - 0.5);
    let (column, row) = (x.floor(), y.floor());
    let (fx, fy) = (x - column, y - row);
    let above = dot(column, row) * (1.0 - fx) + dot(column + 1.0, row) * fx;
    let below = dot(column, row + 1.0) * (1.0 - fx) + dot(column + 1.0, row + 1.0) * fx;
    let value = above * (1.0 - fy) + below * fy;
    ((value - 0.28) / 0.34).clamp(0.0, 1.0)
}
