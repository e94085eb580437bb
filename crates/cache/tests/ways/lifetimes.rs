//! When values end: not later than declared, up to a tenth earlier, and what was stored together not together.

use std::time::Duration;

use futures_util::future::join_all;
use keepsight_cache::{Cached, Memory, OriginLimit};

use crate::common::{Origin, SealedNotes, over, pass};

#[tokio::test(start_paused = true)]
async fn what_was_stored_together_does_not_end_together() {
    let limit = OriginLimit { start: 128, ..OriginLimit::default() };
    let notes = over(Memory::default(), 1).origin(limit).build().typed::<SealedNotes>();
    let origin = Origin::default();
    let names: Vec<String> = (0..400).map(|n| n.to_string()).collect();
    let mut tenths = Vec::new();
    let mut at = Duration::ZERO;
    // Once, a moment before the first may end, in the middle, and when all must have ended.
    for part in [0.0, 0.899, 0.95, 1.0] {
        pass(SealedNotes::LIFETIME.mul_f64(part) - at).await;
        at = SealedNotes::LIFETIME.mul_f64(part);
        let before = origin.loads();
        for value in join_all(names.iter().map(|name| origin.get(&notes, 1, name))).await {
            value.unwrap();
        }
        tenths.push(origin.loads() - before);
    }
    assert_eq!((tenths[0], tenths[1]), (400, 0), "loaded, and good for nine tenths of the lifetime");
    assert!((120..280).contains(&tenths[2]), "about half have ended: {tenths:?}");
    assert_eq!(tenths[2] + tenths[3], 400, "each once, and none later than declared");
}
