//! How verdicts are said, the same in the terminal and on the page.

use crate::step::AFTER_MOST;
use crate::verdict::{ClientVerdict, EventVerdict, Outcome, Wrong};

/// How an outcome looks, besides its words: never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Answers to another question: the worst there is.
    Wrong,
    /// Bad, but nobody was given what belongs to somebody else.
    Poor,
    /// Says nothing about the client.
    None,
}

impl Tone {
    /// Of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Good,
            Outcome::Wrong => Self::Wrong,
            Outcome::Stale | Outcome::Stalled | Outcome::NotHealed => Self::Poor,
            Outcome::NotInjected | Outcome::Broken(_) | Outcome::NotApplicable(_) => Self::None,
        }
    }
}

/// An outcome in at most three words.
pub fn brief(event: &EventVerdict) -> String {
    match &event.outcome {
        Outcome::Passed => "ok".into(),
        Outcome::Wrong if event.wrong > 0 => format!("{} wrong", count(event.wrong)),
        Outcome::Wrong => format!("{} double leases", count(event.double_lease.unwrap_or(0))),
        Outcome::Stale => format!("{} stale", count(event.stale_after_invalidation)),
        Outcome::Stalled => format!("{} stalled", count(event.stalls)),
        Outcome::NotHealed => "not healed".into(),
        Outcome::NotInjected => "no fault".into(),
        Outcome::NotApplicable(_) => "not applicable".into(),
        Outcome::Broken(_) => "broken".into(),
    }
}

/// How long the kit waits for a client to be healthy again.
pub fn patience() -> String {
    duration(AFTER_MOST.as_millis() as u64)
}

/// An outcome in a sentence.
pub fn sentence(event: &EventVerdict) -> String {
    match &event.outcome {
        Outcome::Passed => "No wrong answer.".into(),
        Outcome::Wrong if event.wrong > 0 => {
            format!("{} of {} answers were wrong.", count(event.wrong), count(event.operations))
        }
        Outcome::Wrong => "A lease had two holders at the same time.".into(),
        Outcome::Stale => "An acknowledged invalidation did not hold.".into(),
        Outcome::Stalled => {
            "No wrong answer, but calls did not end long after the client's own time-out.".into()
        }
        Outcome::NotHealed => {
            format!("No wrong answer, but the client was not healthy again within {}.", patience())
        }
        Outcome::NotInjected => "The fault was never injected, so nothing was shown.".into(),
        Outcome::NotApplicable(why) => format!("Not applicable: {why}"),
        Outcome::Broken(why) => format!("Could not be run: {why}"),
    }
}

/// In which way an answer is wrong.
pub fn kind(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Foreign => "the value of another key",
        Wrong::Garbled => "not a value that was ever stored",
        Wrong::Invented => "a version that nobody wrote",
        Wrong::Missing => "none, though it was stored",
        Wrong::DoubleLease => "a lease for two holders",
        Wrong::Stale => "what had been removed or replaced",
    }
}

/// A client's name with its version, said once.
pub fn full_name(client: &ClientVerdict) -> String {
    let Some(version) = Some(&client.version).filter(|version| !version.is_empty()) else {
        return client.label.clone();
    };
    if client.label.contains(version.as_str()) {
        client.label.clone()
    } else {
        format!("{} {version}", client.label)
    }
}

/// `12,739`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `12,739`, or a dash where it can't be said.
pub fn count_or_dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".into(), count)
}

/// A rate, rounded.
pub fn rate(per_second: f64) -> String {
    count(per_second.round().max(0.0) as u64)
}

/// `40 ms` or `1.2 s`.
pub fn duration(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1_000.0) }
}

/// Whether this event was really run for this client.
pub fn was_run(event: &EventVerdict) -> bool {
    !matches!(event.outcome, Outcome::NotApplicable(_) | Outcome::Broken(_))
}

/// From the end of the fault until healthy.
pub fn healing(event: &EventVerdict) -> String {
    if !was_run(event) {
        return "-".into();
    }
    event.time_until_healthy_ms.map_or_else(|| "never".into(), duration)
}

/// What all events of a client add up to.
pub struct Totals {
    /// Calls judged.
    pub operations: u64,
    /// Calls that ended in an answer.
    pub answers: u64,
    /// Answers that came from the server.
    pub from_server: u64,
    /// Wrong answers.
    pub wrong: u64,
    /// Stale answers, those too that no client can help, since the server itself went back in time.
    pub stale: u64,
    /// Whether an acknowledged invalidation did not hold.
    pub is_stale: bool,
    /// Leases with two holders, where that could be judged.
    pub double_lease: Option<u64>,
    /// Errors.
    pub errors: u64,
    /// Stalls.
    pub stalls: u64,
    /// The longest time until healthy, and in how many events it never was.
    pub slowest_healing_ms: Option<u64>,
    /// In how many events it never was healthy again.
    pub never_healed: u64,
}

impl Totals {
    /// Of a client.
    pub fn of(client: &ClientVerdict) -> Self {
        let sum = |field: fn(&EventVerdict) -> u64| client.events.iter().map(field).sum();
        let run = || client.events.iter().filter(|event| was_run(event));
        Self {
            operations: sum(|event| event.operations),
            answers: sum(|event| event.answers),
            from_server: sum(|event| event.from_server),
            wrong: sum(|event| event.wrong),
            stale: sum(|event| event.stale_after_invalidation),
            is_stale: client.events.iter().any(|event| event.outcome == Outcome::Stale),
            double_lease: client.events.iter().filter_map(|event| event.double_lease).reduce(|a, b| a + b),
            errors: sum(|event| event.errors),
            stalls: sum(|event| event.stalls),
            slowest_healing_ms: run().filter_map(|event| event.time_until_healthy_ms).max(),
            never_healed: run().filter(|event| event.time_until_healthy_ms.is_none()).count() as u64,
        }
    }

    /// The slowest healing, or in how many events there was none.
    pub fn healing(&self) -> String {
        match (self.never_healed, self.slowest_healing_ms) {
            (0, None) => "-".into(),
            (0, Some(ms)) => duration(ms),
            (never, _) => format!("never in {never}"),
        }
    }
}

/// The names of all events, in the order of the catalogue.
pub fn events(clients: &[ClientVerdict]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for event in clients.iter().flat_map(|client| &client.events) {
        if !names.contains(&event.event.as_str()) {
            names.push(&event.event);
        }
    }
    names
}

/// One client in one event.
pub fn find<'a>(client: &'a ClientVerdict, event: &str) -> Option<&'a EventVerdict> {
    client.events.iter().find(|verdict| verdict.event == event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(rate(-1.0), "0");
        assert_eq!((duration(999), duration(1_250)), ("999 ms".into(), "1.2 s".into()));
    }
}
