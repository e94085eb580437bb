//! The crew: many tasks that use client instances as an application would, and hand every answer to the judge.
//!
//! With a client of the store style: gets, and when there is nothing a set; sets and removals. With one of the loading style: gets,
//! and changes at the origin followed by an invalidation. With both, where they have them: leases.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Sleep, sleep, timeout};

use crate::clients::{Client, Fault, Style};
use crate::dice::{Dice, Draws};
use crate::judge::{Called, Judge, Left, lease_name, value};

const ENTRY_TTL: Duration = Duration::from_secs(3600);
const LEASE_TTL: Duration = Duration::from_millis(400);

/// What the crew does.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// How many tasks.
    pub tasks: usize,
    /// Of a hundred calls, how many are gets. Of the others half are changes, a quarter removals, a quarter leases.
    pub gets: u64,
    /// How long a call may take before it counts as stalled: several times the client's own time-out.
    pub patience: Duration,
}

/// What everybody in the crew looks at.
struct Shared {
    judge: Arc<Judge>,
    work: Work,
    go: watch::Receiver<Go>,
    whistle: watch::Receiver<u64>,
    cancelling: watch::Receiver<bool>,
    given_up: AtomicU64,
    holders: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    Pause,
    Home,
}

/// A crew at work.
pub struct Crew {
    shared: Arc<Shared>,
    go: watch::Sender<Go>,
    whistle: watch::Sender<u64>,
    cancelling: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Crew {
    /// Stores a value under every key and gets it once, then sends everybody to work.
    pub async fn start(instances: &[Arc<dyn Client>], judge: Arc<Judge>, work: Work, dice: Dice) -> Self {
        let (go, going) = watch::channel(Go::On);
        let (whistle, whistling) = watch::channel(0);
        let (cancelling, may_cancel) = watch::channel(false);
        let shared = Arc::new(Shared {
            judge,
            work,
            go: going,
            whistle: whistling,
            cancelling: may_cancel,
            given_up: AtomicU64::new(0),
            holders: AtomicU64::new(1),
        });
        let mut hands: Vec<Hand> = (0..work.tasks)
            .map(|number| {
                let instance = number % instances.len();
                let draws = Draws::new(dice.of(number as u64));
                Hand {
                    shared: shared.clone(),
                    client: instances[instance].clone(),
                    instance,
                    draws,
                    has_failed: false,
                }
            })
            .collect();
        let keys = shared.judge.case().keys;
        let is_loading = instances[0].capabilities().style == Style::Loading;
        if is_loading {
            (0..keys).for_each(|key| shared.judge.plant(key));
        }
        let each = hands.iter_mut().enumerate().map(async |(number, hand)| {
            // Of a loading cache, two instances ask for each key at once: a stampede of two.
            let (from, step) =
                if is_loading { (number / 2, work.tasks.div_ceil(2)) } else { (number, work.tasks) };
            for key in (from..keys).step_by(step) {
                if !is_loading {
                    hand.change(key, Left::Value).await;
                }
                hand.get(key).await;
            }
        });
        futures_util::future::join_all(each).await;
        let mut tasks = JoinSet::new();
        for hand in hands {
            tasks.spawn(hand.work());
        }
        Self { shared, go, whistle, cancelling, tasks }
    }

    /// Everybody finishes the call at hand and waits, until [`Self::resume`].
    pub fn pause(&self) {
        self.go.send_replace(Go::Pause);
    }

    /// Everybody goes on.
    pub fn resume(&self) {
        self.go.send_replace(Go::On);
    }

    /// From now on (or no more) calls are given up on purpose, at every moment that a call has.
    pub fn cancel_calls(&self, cancel: bool) {
        self.cancelling.send_replace(cancel);
    }

    /// Every call under way is given up now, if calls are to be.
    pub fn blow_whistle(&self) {
        self.whistle.send_modify(|count| *count += 1);
    }

    /// Calls given up while they were under way.
    pub fn given_up(&self) -> u64 {
        self.shared.given_up.load(Ordering::Relaxed)
    }

    /// Changes of a key that was being loaded.
    pub fn overtaken(&self) -> u64 {
        self.shared.judge.overtaken()
    }

    /// Everybody finishes the call at hand and goes home. `false` when somebody did not, and had to be sent.
    pub async fn stop(mut self) -> bool {
        self.go.send_replace(Go::Home);
        let all_home = async { while self.tasks.join_next().await.is_some() {} };
        timeout(self.shared.work.patience * 2, all_home).await.is_ok()
    }
}

/// One task of the crew.
struct Hand {
    shared: Arc<Shared>,
    client: Arc<dyn Client>,
    instance: usize,
    draws: Draws,
    has_failed: bool,
}

impl Hand {
    async fn work(mut self) {
        let mut go = self.shared.go.clone();
        loop {
            let now = *go.borrow_and_update();
            match now {
                Go::On => self.one().await,
                Go::Pause => drop(go.changed().await),
                Go::Home => return,
            }
            // Answers out of memory never wait for anything; others must get their turn all the same.
            yield_now().await;
        }
    }

    async fn one(&mut self) {
        let key = self.draws.index(self.shared.judge.case().keys);
        let what = self.draws.between(0, 99);
        let others = 100 - self.shared.work.gets;
        self.has_failed = false;
        match what {
            get if get < self.shared.work.gets => self.get(key).await,
            // All values of a tenant have to be loaded anew: seldom enough that others are found in the cache.
            tenant if tenant == self.shared.work.gets && self.forgets_tenant() => {
                self.change_tenant(key).await
            }
            lease if lease >= 100 - others / 4 && self.leases() => self.lease().await,
            removal if removal >= 100 - others / 2 => self.change(key, Left::Nothing).await,
            _ => self.change(key, Left::Value).await,
        }
        // A client that fails at once would be asked a million times a second; no application does that.
        if self.has_failed {
            sleep(Duration::from_micros(self.draws.between(200, 2000))).await;
        }
    }

    fn forgets_tenant(&mut self) -> bool {
        self.client.capabilities().tenants && self.draws.between(0, 9) == 0
    }

    fn leases(&self) -> bool {
        self.client.capabilities().leases && self.shared.judge.case().leases > 0
    }

    async fn get(&mut self, key: usize) {
        let judge = self.shared.judge.clone();
        let client = self.client.clone();
        let (name, asked) = (value::key_name(key), judge.now());
        let called = self.call(client.get(&name)).await;
        let is_none = judge.answer(key, self.instance, asked, &called);
        if is_none && client.capabilities().style == Style::Store {
            self.change(key, Left::Value).await;
        }
    }

    async fn change(&mut self, key: usize, left: Left) {
        let judge = self.shared.judge.clone();
        let client = self.client.clone();
        let name = value::key_name(key);
        let Some(change) = judge.begin(key, left) else { return };
        let is_set = left == Left::Value && client.capabilities().style == Style::Store;
        let called = if is_set {
            let value = judge.value(&change);
            self.call(client.set(&name, value, ENTRY_TTL)).await
        } else {
            self.call(client.invalidate(&name)).await
        };
        judge.end([change], &called, self.instance);
    }

    async fn change_tenant(&mut self, key: usize) {
        let (judge, client) = (self.shared.judge.clone(), self.client.clone());
        let (name, changes) = (value::tenant_name(key), judge.begin_tenant(key));
        let called = self.call(client.invalidate_tenant(&name)).await;
        judge.end(changes, &called, self.instance);
    }

    async fn lease(&mut self) {
        let judge = self.shared.judge.clone();
        let client = self.client.clone();
        let lease = self.draws.index(judge.case().leases);
        let holder = self.shared.holders.fetch_add(1, Ordering::Relaxed);
        let (name, text, asked) = (lease_name(lease), format!("holder-{holder}"), judge.now());
        let called = self.call(client.lease(&name, &text, LEASE_TTL)).await;
        if judge.lease(lease, holder, asked, LEASE_TTL, &called) {
            sleep(Duration::from_micros(self.draws.between(0, 5000))).await;
            judge.give_back(lease, holder);
            let released = self.call(client.release(&name, &text)).await;
            judge.done(&released);
        }
    }

    /// A call with the kit's patience, perhaps given up on purpose.
    async fn call<T>(&mut self, calling: impl Future<Output = Result<T, Fault>>) -> Called<T> {
        let called = self.call_or_give_up(calling).await;
        self.has_failed |= matches!(called, Called::Ended(Err(_)));
        called
    }

    async fn call_or_give_up<T>(&mut self, calling: impl Future<Output = Result<T, Fault>>) -> Called<T> {
        let patience = self.shared.work.patience;
        if !*self.shared.cancelling.borrow() {
            return timeout(patience, calling).await.map_or(Called::Stalled, Called::Ended);
        }
        let moment = match self.draws.between(0, 3) {
            0 => Moment::Polls(self.draws.between(1, 3)),
            1 => Moment::Time(Box::pin(sleep(Duration::from_micros(self.draws.between(0, 3_000))))),
            2 => Moment::Time(Box::pin(sleep(Duration::from_micros(self.draws.between(3_000, 30_000))))),
            _ => Moment::Never,
        };
        let mut whistle = self.shared.whistle.clone();
        whistle.mark_unchanged();
        let interrupted = Interrupted { inner: pin!(calling), moment };
        let ended = tokio::select! {
            biased;
            _ = whistle.changed() => None,
            ended = timeout(patience, interrupted) => match ended {
                Err(_) => return Called::Stalled,
                Ok(ended) => ended,
            },
        };
        ended.map_or_else(
            || {
                self.shared.given_up.fetch_add(1, Ordering::Relaxed);
                Called::Cancelled
            },
            Called::Ended,
        )
    }
}

/// When a call is given up: after it was polled so often, or after a time.
enum Moment {
    Polls(u64),
    Time(Pin<Box<Sleep>>),
    Never,
}

/// A call that ends in `None` when its moment comes while it is still under way.
struct Interrupted<'a, F> {
    inner: Pin<&'a mut F>,
    moment: Moment,
}

impl<F: Future> Future for Interrupted<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = self.inner.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        let is_over = match &mut self.moment {
            Moment::Never => false,
            Moment::Polls(left) => {
                *left -= 1;
                *left == 0
            }
            Moment::Time(time) => time.as_mut().poll(context).is_ready(),
        };
        if is_over { Poll::Ready(None) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_is_given_up_only_while_it_is_under_way() {
        let given_up = |polls, ready_after: u64| async move {
            let calling = async {
                for _ in 0..ready_after {
                    yield_now().await;
                }
            };
            Interrupted { inner: pin!(calling), moment: Moment::Polls(polls) }.await.is_none()
        };
        assert!(!given_up(1, 0).await);
        assert!(given_up(1, 1).await);
        assert!(!given_up(2, 1).await);
        assert!(given_up(2, 2).await);
    }
}
