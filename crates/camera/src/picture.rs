//! Decoded pictures: planar YUV 4:2:0, video range. Scaling, the luma grid's cells, JPEG.

use jpeg_encoder::{ColorType, Encoder};

use crate::CameraError;

/// A picture of its own memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub width: usize,
    pub height: usize,
    pub y: Vec<u8>,
    pub u: Vec<u8>,
    pub v: Vec<u8>,
    /// Which matrix its colours are in.
    pub matrix: Matrix,
}

/// The matrix from RGB to YUV, as players guess it when the stream does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matrix {
    Bt601,
    Bt709,
}

/// One plane of somebody else's memory.
#[derive(Clone, Copy)]
pub(crate) struct Plane<'a> {
    pub data: &'a [u8],
    pub stride: usize,
    pub width: usize,
    pub height: usize,
}

/// Three planes of somebody else's memory.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub y: Plane<'a>,
    pub u: Plane<'a>,
    pub v: Plane<'a>,
}

impl Matrix {
    /// SD is BT.601, HD is BT.709: what browsers assume.
    pub(crate) const fn of_height(height: usize) -> Self {
        if height >= 720 { Self::Bt709 } else { Self::Bt601 }
    }
}

impl View<'_> {
    /// The middle of the picture that has the shape of `width` x `height`, scaled to that.
    pub(crate) fn cropped_to(&self, width: usize, height: usize, shape: (u32, u32)) -> Picture {
        // What is seen has the shape of the recorded picture, whatever the pixels of the small stream are.
        let (shown_w, shown_h) = (f64::from(shape.0.max(1)), f64::from(shape.1.max(1)));
        let wanted = width as f64 / height as f64;
        let have = shown_w / shown_h;
        let (part_w, part_h) = if have > wanted { (wanted / have, 1.0) } else { (1.0, have / wanted) };
        self.part_scaled(width, height, part_w, part_h)
    }

    /// The whole picture in this size.
    pub(crate) fn scaled_to(&self, width: usize, height: usize) -> Picture {
        self.part_scaled(width, height, 1.0, 1.0)
    }

    fn part_scaled(&self, width: usize, height: usize, part_w: f64, part_h: f64) -> Picture {
        let (width, height) = (width & !1, height & !1);
        let scale = |plane: &Plane<'_>, w, h| plane.scaled(w, h, part_w, part_h);
        Picture {
            width,
            height,
            y: scale(&self.y, width, height),
            u: scale(&self.u, width / 2, height / 2),
            v: scale(&self.v, width / 2, height / 2),
            matrix: Matrix::of_height(self.y.height),
        }
    }
}

impl Plane<'_> {
    /// Rows first, then columns, each with a triangle as wide as the scale: smooth both down and up.
    fn scaled(&self, width: usize, height: usize, part_w: f64, part_h: f64) -> Vec<u8> {
        let columns = weights(self.width, width, part_w);
        let lines = weights(self.height, height, part_h);
        let mut narrow = vec![0u16; width * self.height];
        for (row, out) in narrow.chunks_exact_mut(width.max(1)).enumerate() {
            let line = &self.data[row * self.stride..][..self.width];
            for (target, (from, weight)) in out.iter_mut().zip(&columns) {
                let sum: u32 = line[*from..].iter().zip(weight).map(|(value, w)| u32::from(*value) * w).sum();
                *target = (sum >> 8) as u16;
            }
        }
        let mut out = vec![0u8; width * height];
        let mut sums = vec![0u32; width];
        for (target, (from, weight)) in out.chunks_exact_mut(width.max(1)).zip(&lines) {
            sums.fill(0);
            for (line, w) in narrow[from * width..].chunks_exact(width.max(1)).zip(weight) {
                sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += u32::from(*value) * w);
            }
            target
                .iter_mut()
                .zip(&sums)
                .for_each(|(byte, sum)| *byte = ((sum + (1 << 23)) >> 24).min(255) as u8);
        }
        out
    }
}

/// For each target position the first source position and the weights from there on, which sum to 65,536.
fn weights(source: usize, target: usize, part: f64) -> Vec<(usize, Vec<u32>)> {
    let shown = source as f64 * part;
    let offset = (source as f64 - shown) / 2.0;
    let step = shown / target as f64;
    let radius = step.max(1.0);
    let position = |i: usize| {
        let centre = offset + (i as f64 + 0.5) * step;
        let from = (centre - radius).floor().max(0.0) as usize;
        let to = ((centre + radius).ceil().max(1.0) as usize).clamp(from + 1, source.max(from + 1));
        let raw: Vec<f64> =
            (from..to).map(|at| (1.0 - ((at as f64 + 0.5 - centre) / radius).abs()).max(0.0)).collect();
        let sum: f64 = raw.iter().sum::<f64>().max(1e-9);
        let mut weight: Vec<u32> = raw.iter().map(|w| (w / sum * 65_536.0).round() as u32).collect();
        let short = 65_536 - weight.iter().sum::<u32>().min(65_536);
        let middle = weight.len() / 2;
        weight[middle] += short;
        (from.min(source.saturating_sub(1)), weight)
    };
    (0..target).map(position).collect()
}

impl Picture {
    /// A black picture.
    pub(crate) fn black(width: usize, height: usize, matrix: Matrix) -> Self {
        let chroma = (width / 2) * (height / 2);
        Self {
            width,
            height,
            y: vec![16; width * height],
            u: vec![128; chroma],
            v: vec![128; chroma],
            matrix,
        }
    }

    #[cfg(test)]
    pub(crate) fn view(&self) -> View<'_> {
        let (w, h) = (self.width, self.height);
        View {
            y: Plane { data: &self.y, stride: w, width: w, height: h },
            u: Plane { data: &self.u, stride: w / 2, width: w / 2, height: h / 2 },
            v: Plane { data: &self.v, stride: w / 2, width: w / 2, height: h / 2 },
        }
    }

    /// Pictures of one size side by side.
    pub(crate) fn side_by_side(parts: &[&Self]) -> Option<Self> {
        let first = parts.first()?;
        let (w, h) = (first.width, first.height);
        let mut strip = Self::black(w * parts.len(), h, first.matrix);
        for (n, part) in parts.iter().enumerate().filter(|(_, part)| part.width == w && part.height == h) {
            paste(&mut strip.y, w * parts.len(), &part.y, w, n);
            paste(&mut strip.u, w * parts.len() / 2, &part.u, w / 2, n);
            paste(&mut strip.v, w * parts.len() / 2, &part.v, w / 2, n);
        }
        Some(strip)
    }

    /// As a JPEG of this quality (1 to 100).
    pub(crate) fn jpeg(&self, quality: u8) -> Result<Vec<u8>, CameraError> {
        let mut out = Vec::new();
        let (width, height) = (self.width as u16, self.height as u16);
        Encoder::new(&mut out, quality)
            .encode(&self.rgb(), width, height, ColorType::Rgb)
            .map_err(|error| CameraError::Codec(error.to_string()))?;
        Ok(out)
    }

    fn rgb(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.width * self.height * 3);
        let half = self.width / 2;
        for (row, line) in self.y.chunks_exact(self.width.max(1)).enumerate() {
            let chroma = (row / 2).min((self.height / 2).saturating_sub(1)) * half;
            for (column, y) in line.iter().enumerate() {
                let at = chroma + (column / 2).min(half.saturating_sub(1));
                out.extend_from_slice(&to_rgb(self.matrix, *y, self.u[at], self.v[at]));
            }
        }
        out
    }
}

fn paste(strip: &mut [u8], stride: usize, part: &[u8], width: usize, n: usize) {
    for (row, line) in part.chunks_exact(width.max(1)).enumerate() {
        strip[row * stride + n * width..][..width].copy_from_slice(line);
    }
}

/// Video range YUV to RGB, in 1/65,536 (ITU-R BT.601 and BT.709).
fn to_rgb(matrix: Matrix, y: u8, u: u8, v: u8) -> [u8; 3] {
    let (rv, gu, gv, bu) = match matrix {
        Matrix::Bt601 => (104_597, 25_675, 53_279, 132_201),
        Matrix::Bt709 => (117_489, 13_975, 34_925, 138_438),
    };
    let y = 76_309 * (i32::from(y) - 16);
    let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
    let byte = |value: i32| ((value + 32_768) >> 16).clamp(0, 255) as u8;
    [byte(y + rv * v), byte(y - gu * u - gv * v), byte(y + bu * u)]
}

/// RGB to video range YUV, the way back.
pub(crate) fn from_rgb(matrix: Matrix, [r, g, b]: [f32; 3]) -> [f32; 3] {
    let (kr, kb) = match matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let luma = kr * r + (1.0 - kr - kb) * g + kb * b;
    let u = (b - luma) / (2.0 * (1.0 - kb));
    let v = (r - luma) / (2.0 * (1.0 - kr));
    [16.0 + luma * 219.0 / 255.0, 128.0 + u * 224.0 / 255.0, 128.0 + v * 224.0 / 255.0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_survive_the_way_there_and_back() {
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            for rgb in [[255.0, 0.0, 0.0], [0.0, 128.0, 255.0], [200.0, 200.0, 200.0]] {
                let [y, u, v] = from_rgb(matrix, rgb).map(|value| value.round() as u8);
                for (back, was) in to_rgb(matrix, y, u, v).into_iter().zip(rgb) {
                    assert!((f32::from(back) - was).abs() < 4.0, "{matrix:?} {rgb:?}");
                }
            }
        }
    }

    #[test]
    fn a_strip_holds_its_parts_in_order() {
        let part = |luma| Picture { y: vec![luma; 4], ..Picture::black(2, 2, Matrix::Bt601) };
        let (dark, light) = (part(20), part(200));
        let strip = Picture::side_by_side(&[&dark, &light]).unwrap();
        assert_eq!(strip.y, [20, 20, 200, 200, 20, 20, 200, 200]);
        assert!(Picture::side_by_side(&[]).is_none());
    }

    #[test]
    fn a_jpeg_of_the_strip_is_a_jpeg() {
        let jpeg = Picture::black(64, 36, Matrix::Bt601).jpeg(80).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    }

    proptest! {
        #[test]
        fn an_even_picture_stays_even_at_any_size(w in 2usize..90, h in 2usize..70, tw in 2usize..200, th in 2usize..120, luma: u8) {
            let picture = Picture { y: vec![luma; w * h], u: vec![128; w.div_ceil(2) * h.div_ceil(2)], v: vec![128; w.div_ceil(2) * h.div_ceil(2)],
                ..Picture::black(w, h, Matrix::Bt601) };
            for scaled in [picture.view().scaled_to(tw, th), picture.view().cropped_to(tw, th, (16, 9))] {
                prop_assert!(scaled.y.iter().all(|y| y.abs_diff(luma) <= 1), "{:?}", &scaled.y[..2]);
                prop_assert_eq!(scaled.y.len(), (tw & !1) * (th & !1));
            }
        }
    }
}
