//! What happens in a home, told to the update streams of this process that are open for it.
//!
//! A hint, never an answer: a stream asks the gate about each item before it tells it. A topic is a home and a camera, never a bare id.

use std::collections::HashMap;
use std::sync::Mutex;

use keepsight_ids::{CameraId, EventId, HomeId};
use tokio::sync::broadcast;

/// How many happenings a slow stream may lie behind before it is told to read everything again.
const BACKLOG: usize = 256;

/// Something that happened in a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) home: HomeId,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// An Event began, grew complete, or was kept or deleted.
    Event { camera: CameraId, event: EventId, fresh: bool },
    /// Cameras, members, agents or settings changed.
    Home,
}

/// The open topics.
#[derive(Default)]
pub(crate) struct Feed(Mutex<HashMap<HomeId, broadcast::Sender<Happening>>>);

impl Feed {
    pub(crate) fn tell(&self, home: HomeId, what: What) {
        let topics = self.0.lock().expect("no panic while the topics are held");
        if let Some(topic) = topics.get(&home) {
            // Nobody listening is no failure.
            let _ = topic.send(Happening { home, what });
        }
    }

    pub(crate) fn listen(&self, home: HomeId) -> broadcast::Receiver<Happening> {
        let mut topics = self.0.lock().expect("no panic while the topics are held");
        topics.retain(|of, topic| *of == home || topic.receiver_count() > 0);
        topics.entry(home).or_insert_with(|| broadcast::channel(BACKLOG).0).subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_hears_of_itself_only() {
        let feed = Feed::default();
        let (elm, oak) = (HomeId::from_bytes([1; 16]), HomeId::from_bytes([2; 16]));
        let mut elm_hears = feed.listen(elm);
        let mut oak_hears = feed.listen(oak);
        feed.tell(elm, What::Home);
        assert_eq!(elm_hears.try_recv().unwrap(), Happening { home: elm, what: What::Home });
        assert!(oak_hears.try_recv().is_err());
    }

    #[test]
    fn topics_nobody_listens_to_are_forgotten() {
        let feed = Feed::default();
        for n in 0..10 {
            drop(feed.listen(HomeId::from_bytes([n; 16])));
        }
        assert_eq!(feed.0.lock().unwrap().len(), 1);
    }
}
