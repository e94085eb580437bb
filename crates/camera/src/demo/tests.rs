//! What a built-in camera shows, held to what the rest of the crate makes of it.

use super::*;

#[test]
fn the_same_moment_is_drawn_the_same() {
    let scene = || DemoScene::new("12 Elm Street", DemoView::Garden);
    let draw = || Artist::new(scene()).draw(1_700_000_000_000, 6_000);
    assert_eq!(draw(), draw());
}
