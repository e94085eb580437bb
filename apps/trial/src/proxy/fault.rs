//! The faults that the proxy knows, and when it injects which: a pure function of seed, connection and frame.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// What can be done to a connection at one of its replies.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The reply never comes; the next ones do
    Lose,
    /// The reply comes twice
    Duplicate,
    /// The reply and all behind it come after the client's time-out
    Late,
    /// The reply changes places with the next
    Reorder,
    /// The reply comes byte by byte
    Split,
    /// The connection ends in the middle of the reply
    Cut,
    /// A reply to no question comes before it: OK, an integer, nil, an older value, or a published message
    Unsolicited,
    /// Nothing moves in either direction for a while, then everything goes on
    Stall,
    /// From here on the other side is gone, and says nothing
    HalfOpen,
    /// The server's side stops reading in the middle of a command for longer than the client's write time-out
    SlowReader,
}

impl FaultKind {
    /// The name that `--faults` takes.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self)
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Which faults, how often, for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which, in turn; each connection begins with the one after its predecessor's, so that all of them come.
    pub kinds: Vec<FaultKind>,
    /// Where chance comes from.
    pub dice: Dice,
    /// Frames from one fault to the next on a connection, at least and at most. The first comes this many frames after arming.
    pub gap: (u64, u64),
    /// Faults per connection, at most.
    pub per_connection: u64,
    /// How long a delay lasts, at least and at most.
    pub delay: (Duration, Duration),
}

impl Plan {
    /// What happens at this frame of this connection, counted from the moment of arming. `after` is the place of the connection's last
    /// fault and how many it had.
    pub fn next(&self, connection: u64, faults_so_far: u64, last_fault_at: u64) -> Option<Planned> {
        if faults_so_far >= self.per_connection || self.kinds.is_empty() {
            return None;
        }
        let dice = self.dice.of(connection).of(faults_so_far);
        let kind = self.kinds[((connection + faults_so_far) % self.kinds.len() as u64) as usize];
        let frame = last_fault_at + dice.between(1, self.gap.0, self.gap.1);
        let micros = |delay: Duration| u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        let delay = Duration::from_micros(dice.between(2, micros(self.delay.0), micros(self.delay.1)));
        Some(Planned { frame, kind, delay, variant: dice.at(3) })
    }
}

/// One fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The frame that it hits, counted from the moment of arming.
    pub frame: u64,
    /// What it is.
    pub kind: FaultKind,
    /// How long it lasts, where it lasts.
    pub delay: Duration,
    /// Chance for what the kind leaves open.
    pub variant: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Plan {
        Plan {
            kinds: vec![FaultKind::Lose, FaultKind::Duplicate, FaultKind::Cut],
            dice: Dice::new(seed),
            gap: (3, 40),
            per_connection: 20,
            delay: (Duration::from_millis(1), Duration::from_millis(9)),
        }
    }

    fn faults(plan: &Plan, connection: u64) -> Vec<Planned> {
        let mut found: Vec<Planned> = Vec::new();
        while let Some(next) =
            plan.next(connection, found.len() as u64, found.last().map_or(0, |last| last.frame))
        {
            found.push(next);
        }
        found
    }

    #[test]
    fn the_same_seed_injects_the_same_faults_at_the_same_frames() {
        assert_eq!(faults(&plan(7), 2), faults(&plan(7), 2));
        assert_ne!(faults(&plan(7), 2), faults(&plan(8), 2));
        assert_ne!(faults(&plan(7), 2), faults(&plan(7), 3));
    }

    #[test]
    fn every_kind_comes_on_one_connection_or_on_as_many_as_there_are_kinds() {
        let all = [FaultKind::Lose, FaultKind::Duplicate, FaultKind::Cut];
        let kinds =
            |found: &mut dyn Iterator<Item = Planned>| found.map(|fault| fault.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&mut faults(&plan(1), 3).into_iter().take(3)), all);
        assert_eq!(kinds(&mut (0..3).map(|connection| faults(&plan(1), connection)[0])), all);
    }

    #[test]
    fn faults_keep_their_distance_and_their_number() {
        let found = faults(&plan(3), 0);
        assert_eq!(found.len(), 20);
        let mut last = 0;
        for fault in found {
            assert!((3..=40).contains(&(fault.frame - last)), "{fault:?} after {last}");
            last = fault.frame;
        }
    }
}
