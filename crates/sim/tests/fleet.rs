//! Homes and their cloud in virtual time: hours of outage, bad networks, power cuts, small spools, and everybody back at once.
//!
//! A run is named by its seed; `KEEPSIGHT_SIM_SEED=7 cargo test -p keepsight-sim --test fleet` plays that one only.

use std::collections::BTreeSet;
use std::time::Duration;

use keepsight_ids::EventId;
use keepsight_sim::fleet::{Book, Habits, Known, Plan, Play, Rush, Town, seeds};
use keepsight_wire::people::GapReason;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// A spool that no outage here fills.
const HUGE: u64 = 1 << 40;

fn habits(every: u64, until: Duration, seconds: u32) -> Habits {
    Habits { every: Duration::from_secs(every), until, seconds, bytes: 600, spool_bytes: HUGE }
}

fn plan(seed: u64, homes: usize, habits: Habits) -> Plan {
    eprintln!("seed {seed}");
    Plan { seed, homes, owners: homes.min(2), agents_per_second: 50, one_by_one: false, habits }
}

/// A network that neither loses nor reorders, in ticks of this length.
fn calm(tick_ms: u64) -> turmoil::Builder {
    let mut network = turmoil::Builder::new();
    let latency = Duration::from_millis(20);
    network.tick_duration(Duration::from_millis(tick_ms)).tcp_capacity(1024);
    network.min_message_latency(latency).max_message_latency(latency);
    network
}

fn known(book: &Book) -> Vec<(EventId, Known)> {
    book.notes().events.iter().map(|(event, known)| (*event, known.clone())).collect()
}

fn dropped(book: &Book) -> usize {
    known(book).iter().filter(|(_, known)| known.dropped).count()
}

#[test]
fn six_hours_without_a_cloud_lose_nothing_and_are_filed_as_they_were() {
    for seed in seeds(3) {
        let town = Town::found(plan(seed, 3, habits(360, 6 * HOUR + 15 * MINUTE, 2)));
        let mut play = Play::start(&town, &mut calm(500));
        play.listen(&town.homes[0]);
        play.run_for(10 * MINUTE);
        play.take_cloud();
        play.run_for(6 * HOUR);
        let back = town.homes[0].origin + (play.sim.elapsed().as_millis() as i64);
        play.return_cloud();
        play.run_for(10 * MINUTE);
        play.until_done(10 * MINUTE);
        drop(play);

        let verdict = town.verdict();
        verdict.must_be_clean(seed);
        let all = known(&town.book);
        assert!(all.len() > 150 && all.len() == verdict.events.len(), "seed {seed}: {}", all.len());
        assert_eq!(dropped(&town.book), 0, "seed {seed}");
        for (event, known) in &all {
            let shown = &verdict.events[event];
            assert!(shown.complete && !shown.clock_unknown, "seed {seed}: {event}");
            let filed = known.captured.min(shown.received.0 + 5 * 60_000);
            assert_eq!(shown.filed.0, filed, "seed {seed}: {event} is filed when it was captured");
        }
        let late =
            |event: EventId| verdict.events[&event].received.0 - verdict.events[&event].filed.0 > 120_000;
        let notes = town.book.notes();
        let fresh: BTreeSet<EventId> =
            notes.told.iter().filter(|told| told.fresh).map(|told| told.event).collect();
        assert!(!fresh.is_empty() && fresh.iter().all(|&event| !late(event)), "seed {seed}: late is no news");
        let told: BTreeSet<EventId> = notes.told.iter().map(|told| told.event).collect();
        let heard = told.iter().filter(|&&event| late(event)).count();
        assert!(heard > 10, "seed {seed}: {heard} late Events were told, as late");
        assert!(
            notes.told.iter().any(|told| told.at >= back && told.fresh),
            "seed {seed}: news are news again"
        );
    }
}

#[test]
fn a_network_that_loses_delays_and_parts_only_delays() {
    for seed in seeds(3) {
        let town = Town::found(plan(seed, 3, habits(20, 10 * MINUTE, 2)));
        let mut network = calm(50);
        network.max_message_latency(Duration::from_millis(900)).fail_rate(0.004).repair_rate(0.1);
        let mut play = Play::start(&town, &mut network);
        while play.sim.elapsed() < 10 * MINUTE {
            let home = &town.homes[play.lots.random_up_to(2) as usize];
            play.run_for(Duration::from_secs(10 + play.lots.random_up_to(30)));
            play.cut(home);
            play.run_for(Duration::from_secs(1 + play.lots.random_up_to(60)));
            play.mend(home);
        }
        play.sim.set_fail_rate(0.0);
        play.until_done(15 * MINUTE);
        drop(play);
        town.verdict().must_be_clean(seed);
        assert!(known(&town.book).len() > 60 && dropped(&town.book) == 0, "seed {seed}");
    }
}

#[test]
fn power_cuts_of_homes_and_cloud_lose_nothing_that_was_confirmed() {
    for seed in seeds(3) {
        let span = 15 * MINUTE;
        let town = Town::found(plan(seed, 3, habits(15, span, 3)));
        let mut play = Play::start(&town, &mut calm(50));
        let (mut homes_down, mut cloud_down) = (0, 0);
        while play.sim.elapsed() < span {
            play.run_for(Duration::from_millis(2000 + play.lots.random_up_to(15_000)));
            let home = &town.homes[play.lots.random_up_to(2) as usize];
            match play.lots.random_up_to(3) {
                0 if !play.is_down("cloud") => {
                    town.server.die_in(1 + play.lots.random_up_to(400) as i64);
                    cloud_down += 1;
                }
                1 if !play.is_down(&home.host) => {
                    let downtime = Duration::from_millis(5000 + play.lots.random_up_to(60_000));
                    play.kill(&home.host, Some(downtime));
                    homes_down += 1;
                }
                // In the middle of a write, perhaps while it starts.
                _ => {
                    home.disk.die_at(home.disk.calls() + play.lots.random_up_to(60));
                    homes_down += 1;
                }
            }
        }
        play.run_for(MINUTE);
        play.until_done(15 * MINUTE);
        drop(play);
        assert!(homes_down > 20 && cloud_down > 5, "seed {seed}: {homes_down}, {cloud_down}");
        let verdict = town.verdict();
        verdict.must_be_clean(seed);
        let all = known(&town.book);
        let cut = all.iter().filter(|(_, known)| known.cut.is_some()).count();
        assert!(all.len() > 60 && cut > 5 && dropped(&town.book) == 0, "seed {seed}: {} {cut}", all.len());
        assert!(
            all.iter().all(|(event, known)| !known.closed || verdict.events[event].complete),
            "seed {seed}"
        );
    }
}

#[test]
fn a_spool_too_small_for_the_outage_drops_the_oldest_and_says_so() {
    for seed in seeds(3) {
        let small = Habits { bytes: 8000, spool_bytes: 900_000, ..habits(30, 2 * HOUR, 3) };
        let town = Town::found(plan(seed, 2, small));
        let mut play = Play::start(&town, &mut calm(500));
        play.run_for(2 * MINUTE);
        play.until_done(5 * MINUTE);
        play.take_cloud();
        play.run_for(2 * HOUR);
        play.return_cloud();
        play.until_done(10 * MINUTE);
        drop(play);

        let verdict = town.verdict();
        verdict.must_be_clean(seed);
        for home in &town.homes {
            let all: Vec<_> =
                known(&town.book).into_iter().filter(|(_, known)| known.home == home.home).collect();
            let lost: Vec<_> =
                all.iter().filter(|(_, known)| known.dropped).map(|(_, known)| known).collect();
            assert!(
                lost.len() > 100 && lost.len() < all.len() - 5,
                "seed {seed}: {} of {}",
                lost.len(),
                all.len()
            );
            let from = lost.iter().map(|known| known.captured).min().unwrap();
            let until = lost.iter().map(|known| known.captured + known.footage_ms).max().unwrap();
            let gaps: Vec<_> = verdict.gaps_of(home, GapReason::SpoolFull).collect();
            assert!(gaps.len() < 5, "seed {seed}: what follows each other is one gap, not {}", gaps.len());
            assert_eq!(gaps.iter().map(|gap| gap.from.0).min(), Some(from), "seed {seed}");
            assert_eq!(gaps.iter().map(|gap| gap.until.0).max(), Some(until), "seed {seed}");
            // Only the oldest: all that is kept lies before the outage or after everything that was lost.
            let kept = all.iter().filter(|(_, known)| !known.dropped).map(|(_, known)| known.captured);
            assert!(kept.into_iter().all(|captured| captured < from || captured >= until), "seed {seed}");
        }
    }
}

#[test]
fn everybody_back_at_once_comes_spread_over_time() {
    const FLEET: usize = 32;
    const PER_SECOND: usize = 4;
    for seed in seeds(2) {
        let plan = plan(seed, FLEET, habits(120, 6 * MINUTE, 1));
        let town = Town::found(Plan { agents_per_second: PER_SECOND as u64, ..plan });
        let mut play = Play::start(&town, &mut calm(200));
        play.run_for(90 * Duration::from_secs(1));
        // Sessions outlive the cloud's absence: what spreads the fleet then is its own jitter.
        for outage in [Duration::from_secs(3), 3 * MINUTE] {
            play.take_cloud();
            play.run_for(outage);
            let rush =
                comes_back(&mut play, &format!("{outage:?} without a cloud"), |play| play.return_cloud());
            assert!(rush.returned <= FLEET / 3, "seed {seed}: {rush:?}");
        }
        // A whole quarter loses its power: nobody has a session, all ask in the same instant, and are told when to come.
        town.homes.iter().for_each(|home| play.kill(&home.host, Some(Duration::from_secs(5))));
        let rush =
            comes_back(&mut play, "a power cut everywhere", |play| play.run_for(Duration::from_secs(5)));
        assert!(rush.returned > FLEET / 2 && rush.asked_again <= FLEET / 3, "seed {seed}: {rush:?}");
        // A bucket of two seconds' worth, and what flows in meanwhile.
        assert!((1..=3 * PER_SECOND).contains(&rush.admitted), "seed {seed}: {rush:?}");
        play.until_done(5 * MINUTE);
        drop(play);
        town.verdict().must_be_clean(seed);
    }
}

/// Lets the fleet come back after `what`, until the last is there.
fn comes_back(play: &mut Play<'_>, what: &str, begin: impl FnOnce(&mut Play<'_>)) -> Rush {
    let since = play.sim.elapsed();
    begin(play);
    // Longer than between two reports, so that everybody has noticed.
    play.run_for(Duration::from_secs(20));
    while !play.town.homes.iter().all(|home| home.is_connected()) {
        play.run_for(Duration::from_secs(1));
        assert!(play.sim.elapsed() - since < 3 * MINUTE, "after {what} somebody stays away");
    }
    let rush = play.rush(since);
    let took = play.sim.elapsed() - since;
    eprintln!(
        "fleet: {} agents after {what}: all back within {took:?}, in a second {rush:?}",
        play.town.homes.len()
    );
    rush
}

#[test]
fn the_same_seed_plays_the_same_run() {
    let seed = seeds(1)[0];
    let run = |seed| {
        let plan = Plan { one_by_one: true, ..plan(seed, 2, habits(60, 30 * MINUTE, 2)) };
        let town = Town::found(plan);
        let mut play = Play::start(&town, &mut calm(50));
        play.run_for(5 * MINUTE);
        play.take_cloud();
        play.run_for(10 * MINUTE);
        let home = &town.homes[0];
        home.disk.die_at(home.disk.calls() + 20);
        play.run_for(5 * MINUTE);
        play.return_cloud();
        play.run_for(11 * MINUTE);
        play.until_done(5 * MINUTE);
        drop(play);
        town.book.clone()
    };
    let (one, same, other) = (run(seed), run(seed), run(seed + 1));
    eprintln!("fleet: trace of seed {seed}: {:?}", one.trace());
    assert_eq!(one.differs(&same), None);
    assert_eq!(one.trace(), same.trace());
    assert_ne!(one.trace(), other.trace());
    assert!(one.trace().0 > 1000);
}
