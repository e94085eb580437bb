//! What every backend of Records must do, as cases that each begin with an empty store. They panic where one does not.
//!
//! [`Street`] and [`Bench`] are also a way for other tests to set a scene: homes, their people and agents before a real gate,
//! headers and sealed bytes that state whose they are.

mod bench;
mod ingest;
mod lists;
mod pages;
mod retention;
mod room;
mod street;
mod views;

use std::pin::Pin;

pub use bench::{Bench, Make};
pub use street::{NOW, Street, Who, account, agent, camera, event, gap, header, home, sealed};

type Case = (&'static str, fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>);

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |bench| Box::pin($module::$name(bench)))),*]
    };
}

const CASES: &[Case] = cases![
    ingest::a_header_is_acknowledged_again_and_another_one_refused,
    ingest::a_header_of_elsewhere_is_refused,
    ingest::an_event_is_filed_when_it_was_captured_unless_that_lies_ahead_or_is_unknown,
    ingest::a_segment_needs_its_header,
    ingest::a_segment_is_acknowledged_again_and_other_bytes_refused,
    ingest::an_object_older_than_an_hour_is_not_committed,
    ingest::the_trailer_completes_an_event_and_bytes_add_up,
    ingest::what_is_damaged_or_too_large_is_refused,
    ingest::a_gap_is_stored_once_and_its_end_moves,
    ingest::an_agents_last_word_is_kept_and_only_of_its_own_cameras,
    ingest::a_permit_serves_its_own_action_while_it_is_fresh,
    lists::a_list_shows_each_change_at_the_next_look,
    lists::how_cameras_do_shows_each_change_at_the_next_look,
    lists::a_list_is_each_lookers_own,
    lists::a_list_is_of_what_the_permit_covers_now,
    pages::pages_hold_every_event_once_newest_first,
    pages::a_span_a_camera_and_what_was_not_seen_are_filters,
    pages::gaps_come_with_the_page_whose_span_they_touch,
    pages::nothing_of_another_home_or_camera_is_in_any_answer,
    pages::an_event_has_its_segments_and_its_neighbours,
    pages::each_camera_has_its_newest_event_and_count,
    pages::seen_is_each_accounts_own,
    pages::a_segment_is_where_its_row_says,
    retention::what_is_deleted_stays_deleted_for_ever,
    retention::old_events_go_and_kept_ones_stay,
    retention::beyond_its_bytes_a_home_loses_its_oldest,
    retention::a_sweep_is_of_one_home_and_in_bounded_steps,
    room::a_home_holds_as_many_bytes_as_it_may,
    room::a_home_sends_as_many_events_a_day_as_it_may,
    room::what_is_arriving_does_not_go_for_want_of_room,
    views::records_are_kept_in_order_and_paged,
    views::a_member_reads_everybodys_and_a_guest_their_own,
    views::records_of_an_event_and_of_a_span,
    views::old_records_go_but_never_before_their_event,
];

/// Runs every case; `make` opens an empty store that measures with the given world.
pub async fn run(make: Make) {
    for (name, case) in CASES {
        tracing::info!(case = name, "records suite");
        case(Bench::new(&make)).await;
    }
}
