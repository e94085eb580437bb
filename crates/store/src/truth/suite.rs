//! What every backend of Truth must do, as cases that each begin with an empty database. They panic where one does not.
//!
//! [`Bench`] is also a way for other crates' tests to set a scene through the real gate: accounts, homes, members, agents.

mod accounts;
mod agents;
mod bench;
mod homes;
mod invitations;
mod keys;
mod protocol;

pub use bench::{Bench, HandClock, Home, Open, Person, begin_epoch, entry, sealed, signed};
use std::pin::Pin;

type Case = (&'static str, fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>);

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), |bench| Box::pin($module::$name(bench)))),*]
    };
}

const CASES: &[Case] = cases![
    accounts::the_first_account_needs_the_set_up_link_and_it_works_once,
    accounts::names_are_unique_and_a_stranger_without_a_ticket_does_not_learn_which,
    accounts::a_session_is_known_at_once_and_unknown_once_ended_or_lapsed,
    accounts::a_login_that_was_replaced_makes_no_session,
    accounts::a_recovery_code_replaces_everything_and_ends_every_session,
    accounts::ending_everybodys_sessions_spares_later_ones,
    accounts::a_suspended_account_sees_itself_only,
    accounts::of_very_many_sign_ins_the_longest_unused_end,
    keys::keys_are_replaced_in_the_account_and_every_home_or_nowhere,
    keys::keys_are_replaced_in_homes_of_ones_own_and_nothing_else_with_them,
    homes::a_new_home_is_its_makers_and_nobody_elses,
    homes::an_entry_is_placed_only_behind_the_highest,
    homes::a_removed_member_is_a_stranger_at_once,
    homes::leaving_asks_for_rotation_until_nobody_who_left_is_sealed_to,
    homes::a_home_keeps_an_owner,
    homes::two_owners_can_not_remove_each_other,
    homes::an_author_removed_meanwhile_writes_nothing,
    homes::lockdowns_stop_viewing_and_nothing_else,
    homes::a_guest_sees_the_named_cameras_in_the_window,
    homes::settings_stay_within_the_homes_limits,
    homes::a_home_has_as_many_cameras_as_it_may,
    homes::a_homes_limits_are_told_to_what_measures_against_them,
    homes::states_of_a_home,
    invitations::an_invitation_is_accepted_once,
    invitations::a_revoked_or_lapsed_invitation_is_nothing,
    invitations::an_invitation_lets_its_holder_sign_up,
    invitations::a_home_has_room_for_so_many,
    agents::a_pairing_is_answered_once_and_used_once,
    agents::an_agent_writes_to_its_own_cameras_only,
    agents::a_removed_agents_session_has_ended,
    agents::an_agent_has_a_few_sessions_however_many_it_opens,
    agents::a_removed_camera_takes_nothing_more_and_stays_for_its_events,
    protocol::each_change_takes_the_next_revision_and_names_what_it_touched,
    protocol::a_refused_change_leaves_no_trace,
    protocol::a_fence_is_one_snapshot_with_what_exists,
    protocol::a_permit_of_another_history_writes_nothing,
    protocol::what_lapsed_long_ago_is_swept,
];

/// Runs every case; `open` makes an empty database that reads the given world's clock.
pub async fn run(open: Open) {
    for (name, case) in CASES {
        tracing::info!(case = name, "truth suite");
        case(Bench::new(open.clone()).await).await;
    }
}
