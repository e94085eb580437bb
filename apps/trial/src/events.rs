//! The catalogue of extreme events: what each is, what it needs of a client, and how long a look it deserves.
//!
//! What an event does to the stage while it lasts is in `stage.rs`; here is only what it is.

use crate::clients::{Capabilities, Style};
use crate::proxy::FaultKind;

/// An extreme event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// What `--events` takes.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// What is done.
    pub act: Act,
    /// How the crew works.
    pub load: Load,
    /// What the server may lose of what it acknowledged.
    pub loses: Loses,
}

/// What is done while an event lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing: the measure of all others.
    Nothing,
    /// Faults at single replies, each drawn from these.
    Replies(&'static [FaultKind], Delay),
    /// All connections end at once, and for a moment none can be made.
    Reconnect,
    /// Calls are given up at every moment, one by one and all at once.
    Cancel,
    /// Connections that carry nothing for a while are gone, and nobody says so.
    IdleCut,
    /// The server's process stops and goes on.
    ServerPaused,
    /// The server's process dies, and is back empty after a while.
    ServerKilled,
    /// The server is back at once, empty.
    RestartedEmpty,
    /// The server is back at once, as it was some time ago.
    RestartedOld,
    /// The server refuses to store.
    OutOfMemory,
    /// The server throws out what it likes.
    Eviction,
    /// Megabytes of answers pile up and come at once.
    Pile,
    /// What is being loaded is invalidated meanwhile.
    SlowOrigin,
}

/// How long a delay lasts, in hundredths of the client's time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// At least.
    pub least: u32,
    /// At most.
    pub most: u32,
}

/// How the crew works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Instances of the client, each with connections of its own; fewer where the client can't have so many.
    pub instances: usize,
    /// Tasks.
    pub tasks: usize,
    /// Keys.
    pub keys: usize,
    /// Of a hundred calls, how many are gets.
    pub gets: u64,
    /// How long values are, at least and at most.
    pub value_bytes: (usize, usize),
    /// Every how-manieth key has a value of [`LARGE_BYTES`] instead; 0: none.
    pub large_every: usize,
    /// How long the origin takes, at least and at most, in milliseconds.
    pub origin_ms: (u64, u64),
}

/// What no kernel takes whole when nobody reads at the other side, and every client does.
pub const LARGE_BYTES: (usize, usize) = (2_200_000, 2_800_000);

/// What a server may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loses {
    /// Nothing.
    Nothing,
    /// Values: an acknowledged one may be gone, but nothing older is back.
    Values,
    /// Time: it is as it was, so that even what was invalidated may be back.
    Time,
}

/// Two instances, so that there is somebody else to invalidate and to hold a lease.
const NORMAL: Load = Load {
    instances: 2,
    tasks: 64,
    keys: 512,
    gets: 84,
    value_bytes: (80, 400),
    large_every: 0,
    origin_ms: (1, 2),
};
const FLEET: Load = Load { instances: 50, tasks: 100, ..NORMAL };
const LARGE: Load = Load { tasks: 8, keys: 16, gets: 50, large_every: 1, ..NORMAL };
const HEAVY: Load = Load { tasks: 192, keys: 64, gets: 94, value_bytes: (50_000, 90_000), ..NORMAL };
// Few keys, so that each is changed while it is loaded, and then left alone for long enough that what was kept of it is asked for.
const LOADS: Load = Load { keys: 48, origin_ms: (20, 40), ..NORMAL };
const AT_ONCE: Delay = Delay { least: 0, most: 0 };
const PAST_TIMEOUT: Delay = Delay { least: 120, most: 200 };
const AROUND_TIMEOUT: Delay = Delay { least: 40, most: 160 };

/// Every event, in the order in which tables show them.
pub const ALL: &[Event] = &[
    event("calm", "no fault at all: what the others are measured against", Act::Nothing),
    replies("lost-reply", "one reply never comes, the next ones do", &[FaultKind::Lose], AT_ONCE),
    replies("duplicate-reply", "one reply comes twice", &[FaultKind::Duplicate], AT_ONCE),
    replies("late-reply", "a reply comes after the client has given up", &[FaultKind::Late], PAST_TIMEOUT),
    replies("reordered-replies", "two replies change places", &[FaultKind::Reorder], AT_ONCE),
    replies("split-replies", "replies come byte by byte", &[FaultKind::Split], AT_ONCE),
    replies("cut-mid-frame", "the connection ends inside a reply", &[FaultKind::Cut], AT_ONCE),
    replies("unsolicited-reply", "replies that nobody asked for", &[FaultKind::Unsolicited], AT_ONCE),
    replies("stall-and-revive", "a connection stands still, then goes on", &[FaultKind::Stall], PAST_TIMEOUT),
    replies("half-open", "the other side is gone and says nothing", &[FaultKind::HalfOpen], AT_ONCE),
    Event {
        load: LARGE,
        ..replies(
            "slow-reader",
            "the server stops reading inside a large command, past the write time-out",
            &[FaultKind::SlowReader],
            // A blocking write may take its time-out twice: once for the part that went, once for the rest.
            Delay { least: 250, most: 350 },
        )
    },
    Event {
        load: FLEET,
        ..event("mass-reconnect", "all connections end at once, again and again", Act::Reconnect)
    },
    event("mass-cancel", "calls given up at every moment, one by one and all at once", Act::Cancel),
    replies(
        "mass-timeout",
        "replies come around the moment of the time-out",
        &[FaultKind::Late],
        AROUND_TIMEOUT,
    ),
    event("server-paused", "the server's process stops, then goes on", Act::ServerPaused),
    forgetting(
        "server-killed",
        "the server dies; back empty after a while",
        Act::ServerKilled,
        Loses::Values,
    ),
    forgetting(
        "restarted-empty",
        "the server is back at once, with nothing in it",
        Act::RestartedEmpty,
        Loses::Values,
    ),
    forgetting(
        "restarted-old",
        "the server is back at once, as it was before",
        Act::RestartedOld,
        Loses::Time,
    ),
    event("out-of-memory", "the server refuses to store", Act::OutOfMemory),
    forgetting("eviction", "the server throws values out", Act::Eviction, Loses::Values),
    Event {
        load: HEAVY,
        ..event("memory-pressure", "megabytes of answers pile up, then come at once", Act::Pile)
    },
    Event {
        load: LOADS,
        ..event("slow-origin", "what the origin is slow to give is invalidated meanwhile", Act::SlowOrigin)
    },
    event("idle-cut", "an idle connection is gone, and nobody says so", Act::IdleCut),
    replies(
        "mixed",
        "every fault of single replies, each at least once",
        // All but the slow reader: under values of megabytes nothing else would be seen. What a client may never come back from is last.
        &[
            FaultKind::Split,
            FaultKind::Late,
            FaultKind::Reorder,
            FaultKind::Unsolicited,
            FaultKind::Duplicate,
            FaultKind::Lose,
            FaultKind::Stall,
            FaultKind::Cut,
            FaultKind::HalfOpen,
        ],
        AROUND_TIMEOUT,
    ),
];

/// The event of this name.
pub fn find(name: &str) -> Option<&'static Event> {
    ALL.iter().find(|event| event.name == name)
}

impl Load {
    /// How many ordinary calls one of these is worth: by their size and what the origin takes, so that no event takes minutes.
    pub fn weight(&self) -> u64 {
        let large = LARGE_BYTES.0.checked_div(self.large_every).unwrap_or(0);
        1 + ((self.value_bytes.0 + large) / 10_000) as u64 + self.origin_ms.0 / 2
    }

    /// The longest value.
    fn most_bytes(&self) -> usize {
        if self.large_every > 0 { LARGE_BYTES.1 } else { self.value_bytes.1 }
    }
}

impl Event {
    /// The faults of single replies that must each be injected into this client.
    pub fn kinds(&self, client: Capabilities) -> Vec<FaultKind> {
        let Act::Replies(kinds, _) = self.act else { return Vec::new() };
        let applies = |kind: &FaultKind| *kind != FaultKind::Reorder || client.pipelines;
        kinds.iter().copied().filter(applies).collect()
    }

    /// Whether there is a fault that must have been injected.
    pub fn has_fault(&self) -> bool {
        self.act != Act::Nothing
    }

    /// Why this client can't be tried in it, if it can't.
    pub fn inapplicable(&self, client: Capabilities) -> Option<&'static str> {
        match self.act {
            Act::Cancel if !client.cancellation => Some("its calls can't be given up"),
            Act::SlowOrigin if client.style == Style::Store => Some("it loads nothing by itself"),
            Act::Replies(..) if self.kinds(client).is_empty() => {
                Some("one call at a time on a connection: no two replies to change places")
            }
            _ if client.value_bytes_max < self.load.most_bytes() => Some("it takes no values so large"),
            _ => None,
        }
    }
}

const fn event(name: &'static str, about: &'static str, act: Act) -> Event {
    Event { name, about, act, load: NORMAL, loses: Loses::Nothing }
}

const fn replies(
    name: &'static str,
    about: &'static str,
    kinds: &'static [FaultKind],
    delay: Delay,
) -> Event {
    event(name, about, Act::Replies(kinds, delay))
}

const fn forgetting(name: &'static str, about: &'static str, act: Act, loses: Loses) -> Event {
    Event { loses, ..event(name, about, act) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_name_of_its_own_and_fits_a_line() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|event| event.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|event| event.name.len() <= 18 && event.about.len() <= 80));
    }

    #[test]
    fn what_a_client_cannot_do_is_not_asked_of_it() {
        let blocking = Capabilities { cancellation: false, pipelines: false, ..Capabilities::STORE };
        let left_out: Vec<_> = ALL
            .iter()
            .filter(|event| event.inapplicable(blocking).is_some())
            .map(|event| event.name)
            .collect();
        assert_eq!(left_out, ["reordered-replies", "mass-cancel", "slow-origin"]);
        let loading = Capabilities { style: Style::Loading, ..Capabilities::STORE };
        assert!(ALL.iter().all(|event| event.inapplicable(loading).is_none()));
        let mixed = find("mixed").unwrap();
        assert_eq!(mixed.kinds(Capabilities::STORE).len(), mixed.kinds(blocking).len() + 1);
    }
}
