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

/// The exit code of a run.
pub fn code(found: &Trial) -> u8 {
    let outcomes = || found.clients.iter().flat_map(|client| &client.events).map(|event| &event.outcome);
    let is_wrong = |outcome: &Outcome| matches!(outcome, Outcome::Wrong | Outcome::Stale);
    let is_nothing = |outcome: &Outcome| matches!(outcome, Outcome::NotInjected | Outcome::Broken(_));
    let was_run = outcomes().any(|outcome| !matches!(outcome, Outcome::NotApplicable(_)));
    match () {
        () if outcomes().any(is_wrong) => WRONG,
        () if !was_run || outcomes().any(is_nothing) => NOTHING_SHOWN,
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
        assert_eq!(code(&found(vec![Outcome::Passed])), GOOD);
        assert_eq!(code(&found(vec![])), NOTHING_SHOWN);
        assert_eq!(code(&found(vec![Outcome::NotApplicable(String::new())])), NOTHING_SHOWN);
        assert_eq!(code(&found(vec![Outcome::Passed, Outcome::NotInjected])), NOTHING_SHOWN);
        assert_eq!(code(&found(vec![Outcome::Passed, Outcome::Broken(String::new())])), NOTHING_SHOWN);
    }

    #[test]
    fn wrong_comes_first_and_sick_last() {
        assert_eq!(code(&found(vec![Outcome::NotInjected, Outcome::Wrong])), WRONG);
        assert_eq!(code(&found(vec![Outcome::Stale, Outcome::NotHealed])), WRONG);
        assert_eq!(code(&found(vec![Outcome::NotHealed, Outcome::Passed])), NOT_HEALED);
        assert_eq!(code(&found(vec![Outcome::Stalled, Outcome::Passed])), NOT_HEALED);
        assert_eq!(code(&found(vec![Outcome::NotHealed, Outcome::NotInjected])), NOTHING_SHOWN);
    }
}
