//! What a run comes to as an exit code: wrong answers first, then what shows nothing, then what did not recover.

use crate::verdict::{Outcome, Trial};

/// Nothing was wrong.
pub const GOOD: u8 = 0;
/// A wrong or stale answer, or a lease with two holders.
pub const WRONG: u8 = 1;
/// The command line can't be done.
pub const USAGE: u8 = 2;
/// A fault was never injected, or nothing could be run.
pub const NOTHING_SHOWN: u8 = 3;
/// Right, but some client did not recover, or let a call wait without end.
pub const NOT_HEALED: u8 = 4;

/// The exit code of a run. Where clients were asked for by name, none of them may be left out.
pub fn code(found: &Trial, by_name: bool) -> u8 {
    let is_short = by_name && found.clients.iter().any(|client| client.left_out.is_some());
    let outcomes = || found.clients.iter().flat_map(|client| &client.events).map(|event| &event.outcome);
    let is_wrong = |outcome: &Outcome| matches!(outcome, Outcome::Wrong | Outcome::Stale);
    let is_nothing = |outcome: &Outcome| matches!(outcome, Outcome::NotInjected | Outcome::Broken(_));
    let was_run = outcomes().any(|outcome| !matches!(outcome, Outcome::NotApplicable(_)));
    match () {
        () if outcomes().any(is_wrong) => WRONG,
        () if !was_run || is_short || outcomes().any(is_nothing) => NOTHING_SHOWN,
        () if outcomes().any(|outcome| matches!(outcome, Outcome::NotHealed | Outcome::Stalled)) => {
            NOT_HEALED
        }
        () => GOOD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::blank;
    use crate::verdict::ClientVerdict;

    fn found(outcomes: Vec<Outcome>) -> Trial {
        let event = |outcome| crate::verdict::EventVerdict { outcome, ..blank(&crate::events::ALL[1]) };
        let client = ClientVerdict {
            name: "one".to_owned(),
            label: "one".to_owned(),
            version: String::new(),
            capabilities: None,
            left_out: None,
            events: outcomes.into_iter().map(event).collect(),
        };
        Trial {
            kit: String::new(),
            seed: 1,
            step: None,
            server: String::new(),
            started_unix_ms: 0,
            took_ms: 0,
            command: String::new(),
            clients: vec![client],
        }
    }

    #[test]
    fn what_was_not_shown_is_never_good() {
        assert_eq!(code(&found(vec![Outcome::Passed]), true), GOOD);
        assert_eq!(code(&found(vec![]), true), NOTHING_SHOWN);
        assert_eq!(code(&found(vec![Outcome::NotApplicable(String::new())]), true), NOTHING_SHOWN);
        assert_eq!(code(&found(vec![Outcome::Passed, Outcome::NotInjected]), true), NOTHING_SHOWN);
        assert_eq!(code(&found(vec![Outcome::Passed, Outcome::Broken(String::new())]), true), NOTHING_SHOWN);
    }

    #[test]
    fn a_client_that_was_asked_for_and_left_out_is_not_good() {
        let mut two = found(vec![Outcome::Passed]);
        two.clients.push(ClientVerdict { left_out: Some("not here".to_owned()), ..two.clients[0].clone() });
        assert_eq!((code(&two, true), code(&two, false)), (NOTHING_SHOWN, GOOD));
    }

    #[test]
    fn wrong_comes_first_and_sick_last() {
        assert_eq!(code(&found(vec![Outcome::NotInjected, Outcome::Wrong]), true), WRONG);
        assert_eq!(code(&found(vec![Outcome::Stale, Outcome::NotHealed]), true), WRONG);
        assert_eq!(code(&found(vec![Outcome::NotHealed, Outcome::Passed]), true), NOT_HEALED);
        assert_eq!(code(&found(vec![Outcome::Stalled, Outcome::Passed]), true), NOT_HEALED);
        assert_eq!(code(&found(vec![Outcome::NotHealed, Outcome::NotInjected]), true), NOTHING_SHOWN);
    }
}
