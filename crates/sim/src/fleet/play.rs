//! A running simulation: steps, crashes, and what comes back when.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use keepsight_ids::HomeId;
use keepsight_person::{Api, Person};
use keepsight_wire::people::Update;
use keepsight_world::World;
use turmoil::Sim;

use super::book::{Book, Told, peak};
use super::home::Home;
use super::network::transport;
use super::server::ADDRESS;
use super::town::Town;
use crate::PASSWORD;

const CLOUD: &str = "cloud";

/// The simulation of a town.
pub struct Play<'t> {
    /// What is simulated.
    pub town: &'t Town,
    /// The network and its hosts.
    pub sim: Sim<'static>,
    /// Chance for whoever directs.
    pub lots: World,
    /// Who is down, and until when; without a time until somebody starts it.
    down: Vec<(Arc<str>, Option<Duration>)>,
}

/// The most of each within any one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rush {
    /// Agents heard for the first time.
    pub returned: usize,
    /// Sessions asked for, the first second of asking not counted: who starts at the same moment asks at the same moment, once.
    pub asked_again: usize,
    /// Sessions opened.
    pub admitted: usize,
}

impl<'t> Play<'t> {
    /// Starts the cloud and all homes on a network of this kind.
    pub fn start(town: &'t Town, network: &mut turmoil::Builder) -> Self {
        let month = Duration::from_secs(30 * 24 * 3600);
        let mut sim = network.rng_seed(town.plan.seed).simulation_duration(month).build();
        let server = town.server.clone();
        sim.host(CLOUD, move || server.clone().serve());
        for home in town.homes.iter().cloned() {
            sim.host(&*home.host.clone(), move || home.clone().live());
        }
        Self { town, sim, lots: town.lots(), down: Vec::new() }
    }

    /// Somebody looks at the home's page all the time, over the same network.
    pub fn listen(&mut self, home: &Home) {
        let (name, home, book) = (home.owner.name().to_owned(), home.home, self.town.book.clone());
        let world = self.town.lots();
        let phone = format!("phone-of-{name}");
        self.sim.host(phone, move || listen(name.clone(), home, book.clone(), world.clone()));
    }

    /// One tick, before which whoever lost power falls and whoever's time has come rises.
    ///
    /// # Panics
    /// When a host's software fails: agents and clouds go on through everything.
    pub fn step(&mut self) {
        for home in &self.town.homes {
            if home.disk.is_dead() && !self.is_down(&home.host) {
                let downtime = self.downtime();
                self.kill(&home.host, Some(downtime));
            }
        }
        if self.town.server.is_dead() && !self.is_down(CLOUD) {
            let downtime = self.downtime();
            self.kill(CLOUD, Some(downtime));
        }
        let now = self.sim.elapsed();
        let is_due = |until: &Option<Duration>| until.is_some_and(|until| until <= now);
        let due: Vec<_> =
            self.down.iter().filter(|(_, until)| is_due(until)).map(|(host, _)| host.clone()).collect();
        due.iter().for_each(|host| self.revive(host));
        self.sim.step().unwrap_or_else(|error| panic!("a host failed: {error}"));
    }

    /// Plays on for so long.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.sim.elapsed() + time;
        while self.sim.elapsed() < until {
            self.step();
        }
    }

    /// Plays on until every spool is empty. Returns how long that took.
    ///
    /// # Panics
    /// When it takes longer than `most`.
    pub fn until_done(&mut self, most: Duration) -> Duration {
        let began = self.sim.elapsed();
        while !self.town.homes.iter().all(|home| home.is_done()) {
            let waited = self.sim.elapsed() - began;
            assert!(waited < most, "seed {}: not uploaded within {most:?}", self.town.plan.seed);
            self.step();
        }
        self.sim.elapsed() - began
    }

    /// The power goes at a host: for so long, or until it is revived.
    pub fn kill(&mut self, host: &str, downtime: Option<Duration>) {
        self.sim.crash(host);
        if let Some(home) = self.town.homes.iter().find(|home| &*home.host == host) {
            home.power_went();
        }
        self.down.push((host.into(), downtime.map(|time| self.sim.elapsed() + time)));
    }

    /// The cloud goes, and comes back when it is told to.
    pub fn take_cloud(&mut self) {
        self.kill(CLOUD, None);
    }

    /// The cloud is back.
    pub fn return_cloud(&mut self) {
        self.revive(CLOUD);
    }

    /// Everybody's connection to the cloud is cut.
    pub fn cut(&self, home: &Home) {
        self.sim.partition(CLOUD, &*home.host);
    }

    /// It works again.
    pub fn mend(&self, home: &Home) {
        self.sim.repair(CLOUD, &*home.host);
    }

    /// The host does not run.
    pub fn is_down(&self, host: &str) -> bool {
        self.down.iter().any(|(down, _)| &**down == host)
    }

    /// How the fleet came back since the moment `since` of the simulation.
    pub fn rush(&self, since: Duration) -> Rush {
        let since = self.town.homes[0].origin + i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let notes = self.town.book.notes();
        let mut first: BTreeMap<IpAddr, i64> = BTreeMap::new();
        for (at, home) in notes.requests.iter().filter(|(at, _)| *at >= since) {
            first.entry(*home).or_insert(*at);
        }
        let later = |from: i64, moments: &[i64]| {
            peak(&moments.iter().copied().filter(|&at| at >= from).collect::<Vec<_>>())
        };
        let knocked = notes.knocks.iter().copied().find(|&at| at >= since).unwrap_or(since);
        Rush {
            returned: peak(&first.into_values().collect::<Vec<_>>()),
            asked_again: later(knocked + 1000, &notes.knocks),
            admitted: later(since, &notes.admitted),
        }
    }

    fn revive(&mut self, host: &str) {
        self.down.retain(|(down, _)| &**down != host);
        self.sim.bounce(host);
    }

    /// Long enough for a gap to be worth telling.
    fn downtime(&self) -> Duration {
        Duration::from_millis(5000 + self.lots.random_up_to(15_000))
    }
}

async fn listen(name: String, home: HomeId, book: Arc<Book>, world: World) -> turmoil::Result {
    let pause = Duration::from_secs(5);
    let person = loop {
        let api = Api::over(ADDRESS, transport())?;
        match Person::sign_in(api, world.clone(), &name, PASSWORD).await {
            Ok(person) => break person,
            Err(_) => world.sleep(pause).await,
        }
    };
    loop {
        if let Ok(mut updates) = person.updates(home).await {
            while let Ok(Some(update)) = updates.next().await {
                if let Update::Event { event, fresh, .. } = update {
                    book.notes().told.push(Told { event, fresh, at: world.unix_millis() });
                }
            }
        }
        world.sleep(pause).await;
    }
}
