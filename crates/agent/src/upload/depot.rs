//! The spool as several tasks share it: one at a time, off the async threads where the disk may wait.

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::spool::Spool;

/// A shared spool. Cheap to clone.
#[derive(Clone)]
pub struct Depot {
    spool: Arc<Mutex<Spool>>,
    news: Arc<Notify>,
    waits: bool,
}

impl Depot {
    /// Shares this spool.
    pub fn new(spool: Spool) -> Self {
        let waits = spool.waits();
        Self { spool: Arc::new(Mutex::new(spool)), news: Arc::new(Notify::new()), waits }
    }

    /// For a look at what is in memory; what reaches the disk goes through [`Depot::with`].
    pub async fn lock(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().await
    }

    /// Runs `act` on the spool. Dropping the returned future does not stop it.
    pub async fn with<T: Send + 'static>(&self, act: impl FnOnce(&mut Spool) -> T + Send + 'static) -> T {
        let mut spool = self.spool.clone().lock_owned().await;
        if !self.waits {
            return act(&mut spool);
        }
        let done = tokio::task::spawn_blocking(move || act(&mut spool)).await;
        done.expect("the spool's code does not panic, and blocking tasks are not cancelled")
    }

    /// Like [`Depot::with`], and tells the uploader that there may be more to send.
    pub async fn add<T: Send + 'static>(&self, act: impl FnOnce(&mut Spool) -> T + Send + 'static) -> T {
        let done = self.with(act).await;
        self.news.notify_one();
        done
    }

    /// Waits until something was added.
    pub async fn changed(&self) {
        self.news.notified().await;
    }
}
