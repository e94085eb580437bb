//! What a built-in camera shows, held to what the rest of the crate makes of it.

use super::*;

#[test]
fn the_same_moment_is_drawn_the_same() {
    let scene = || DemoScene::new("12 Elm Street", DemoView::Garden);
    let draw = || Artist::new(scene()).draw(1_700_000_000_000, 6_000);
    assert_eq!(draw(), draw());
}

/// Writes pictures of every view to the folder in `KEEPSIGHT_PICTURES`, for looking at them.
#[test]
#[ignore = "for a person's eyes"]
fn gallery() {
    let Some(folder) = std::env::var_os("KEEPSIGHT_PICTURES") else { return };
    let folder = std::path::PathBuf::from(folder);
    for view in DemoView::ALL {
        for hour in [1, 7, 12, 18, 20] {
            let scene = DemoScene::new("12 Elm Street", view);
            let mut artist = Artist::new(scene);
            let unix_ms = 1_800_000_000_000_i64 / 86_400_000 * 86_400_000 + hour * 3_600_000;
            let seen = (0..120).map(|n| n * 1000).filter(|ms| artist.schedule.at(*ms).is_some());
            let moment = seen.collect::<Vec<_>>()[hour as usize % 6 + 2];
            let picture = Artist::new(DemoScene::new("12 Elm Street", view)).draw(unix_ms, moment);
            std::fs::write(folder.join(format!("{}-{hour:02}.jpg", view.name())), picture.jpeg(90).unwrap())
                .unwrap();
        }
    }
}

/// Prints what a built-in camera costs on this machine.
#[test]
#[ignore = "a measurement"]
fn cost() {
    for view in DemoView::ALL {
        let mut artist = Artist::new(DemoScene::new("12 Elm Street", view));
        artist.draw(1_800_000_000_000, 0);
        let began = std::time::Instant::now();
        for n in 0..200 {
            artist.draw(1_800_000_000_000 + n * 100, n * 100);
        }
        let drawing = began.elapsed() / 200;
        let mut studio = Studio::new(DemoScene::new("12 Elm Street", view)).unwrap();
        let began = std::time::Instant::now();
        let units: Vec<_> =
            (0..200).map(|n| studio.shoot(1_800_000_000_000 + n * 100, n * 100).unwrap()).collect();
        let both = began.elapsed() / 200;
        let bytes: usize = units.iter().map(|unit| unit.sample.len()).sum();
        let format = Arc::new(
            VideoFormat::new(1280, 720, units[0].sps.clone().unwrap(), units[0].pps.clone().unwrap())
                .unwrap(),
        );
        let mut analyser = crate::decode::Analyser::new(&crate::WatchSettings::default()).unwrap();
        let began = std::time::Instant::now();
        for (n, unit) in units.into_iter().enumerate() {
            let frame = VideoFrame {
                at_ms: n as i64 * 100,
                ticks: n as i64 * 9000,
                key: unit.sps.is_some(),
                data: unit.sample,
            };
            analyser.look(&format, &frame, crate::decode::Wish::Watch);
        }
        let looking = began.elapsed() / 200;
        eprintln!(
            "{view:?}: draw {drawing:?}, draw and encode {both:?}, look {looking:?}, {} kbit/s",
            bytes * 8 / 20 / 1000
        );
    }
}
