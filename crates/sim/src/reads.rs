//! Every way in which something of an Event can be read.

use keepsight_ids::SegmentKind;

use crate::household::Recorded;

/// A read: what sort, and its address.
pub type Read = (&'static str, String);

/// Every read of an Event and of the lists that it stands in.
pub fn all(event: &Recorded) -> Vec<Read> {
    let home = |rest: &str| format!("/api/v1/homes/{}{rest}", event.home);
    let mut reads = vec![
        ("list", home("/events")),
        ("list", home("/events?unseen=true&limit=50")),
        ("camera list", home(&format!("/events?camera={}", event.camera))),
        ("cameras", home("/cameras")),
        ("detail", event.path("")),
        ("Event's views", event.path("/views")),
        ("views", home("/views")),
        ("camera's views", home(&format!("/views?camera={}", event.camera))),
    ];
    for (kind, number, _) in &event.segments {
        reads.push((of_kind(*kind), event.path(&format!("/segments/{kind}/{number}?purpose=view"))));
    }
    reads.push(("video", event.path("/segments/video/0?purpose=download")));
    reads
}

/// A segment's sort of read.
pub const fn of_kind(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Video | SegmentKind::Init | SegmentKind::Audio => "video",
        _ => "picture",
    }
}
