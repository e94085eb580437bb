//! Drawing straight into a YUV picture: shapes by their distance function, smooth at every edge.
//!
//! Coordinates are pixels of a 1280x720 picture.

use crate::picture::{Matrix, Picture, from_rgb};

pub(super) const WIDTH: usize = 1280;
pub(super) const HEIGHT: usize = 720;

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// What can be drawn.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Left, top, width, height, radius of the corners.
    Box(f32, f32, f32, f32, f32),
    /// Centre and radii.
    Oval(f32, f32, f32, f32),
    /// From, to, width; round ends.
    Line((f32, f32), (f32, f32), f32),
    /// Corners.
    Polygon(Vec<(f32, f32)>),
}

/// What it is filled with: a colour from top to bottom of the shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    top: Rgb,
    bottom: Rgb,
    alpha: f32,
    soft: f32,
}

impl Paint {
    pub(super) const fn flat(colour: Rgb) -> Self {
        Self::fade(colour, colour)
    }

    pub(super) const fn fade(top: Rgb, bottom: Rgb) -> Self {
        Self { top, bottom, alpha: 1.0, soft: 1.0 }
    }

    /// 0 is not there, 1 covers.
    pub(super) const fn alpha(self, alpha: f32) -> Self {
        Self { alpha, ..self }
    }

    /// The width of the edge in pixels: shadows and glows.
    pub(super) const fn soft(self, soft: f32) -> Self {
        Self { soft, ..self }
    }
}

/// Between two colours.
pub(super) fn mix(a: Rgb, b: Rgb, share: f32) -> Rgb {
    let mut out = a;
    for (value, other) in out.iter_mut().zip(b) {
        *value = (f32::from(*value) + (f32::from(other) - f32::from(*value)) * share)
            .round()
            .clamp(0.0, 255.0) as u8;
    }
    out
}

/// Draws a shape.
pub(super) fn fill(picture: &mut Picture, shape: &Shape, paint: Paint) {
    let (left, top, right, bottom) = shape.bounds();
    let (wide, tall) = shape.stretch();
    let (wide, tall) = (paint.soft.max(1.0) * wide, paint.soft.max(1.0) * tall);
    let height = (bottom - top).max(1.0);
    let colour =
        |y: f32| yuv(mix(paint.top, paint.bottom, ((y - top) / height).clamp(0.0, 1.0)), picture_matrix());
    let cover = |x: f32, y: f32| (0.5 - shape.distance(x, y) / paint.soft).clamp(0.0, 1.0) * paint.alpha;
    let area = (left - wide, top - tall, right + wide, bottom + tall);
    blend(picture, area, cover, colour);
}

/// Draws what covers: `cover` is asked at the middle of each pixel within the area.
pub(super) fn blend(
    picture: &mut Picture,
    area: (f32, f32, f32, f32),
    cover: impl Fn(f32, f32) -> f32,
    colour: impl Fn(f32) -> [f32; 3],
) {
    let within =
        |from: f32, to: f32, most: usize| from.max(0.0) as usize..(to.max(0.0).ceil() as usize).min(most);
    let (columns, rows) = (within(area.0, area.2, picture.width), within(area.1, area.3, picture.height));
    for row in rows.clone() {
        let y = row as f32 + 0.5;
        let luma = colour(y)[0];
        let line = &mut picture.y[row * picture.width..][..picture.width];
        for column in columns.clone() {
            let share = cover(column as f32 + 0.5, y);
            if share > 0.0 {
                line[column] = towards(line[column], luma + grain(column, row), share);
            }
        }
    }
    let half = picture.width / 2;
    for row in rows.start / 2..rows.end / 2 {
        let y = row as f32 * 2.0 + 1.0;
        let [_, u, v] = colour(y);
        for column in columns.start / 2..columns.end / 2 {
            let share = cover(column as f32 * 2.0 + 1.0, y);
            if share > 0.0 {
                let at = row * half + column;
                picture.u[at] = towards(picture.u[at], u, share);
                picture.v[at] = towards(picture.v[at], v, share);
            }
        }
    }
}

/// A colour for [`blend`].
pub(super) fn flat(colour: Rgb) -> impl Fn(f32) -> [f32; 3] {
    let colour = yuv(colour, picture_matrix());
    move |_| colour
}

fn picture_matrix() -> Matrix {
    Matrix::of_height(HEIGHT)
}

fn yuv(colour: Rgb, matrix: Matrix) -> [f32; 3] {
    from_rgb(matrix, colour.map(f32::from))
}

fn towards(from: u8, to: f32, share: f32) -> u8 {
    (f32::from(from) + (to - f32::from(from)) * share + 0.5) as u8
}

/// Less than one step of brightness, always the same at a place: slow gradients show no bands.
fn grain(column: usize, row: usize) -> f32 {
    let mixed = (column as u32).wrapping_mul(0x9e37_79b1) ^ (row as u32).wrapping_mul(0x85eb_ca77);
    ((mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d) >> 24) as f32 / 256.0 - 0.5
}

impl Shape {
    fn bounds(&self) -> (f32, f32, f32, f32) {
        match self {
            Self::Box(x, y, w, h, _) => (*x, *y, x + w, y + h),
            Self::Oval(x, y, rx, ry) => (x - rx, y - ry, x + rx, y + ry),
            Self::Line((ax, ay), (bx, by), width) => {
                let half = width / 2.0;
                (ax.min(*bx) - half, ay.min(*by) - half, ax.max(*bx) + half, ay.max(*by) + half)
            }
            Self::Polygon(corners) => {
                let start = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
                corners
                    .iter()
                    .fold(start, |(l, t, r, b), (x, y)| (l.min(*x), t.min(*y), r.max(*x), b.max(*y)))
            }
        }
    }

    /// How much further than its width a soft edge reaches: an oval's distance is measured along its short side.
    fn stretch(&self) -> (f32, f32) {
        match self {
            Self::Oval(_, _, rx, ry) => (rx / rx.min(*ry), ry / rx.min(*ry)),
            _ => (1.0, 1.0),
        }
    }

    /// In pixels, negative inside (after Inigo Quilez, "2D distance functions").
    fn distance(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Box(left, top, w, h, radius) => {
                let (dx, dy) = (
                    (x - left - w / 2.0).abs() - w / 2.0 + radius,
                    (y - top - h / 2.0).abs() - h / 2.0 + radius,
                );
                dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - radius
            }
            Self::Oval(cx, cy, rx, ry) => (((x - cx) / rx).hypot((y - cy) / ry) - 1.0) * rx.min(*ry),
            Self::Line(a, b, width) => to_segment((x, y), *a, *b) - width / 2.0,
            Self::Polygon(corners) => to_polygon((x, y), corners),
        }
    }
}

fn to_segment(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (pa, ba) = ((p.0 - a.0, p.1 - a.1), (b.0 - a.0, b.1 - a.1));
    let length = (ba.0 * ba.0 + ba.1 * ba.1).max(1e-6);
    let share = ((pa.0 * ba.0 + pa.1 * ba.1) / length).clamp(0.0, 1.0);
    (pa.0 - ba.0 * share).hypot(pa.1 - ba.1 * share)
}

fn to_polygon(p: (f32, f32), corners: &[(f32, f32)]) -> f32 {
    let mut nearest = f32::MAX;
    let mut inside = false;
    let mut previous = corners[corners.len() - 1];
    for corner in corners {
        nearest = nearest.min(to_segment(p, *corner, previous));
        if (corner.1 > p.1) != (previous.1 > p.1)
            && p.0 < (previous.0 - corner.0) * (p.1 - corner.1) / (previous.1 - corner.1) + corner.0
        {
            inside = !inside;
        }
        previous = *corner;
    }
    if inside { -nearest } else { nearest }
}
