//! Is something moving? A grid of 80x45 mean brightnesses against a slow background. No IO, no clock.
//!
//! A cell counts when it differs from the background by more than its own noise *and* has changed within the last moments: a parked
//! car is not motion. Light that changes everywhere at once (a lamp, the night mode of the camera) is not motion either.
//! Measured before this was written: quiet scenes change 0 cells, people 17 to 64, an object of 24x50 pixels 0 to 8.

use crate::picture::Plane;
use crate::{Mask, MotionBox, Sensitivity, WatchSettings};

const COLUMNS: usize = 80;
const ROWS: usize = 45;
const CELLS: usize = COLUMNS * ROWS;

/// The background follows within this time where nothing happens, and slower where something does.
const BACKGROUND_MS: f32 = 8_000.0;
const COVERED_MS: f32 = 30_000.0;
/// A cell that has not changed for about this long is not moving.
const MOMENT_MS: f32 = 900.0;
/// How long a cell's noise and restlessness (a flag, a clock in the picture) are remembered.
const NOISE_MS: f32 = 15_000.0;
const RESTLESS_MS: f32 = 40_000.0;
/// A cell that changes more than this share of the time is part of the scene.
const RESTLESS_SHARE: f32 = 0.3;
/// If so much of the picture changes at once, the light changed.
const LIGHT_SHARE: f32 = 0.4;
/// How long the picture is learnt anew after that, and after the beginning.
const LEARN_MS: i64 = 1_500;
/// So many changes of light in so short a time are something in front of the lens.
const LIGHT_CHANGES_MAX: usize = 3;
const LIGHT_WINDOW_MS: i64 = 8_000;
/// Motion lasts at least this long, in at least two pictures.
const STEADY_MS: i64 = 150;
/// Pictures further apart than this don't belong together.
const HOLE_MS: i64 = 5_000;

/// Mean brightness of each cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid(Vec<f32>);

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Seen {
    /// How many cells are moving.
    pub cells: u32,
    /// Whether that is motion, and has been for long enough.
    pub moving: bool,
    /// Where.
    pub area: Option<MotionBox>,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Detector {
    threshold: f32,
    cells_min: u32,
    masked: Vec<bool>,
    cells: Vec<Cell>,
    last_ms: Option<i64>,
    learn_until_ms: i64,
    light_changes_ms: Vec<i64>,
    since_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    background: f32,
    moment: f32,
    noise: f32,
    restless: f32,
}

impl Grid {
    /// The cells of a luma plane; pictures smaller than the grid are refused.
    pub(crate) fn of(luma: Plane<'_>) -> Option<Self> {
        if luma.width < COLUMNS || luma.height < ROWS {
            return None;
        }
        let mut cells = Vec::with_capacity(CELLS);
        // Down first, pixel by pixel, since that is what the processor does sixteen at a time.
        let mut down = vec![0u32; luma.width];
        for row in 0..ROWS {
            down.fill(0);
            let lines = row * luma.height / ROWS..(row + 1) * luma.height / ROWS;
            let tall = lines.len();
            for y in lines {
                let line = &luma.data[y * luma.stride..][..luma.width];
                down.iter_mut().zip(line).for_each(|(sum, value)| *sum += u32::from(*value));
            }
            cells.extend((0..COLUMNS).map(|column| {
                let cell = &down[column * luma.width / COLUMNS..(column + 1) * luma.width / COLUMNS];
                cell.iter().sum::<u32>() as f32 / (cell.len() * tall) as f32
            }));
        }
        Some(Self(cells))
    }
}

impl Detector {
    pub(crate) fn new(settings: &WatchSettings) -> Self {
        let (threshold, cells_min) = limits(settings.sensitivity);
        Self {
            threshold,
            cells_min,
            masked: masked(&settings.masks),
            cells: vec![Cell::default(); CELLS],
            last_ms: None,
            learn_until_ms: 0,
            light_changes_ms: Vec::new(),
            since_ms: None,
        }
    }

    /// The picture of this time.
    pub(crate) fn look(&mut self, at_ms: i64, grid: &Grid) -> Seen {
        // Pictures of a stream with B frames come a little out of order.
        let at_ms = self.last_ms.map_or(at_ms, |last| at_ms.max(last));
        let elapsed = self.last_ms.map(|last| at_ms - last);
        self.last_ms = Some(at_ms);
        match elapsed {
            Some(ms) if ms <= HOLE_MS => self.compare(at_ms, ms as f32, grid),
            _ => self.learn_anew(at_ms, grid),
        }
    }

    fn compare(&mut self, at_ms: i64, elapsed_ms: f32, grid: &Grid) -> Seen {
        let shift = self.shift(grid);
        let changed = self.changed(grid, shift);
        let share = changed.iter().filter(|c| **c).count() as f32 / self.unmasked().max(1.0);
        if share > LIGHT_SHARE {
            return self.light_changed(at_ms, grid);
        }
        let moving = self.moving(grid, shift, &changed);
        self.follow(elapsed_ms, grid, &changed);
        if at_ms < self.learn_until_ms {
            self.absorb(grid);
            return Seen::default();
        }
        self.judge(at_ms, &moving)
    }

    /// How much brighter everything is: the median difference, since an object never covers half of the picture.
    fn shift(&self, grid: &Grid) -> f32 {
        let unmasked = self.cells.iter().zip(&grid.0).zip(&self.masked).filter(|(_, masked)| !**masked);
        let mut differences: Vec<f32> = unmasked.map(|((cell, now), _)| now - cell.background).collect();
        if differences.is_empty() {
            return 0.0;
        }
        let middle = differences.len() / 2;
        *differences.select_nth_unstable_by(middle, f32::total_cmp).1
    }

    fn changed(&self, grid: &Grid, shift: f32) -> Vec<bool> {
        let cells = self.cells.iter().zip(&grid.0).zip(&self.masked);
        cells
            .map(|((cell, now), masked)| {
                let limit = self.threshold.max(4.0 * cell.noise + 2.0);
                !masked && (now - cell.background - shift).abs() > limit
            })
            .collect()
    }

    fn moving(&self, grid: &Grid, shift: f32, changed: &[bool]) -> Vec<bool> {
        let lately = |i: usize| {
            let cell = &self.cells[i];
            cell.restless < RESTLESS_SHARE
                && (grid.0[i] - cell.moment - shift * 0.5).abs() > self.threshold * 0.5
        };
        let moving: Vec<bool> = (0..CELLS).map(|i| changed[i] && lately(i)).collect();
        (0..CELLS).map(|i| moving[i] && has_neighbour(&moving, i)).collect()
    }

    fn follow(&mut self, elapsed_ms: f32, grid: &Grid, changed: &[bool]) {
        let share = |over_ms: f32| (elapsed_ms / over_ms).min(1.0);
        for ((cell, now), changed) in self.cells.iter_mut().zip(&grid.0).zip(changed) {
            let difference = now - cell.background;
            let slow = if *changed { COVERED_MS } else { BACKGROUND_MS };
            cell.background += difference * share(slow);
            cell.moment += (now - cell.moment) * share(MOMENT_MS);
            let noise = difference.abs().min(self.threshold);
            cell.noise += (noise - cell.noise) * share(NOISE_MS);
            cell.restless += (f32::from(u8::from(*changed)) - cell.restless) * share(RESTLESS_MS);
        }
    }

    fn light_changed(&mut self, at_ms: i64, grid: &Grid) -> Seen {
        self.light_changes_ms.retain(|ms| at_ms - ms < LIGHT_WINDOW_MS);
        if at_ms >= self.learn_until_ms {
            self.light_changes_ms.push(at_ms);
        }
        self.absorb(grid);
        self.learn_until_ms = self.learn_until_ms.max(at_ms + LEARN_MS);
        self.since_ms = None;
        let covered = self.light_changes_ms.len() >= LIGHT_CHANGES_MAX;
        let everywhere = MotionBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };
        let cells = if covered { CELLS as u32 } else { 0 };
        Seen { cells, moving: covered, area: covered.then_some(everywhere) }
    }

    fn learn_anew(&mut self, at_ms: i64, grid: &Grid) -> Seen {
        self.cells.fill(Cell::default());
        self.absorb(grid);
        self.learn_until_ms = at_ms + LEARN_MS;
        self.since_ms = None;
        Seen::default()
    }

    /// The scene is what is seen now.
    fn absorb(&mut self, grid: &Grid) {
        for (cell, now) in self.cells.iter_mut().zip(&grid.0) {
            (cell.background, cell.moment) = (*now, *now);
        }
    }

    fn judge(&mut self, at_ms: i64, moving: &[bool]) -> Seen {
        let cells = moving.iter().filter(|m| **m).count() as u32;
        if cells < self.cells_min {
            self.since_ms = None;
            return Seen { cells, ..Seen::default() };
        }
        let since = *self.since_ms.get_or_insert(at_ms);
        Seen { cells, moving: at_ms - since >= STEADY_MS, area: area(moving) }
    }

    fn unmasked(&self) -> f32 {
        self.masked.iter().filter(|masked| !**masked).count() as f32
    }
}

/// Difference of brightness and number of cells that are enough, by sensitivity.
fn limits(sensitivity: Sensitivity) -> (f32, u32) {
    let level = f32::from(sensitivity.level());
    let threshold = 26.0 - 2.2 * level;
    let cells = (40.0 / level.powf(1.3)).round().max(2.0);
    (threshold, cells as u32)
}

fn masked(masks: &[Mask]) -> Vec<bool> {
    let centre = |i: usize| ((i % COLUMNS) as f32 + 0.5, (i / COLUMNS) as f32 + 0.5);
    let covered = |(x, y)| masks.iter().any(|mask| mask.covers(x / COLUMNS as f32, y / ROWS as f32));
    (0..CELLS).map(|i| covered(centre(i))).collect()
}

fn has_neighbour(cells: &[bool], i: usize) -> bool {
    let (column, row) = ((i % COLUMNS) as isize, (i / COLUMNS) as isize);
    let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))).filter(|step| *step != (0, 0));
    let mut places = around.map(|(dx, dy)| (column + dx, row + dy));
    places.any(|(x, y)| {
        (0..COLUMNS as isize).contains(&x)
            && (0..ROWS as isize).contains(&y)
            && cells[y as usize * COLUMNS + x as usize]
    })
}

fn area(moving: &[bool]) -> Option<MotionBox> {
    let places = || (0..CELLS).filter(|i| moving[*i]).map(|i| (i % COLUMNS, i / COLUMNS));
    let (left, right) = (places().map(|p| p.0).min()?, places().map(|p| p.0).max()? + 1);
    let (top, bottom) = (places().map(|p| p.1).min()?, places().map(|p| p.1).max()? + 1);
    let share = |cells: usize, of: usize| (cells as f32 / of as f32 * 1000.0).round() / 1000.0;
    Some(MotionBox {
        x: share(left, COLUMNS),
        y: share(top, ROWS),
        w: share(right - left, COLUMNS),
        h: share(bottom - top, ROWS),
    })
}

#[cfg(test)]
mod tests;
