//! Where an event takes place: server, proxy, crew and judge of one step, and what each event does to them.
//!
//! Whatever is done to the server is undone before an act ends, so that what follows shows the client's own recovery.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keepsight_world::World;
use tokio::time::sleep;

use crate::clients::Capabilities;
use crate::crew::Crew;
use crate::dice::Dice;
use crate::events::{Act, Delay, Event};
use crate::proxy::{FaultKind, Gate, Plan, Proxy, Sockets};
use crate::server::Server;

/// How long a fault of single replies is looked at, and how long it is waited for at most.
const LOOK: Duration = Duration::from_millis(400);
const WAIT: Duration = Duration::from_secs(3);
/// Bytes of replies that count as one pile.
const PILE: u64 = 256 << 10;

/// The stage of one step.
pub struct Stage {
    /// The server.
    pub server: Server,
    /// Before it, the proxy.
    pub proxy: Arc<Proxy>,
    /// The client's time-out.
    pub call_timeout: Duration,
    /// Where chance comes from.
    pub dice: Dice,
}

impl Stage {
    /// A fresh server with a proxy before it, which has a door for each instance of the client.
    ///
    /// # Errors
    /// When one of them can't be started.
    pub async fn set(
        world: &World,
        binary: &Path,
        event: &Event,
        instances: usize,
        call_timeout: Duration,
        dice: Dice,
    ) -> anyhow::Result<Self> {
        let server = Server::start(binary).await?;
        let is_narrow = matches!(event.act, Act::Replies(kinds, _) if kinds.contains(&FaultKind::SlowReader));
        let listen = ([127, 0, 0, 1], 0).into();
        let mut proxy = Proxy::start(world, listen, server.address(), Sockets { narrow: is_narrow })?;
        for _ in 1..instances {
            proxy.open_door(listen)?;
        }
        Ok(Self { server, proxy: Arc::new(proxy), call_timeout, dice })
    }

    /// Does what the event is; how often its fault was really injected.
    ///
    /// # Errors
    /// When the server can't be made to take part.
    pub async fn act(&mut self, event: &Event, client: Capabilities, crew: &Crew) -> anyhow::Result<u64> {
        match event.act {
            Act::Nothing => {
                sleep(LOOK).await;
                Ok(0)
            }
            Act::Replies(_, delay) => Ok(self.replies(event.kinds(client), delay).await),
            Act::Reconnect => Ok(self.reconnect().await),
            Act::Cancel => Ok(self.cancel(crew).await),
            Act::IdleCut => Ok(self.idle_cut(crew).await),
            Act::ServerPaused => self.pause_server().await,
            Act::ServerKilled => self.kill_server().await,
            Act::RestartedEmpty => self.restart_empty().await,
            Act::RestartedOld => self.restart_old().await,
            Act::OutOfMemory => self.out_of_memory().await,
            Act::Eviction => self.evict().await,
            Act::Pile => Ok(self.pile().await),
            Act::SlowOrigin => {
                sleep(LOOK * 3).await;
                Ok(crew.overtaken())
            }
        }
    }

    async fn replies(&self, kinds: Vec<FaultKind>, delay: Delay) -> u64 {
        let is_slow = kinds == [FaultKind::SlowReader];
        // Half a command does harm only when what comes behind it is long enough, so one is not enough to see it.
        let each = if is_slow { 6 } else { 1 };
        self.proxy.arm(Some(Plan {
            dice: self.dice.named("faults"),
            // Large commands are few.
            gap: if is_slow { (1, 6) } else { (2, 40) },
            per_connection: 12 * kinds.len() as u64,
            delay: (self.call_timeout * delay.least / 100, self.call_timeout * delay.most / 100),
            kinds: kinds.clone(),
        }));
        let came = || {
            let injected = self.proxy.injected().kinds;
            kinds.iter().all(|kind| injected.get(kind).is_some_and(|&count| count >= each))
        };
        sleep(LOOK).await;
        let mut waited = LOOK;
        while !came() && waited < WAIT {
            sleep(LOOK / 8).await;
            waited += LOOK / 8;
        }
        self.proxy.arm(None);
        self.proxy.injected().planned()
    }

    async fn reconnect(&self) -> u64 {
        for round in 0..3 {
            self.proxy.refuse(true);
            self.proxy.cut_all(round % 2 == 0);
            sleep(Duration::from_millis(self.dice.between(round, 5, 60))).await;
            self.proxy.refuse(false);
            sleep(Duration::from_millis(100)).await;
        }
        self.proxy.injected().cut
    }

    // Many replies are late meanwhile, as on a network: a call that is answered at once has few moments at which to be given up, and
    // what it leaves behind has come before the next call could take it for its own.
    async fn cancel(&self, crew: &Crew) -> u64 {
        self.proxy.arm(Some(Plan {
            kinds: vec![FaultKind::Late],
            dice: self.dice.named("faults"),
            gap: (1, 6),
            per_connection: 1000,
            delay: (Duration::from_millis(1), Duration::from_millis(20)),
        }));
        crew.cancel_calls(true);
        for blow in 0..80 {
            // Close together, most calls have not left the client yet; apart, they wait for their replies.
            let apart = if blow % 2 == 0 { (500, 6_000) } else { (6_000, 40_000) };
            sleep(Duration::from_micros(self.dice.between(blow, apart.0, apart.1))).await;
            crew.blow_whistle();
        }
        crew.cancel_calls(false);
        self.proxy.arm(None);
        crew.given_up()
    }

    async fn idle_cut(&self, crew: &Crew) -> u64 {
        for round in 0..2 {
            crew.pause();
            sleep(self.call_timeout).await;
            // Some middleboxes say nothing at all, some answer the next packet with a reset.
            self.proxy.turn_all(
                |lane| {
                    if self.dice.of(round).at(lane) & 1 == 0 { Gate::Hole } else { Gate::Trap }
                },
            );
            crew.resume();
            sleep(self.call_timeout * 2).await;
        }
        self.proxy.injected().swallowed
    }

    async fn pause_server(&self) -> anyhow::Result<u64> {
        for round in 0..2 {
            self.server.pause()?;
            sleep(self.call_timeout * u32::try_from(self.dice.between(round, 120, 250))? / 100).await;
            self.server.resume()?;
            sleep(self.call_timeout / 2).await;
        }
        Ok(2)
    }

    async fn kill_server(&mut self) -> anyhow::Result<u64> {
        self.server.kill().await?;
        sleep(LOOK).await;
        self.server.restart_empty().await?;
        Ok(1)
    }

    async fn restart_empty(&mut self) -> anyhow::Result<u64> {
        for round in 0..2 {
            self.server.restart_empty().await?;
            sleep(Duration::from_millis(self.dice.between(round, 100, 250))).await;
        }
        Ok(2)
    }

    async fn restart_old(&mut self) -> anyhow::Result<u64> {
        self.server.snapshot().await?;
        sleep(LOOK / 2).await;
        self.server.restart_old().await?;
        let loaded = self.server.info("rdb_last_load_keys_loaded").await?;
        sleep(LOOK / 2).await;
        Ok(u64::from(loaded > 0))
    }

    async fn out_of_memory(&self) -> anyhow::Result<u64> {
        self.server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await?;
        self.server.ask(&["CONFIG", "SET", "maxmemory", "1"]).await?;
        sleep(LOOK).await;
        self.server.ask(&["CONFIG", "SET", "maxmemory", "0"]).await?;
        Ok(self.proxy.injected().out_of_memory)
    }

    async fn evict(&self) -> anyhow::Result<u64> {
        let evicted = self.server.info("evicted_keys").await?;
        self.server.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await?;
        for _ in 0..8 {
            let room = self.server.info("used_memory").await?.saturating_sub(40_000).max(1);
            self.server.ask(&["CONFIG", "SET", "maxmemory", &room.to_string()]).await?;
            sleep(LOOK / 8).await;
        }
        self.server.ask(&["CONFIG", "SET", "maxmemory", "0"]).await?;
        Ok(self.server.info("evicted_keys").await? - evicted)
    }

    async fn pile(&self) -> u64 {
        for round in 0..3 {
            self.proxy.hoard(true);
            sleep(self.call_timeout * u32::try_from(self.dice.between(round, 40, 150)).unwrap_or(100) / 100)
                .await;
            self.proxy.hoard(false);
            sleep(self.call_timeout / 2).await;
        }
        self.proxy.injected().hoarded / PILE
    }
}
