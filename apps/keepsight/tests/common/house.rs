//! A home at a real server with a real agent, set up as people do it: by the printed link, a code and the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use keepsight_agent::{AgentConfig, AgentDir, AgentStatus};
use keepsight_ids::{CameraId, EventId, GapId, HomeId};
use keepsight_person::{Api, EventQuery, Person, PersonError, Trust};
use keepsight_wire::people::{Event, Gap, Ticket};
use keepsight_world::World;

use super::{PASSWORD, Process, eventually, free_port, must};

/// How a house differs from the usual one.
#[derive(Default)]
pub struct Plan {
    /// The built-in cameras.
    pub views: Vec<&'static str>,
    /// The server's data, if not in the temporary folder.
    pub server_data: Option<PathBuf>,
    /// The agent's folder likewise.
    pub agent_data: Option<PathBuf>,
    /// More lines for the configuration's `[server]`.
    pub server_lines: String,
    /// Where the agent finds the server, if not at its own port.
    pub agent_port: Option<u16>,
    /// The server's port, if it has to be known before.
    pub port: Option<u16>,
}

/// A home, its owner, and the two processes.
pub struct House {
    /// The processes; first, so that they end before their folders go.
    pub server: Option<Process>,
    /// The agent, while it runs.
    pub agent: Option<Process>,
    /// Its owner's browser.
    pub owner: Person,
    /// The home.
    pub home: HomeId,
    /// The cameras.
    pub cameras: Vec<CameraId>,
    /// The server's port.
    pub port: u16,
    /// The server's data.
    pub server_data: PathBuf,
    /// The agent's folder.
    pub agent_data: PathBuf,
    /// What both run in.
    pub folder: tempfile::TempDir,
}

/// Everything that a home's list shows.
#[derive(Debug, Default)]
pub struct Listed {
    /// Every Event, as often as it was listed.
    pub events: Vec<Event>,
    /// Every gap.
    pub gaps: BTreeMap<GapId, Gap>,
}

impl Listed {
    /// The Event of that name.
    pub fn event(&self, event: EventId) -> Option<&Event> {
        self.events.iter().find(|listed| listed.event == event)
    }
}

/// Reads the list to its end.
pub async fn all_events(person: &Person, home: HomeId) -> Result<Listed, PersonError> {
    let (mut listed, mut query) =
        (Listed::default(), EventQuery { limit: Some(100), ..EventQuery::default() });
    loop {
        let page = person.events(home, &query).await?;
        listed.events.extend(page.events);
        listed.gaps.extend(page.gaps.into_iter().map(|gap| (gap.gap, gap)));
        query.before = page.next;
        if query.before.is_none() {
            return Ok(listed);
        }
    }
}

impl House {
    /// Sets everything up; the server runs, the agent not yet.
    pub async fn found(plan: Plan) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = plan.port.unwrap_or_else(free_port);
        let server_data = plan.server_data.unwrap_or_else(|| folder.path().join("cloud"));
        let agent_data = plan.agent_data.unwrap_or_else(|| folder.path().join("agent"));
        let config = format!(
            "[server]\ndata = {server_data:?}\nlisten = \"127.0.0.1:{port}\"\ntls = \"off\"\n{}",
            plan.server_lines
        );
        std::fs::write(folder.path().join("keepsight.toml"), config).expect("a configuration");
        let mut server = serve(&folder);
        let link = server.says("/set-up#").await;
        let (origin, token) = link.trim().split_once("/set-up#").expect("the link has a token");
        let owner = sign_up(origin, "elm", Ticket::Setup(token.to_owned())).await;
        let home = owner.create_home("12 Elm Street", "Europe/Berlin").await.expect("a home is founded");
        let mut house = Self {
            server: Some(server),
            agent: None,
            owner,
            home,
            cameras: Vec::new(),
            port,
            server_data,
            agent_data,
            folder,
        };
        house.furnish(plan.agent_port.unwrap_or(port), &plan.views).await;
        house
    }

    async fn furnish(&mut self, agent_port: u16, views: &[&str]) {
        if views.is_empty() {
            return;
        }
        let pairing = self.owner.start_pairing(self.home).await.expect("an owner pairs");
        let server = format!("http://127.0.0.1:{agent_port}");
        self.agent_command(&["pair", "--server", &server, &pairing.code.text()]).await;
        self.owner.await_pairing(&pairing).await.expect("the agent has answered");
        for view in views {
            let said = self.agent_command(&["add", view, &format!("demo://{view}")]).await;
            let id = said.split_whitespace().find_map(|word| word.trim_end_matches('.').parse().ok());
            self.cameras.push(id.unwrap_or_else(|| panic!("no camera's id in {said:?}")));
        }
    }

    /// `keepsight agent ..`, which has to work.
    pub async fn agent_command(&self, words: &[&str]) -> String {
        let data = self.agent_data.to_str().expect("a temporary folder's path is text");
        must(self.folder.path(), &[&["agent", "--data", data], words].concat()).await
    }

    /// `keepsight admin ..`, which has to work.
    pub async fn admin(&self, words: &[&str]) -> String {
        let data = self.server_data.to_str().expect("a temporary folder's path is text");
        must(self.folder.path(), &[&["admin", "--data", data], words].concat()).await
    }

    /// Starts the server on the folder and port that it had, and waits until it listens.
    pub async fn start_server(&mut self) {
        let mut server = serve(&self.folder);
        server.says("is listening on").await;
        self.server = Some(server);
    }

    /// Starts the agent on its folder.
    pub fn start_agent(&mut self) {
        let data = self.agent_data.to_str().expect("a temporary folder's path is text").to_owned();
        self.agent =
            Some(Process::start(self.folder.path(), "agent.log", &["agent", "--data", &data, "run"]));
    }

    /// The agent's folder, for questions over its socket.
    pub fn agent_dir(&self) -> AgentDir {
        AgentDir::open(&self.agent_data, AgentConfig::default(), World::real()).expect("the folder is there")
    }

    /// How the agent does, if it can be asked.
    pub async fn agent_status(&self) -> Option<AgentStatus> {
        self.agent_dir().status().await.ok()
    }

    /// Records an Event of this camera, or prolongs the one that is being recorded, as soon as the camera is there.
    pub async fn trigger(&self, camera: CameraId) {
        let dir = self.agent_dir();
        eventually("a camera records", 60, async || dir.trigger(camera).await.ok()).await;
    }

    /// Records an Event and waits until the server has all of it.
    pub async fn record(&self, camera: CameraId, seconds: u64) {
        self.trigger(camera).await;
        eventually("an Event has begun", 60, async || {
            let spool = self.agent_status().await?.spool;
            (spool.events > 0).then_some(())
        })
        .await;
        self.emptied(seconds).await;
    }

    /// Waits until the server has everything that the agent had to tell.
    pub async fn emptied(&self, seconds: u64) {
        eventually("the spool is empty", seconds, async || {
            let spool = self.agent_status().await?.spool;
            (spool.events == 0 && spool.gaps == 0).then_some(())
        })
        .await;
    }

    /// Somebody new, with an account by the owner's invitation, and a member of the home.
    pub async fn member(&self, name: &str) -> Person {
        let rights = keepsight_seal::Slot::member_rights();
        let invitation = self.owner.invite(self.home, &rights).await.expect("an owner invites");
        let origin = self.owner.api().origin();
        let member = sign_up(origin, name, Ticket::Invitation(invitation.ticket())).await;
        member.accept(&invitation).await.expect("an open invitation is accepted");
        member
    }

    /// The list of Events as the owner sees it.
    pub async fn listed(&self) -> Listed {
        all_events(&self.owner, self.home).await.expect("the owner sees the list")
    }

    /// Neither process panicked.
    pub fn assert_calm(&self) {
        for log in ["server.log", "agent.log"] {
            let text = std::fs::read_to_string(self.folder.path().join(log)).unwrap_or_default();
            assert!(!text.contains("panicked"), "{log}:\n{text}");
        }
    }
}

fn serve(folder: &tempfile::TempDir) -> Process {
    Process::start(folder.path(), "server.log", &["serve", "--config", "keepsight.toml"])
}

async fn sign_up(origin: &str, name: &str, ticket: Ticket) -> Person {
    let api = Api::new(origin, Trust::Plain).expect("a loopback address");
    let made = Person::sign_up(api, World::real(), name, PASSWORD, Some(ticket)).await;
    made.expect("the ticket is good").person
}
