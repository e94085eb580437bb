//! What the agent keeps between its lives, besides the spool: who it is, its home, its cameras, its last heartbeat.
//!
//! Three files, each replaced whole: `agent.json` (with the agent's key and the cameras' passwords; the folder is readable by its
//! user only), `chain.json` (the home's verified entries; its highest is the pin) and `heartbeat.json`.

use std::path::Path;
use std::time::Duration;

use keepsight_camera::{
    CameraIdentity, CameraSource, DemoScene, DemoView, Login, Mask, Password, RtspSource, RtspUrl,
    Sensitivity, WatchSettings,
};
use keepsight_ids::{AgentId, B32, CameraId, HomeId, UnixMillis};
use keepsight_seal::{Chain, Offer, Pin, SignSecret};
use keepsight_wire::Signed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::AgentError;
use crate::disk::{self, Disk};
use crate::spool::{FOLDERS, Heartbeat};
use crate::upload::Account;

const STATE: &str = "agent.json";
const CHAIN: &str = "chain.json";
const HEARTBEAT: &str = "heartbeat.json";

/// `agent.json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    v: u8,
    /// Its home, once it was paired.
    pub pairing: Option<Pairing>,
    /// Its cameras.
    pub cameras: Vec<Camera>,
}

impl Default for State {
    fn default() -> Self {
        Self { v: 1, pairing: None, cameras: Vec::new() }
    }
}

/// Which home this agent belongs to, and by what key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// The server's address.
    pub server: url::Url,
    /// SHA-256 of its certificate; absent when it serves no TLS itself.
    pub tls: Option<B32>,
    /// The home.
    pub home: HomeId,
    /// SHA-256 of the first entry of its chain.
    pub genesis: B32,
    /// Who this agent is.
    pub agent: AgentId,
    /// Its Ed25519 seed.
    pub key: Seed,
    /// The offer that was answered, until the home's chain has confirmed that it came from an owner.
    pub offer: Option<Offer>,
}

/// A signing key at rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(B32);

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.0.zeroize();
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed")
    }
}

impl Seed {
    /// The seed of this key.
    pub fn of(key: &SignSecret) -> Self {
        Self(B32(*key.expose()))
    }

    /// The key.
    pub fn key(&self) -> SignSecret {
        SignSecret::from_bytes(self.0.0)
    }
}

impl Pairing {
    /// For the uploader.
    pub fn account(&self) -> Account {
        Account { server: self.server.clone(), tls: self.tls, agent: self.agent, key: self.key.key() }
    }

    /// What the chain must begin with.
    pub const fn pin(&self) -> Pin {
        Pin::at_genesis(self.home, self.genesis)
    }
}

/// A camera of this agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Which.
    pub camera: CameraId,
    /// What its owner called it here; sealed before it leaves.
    pub name: String,
    /// Where its pictures come from.
    pub source: Source,
    /// The camera that should answer there.
    pub expected: Option<CameraIdentity>,
    /// How it is watched.
    pub watch: Watching,
    /// The server has its name.
    pub known: bool,
    /// An owner switched it off.
    pub off: bool,
}

/// Where a camera's pictures come from, with the login, as it is kept.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// A real camera, by RTSP.
    Rtsp {
        /// The stream that is recorded.
        main: RtspUrl,
        /// A small stream that is looked at; without one the main stream is.
        sub: Option<RtspUrl>,
        /// The user's name at the camera.
        user: Option<String>,
        /// The user's password at the camera.
        password: Option<String>,
    },
    /// A built-in camera.
    Demo {
        /// The street address in its picture.
        address: String,
        /// What it looks at: [`DemoView::name`].
        view: String,
        /// The time zone of the clock in its picture: `Europe/Berlin`.
        zone: String,
    },
}

impl Source {
    /// A built-in camera of this view at a street address, with a clock of this time zone.
    pub fn demo(address: &str, view: DemoView, zone: &str) -> Self {
        Self::Demo { address: address.to_owned(), view: view.name().to_owned(), zone: zone.to_owned() }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rtsp { main, .. } => write!(f, "Rtsp({main})"),
            Self::Demo { address, view, .. } => write!(f, "Demo({address}, {view})"),
        }
    }
}

impl From<&RtspSource> for Source {
    fn from(RtspSource { main, sub, login }: &RtspSource) -> Self {
        Self::Rtsp {
            main: main.clone(),
            sub: sub.clone(),
            user: login.as_ref().map(|login| login.user.clone()),
            password: login.as_ref().map(|login| login.password.expose().to_owned()),
        }
    }
}

impl From<&Source> for CameraSource {
    fn from(source: &Source) -> Self {
        match source {
            Source::Rtsp { main, sub, user, password } => {
                let password = Password::new(password.clone().unwrap_or_default());
                let login = user.clone().map(|user| Login { user, password });
                Self::Rtsp(RtspSource { main: main.clone(), sub: sub.clone(), login })
            }
            Source::Demo { address, view, zone } => {
                let view =
                    DemoView::ALL.into_iter().find(|known| known.name() == view).unwrap_or(DemoView::Hall);
                Self::Demo(DemoScene::new(address, view).in_zone(zone))
            }
        }
    }
}

/// The settings of [`WatchSettings`] that are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watching {
    pre_roll_ms: u64,
    post_roll_ms: u64,
    event_max_ms: u64,
    stall_after_ms: u64,
    sensitivity: Sensitivity,
    masks: Vec<Mask>,
    motion: bool,
    audio: bool,
}

impl From<&WatchSettings> for Watching {
    fn from(settings: &WatchSettings) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            pre_roll_ms: ms(settings.pre_roll),
            post_roll_ms: ms(settings.post_roll),
            event_max_ms: ms(settings.event_max),
            stall_after_ms: ms(settings.stall_after),
            sensitivity: settings.sensitivity,
            masks: settings.masks.clone(),
            motion: settings.motion,
            audio: settings.audio,
        }
    }
}

impl Camera {
    /// As the camera crate wants it.
    pub fn watch_settings(&self) -> WatchSettings {
        let watch = &self.watch;
        WatchSettings {
            pre_roll: Duration::from_millis(watch.pre_roll_ms),
            post_roll: Duration::from_millis(watch.post_roll_ms),
            event_max: Duration::from_millis(watch.event_max_ms),
            stall_after: Duration::from_millis(watch.stall_after_ms),
            sensitivity: watch.sensitivity,
            masks: watch.masks.clone(),
            motion: watch.motion,
            audio: watch.audio,
            expected: self.expected.clone(),
            ..WatchSettings::default()
        }
    }
}

/// Reads and writes the three files.
#[derive(Clone)]
pub struct Files {
    disk: std::sync::Arc<dyn Disk>,
}

impl Files {
    /// The files on this disk.
    pub fn new(disk: std::sync::Arc<dyn Disk>) -> Self {
        Self { disk }
    }

    /// `agent.json`, or a new one.
    pub fn state(&self) -> Result<State, AgentError> {
        let state: State = self.read(STATE)?.unwrap_or_default();
        if state.v != 1 {
            return Err(AgentError::Damaged {
                file: STATE,
                why: format!("version {} is unknown here", state.v),
            });
        }
        Ok(state)
    }

    /// Replaces `agent.json`.
    pub fn put_state(&self, state: &State) -> Result<(), AgentError> {
        self.write(STATE, state)
    }

    /// The home's chain as it was verified before.
    pub fn chain(&self, pairing: &Pairing) -> Result<Option<Chain>, AgentError> {
        let Some(entries) = self.read::<Vec<Signed>>(CHAIN)? else { return Ok(None) };
        let damaged =
            |error: keepsight_seal::SealError| AgentError::Damaged { file: CHAIN, why: error.to_string() };
        Chain::verify(pairing.home, &entries, Some(&pairing.pin())).map(Some).map_err(damaged)
    }

    /// Replaces `chain.json`.
    pub fn put_chain(&self, chain: &Chain) -> Result<(), AgentError> {
        let entries: Vec<&Signed> = chain.entries().iter().map(|entry| entry.signed()).collect();
        self.write(CHAIN, &entries)
    }

    /// The last heartbeat. A damaged one is none: it only dates gaps.
    pub fn heartbeat(&self) -> Option<Heartbeat> {
        self.read(HEARTBEAT).unwrap_or_default()
    }

    /// Replaces `heartbeat.json`.
    pub fn put_heartbeat(&self, heartbeat: &Heartbeat) -> Result<(), AgentError> {
        self.write(HEARTBEAT, heartbeat)
    }

    /// Removes everything: first what says whose the footage is, so that a reset cut short leaves nothing that could be sent.
    pub fn wipe(&self) -> Result<(), AgentError> {
        for name in [STATE, CHAIN, HEARTBEAT].into_iter().chain(FOLDERS) {
            self.disk.remove(Path::new(name)).map_err(|source| folder(name, source))?;
        }
        self.disk.sync_dir(Path::new("")).map_err(|source| folder("", source))
    }

    fn read<T: DeserializeOwned>(&self, file: &'static str) -> Result<Option<T>, AgentError> {
        let bytes = disk::read_if_there(self.disk.as_ref(), Path::new(file))
            .map_err(|source| folder(file, source))?;
        let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes);
        bytes.map(parse).transpose().map_err(|error| AgentError::Damaged { file, why: error.to_string() })
    }

    fn write<T: Serialize>(&self, file: &'static str, value: &T) -> Result<(), AgentError> {
        let mut bytes = serde_json::to_vec_pretty(value).expect("the agent's files are plain JSON");
        let written = disk::replace(self.disk.as_ref(), Path::new(file), &bytes);
        bytes.zeroize();
        written.map_err(|source| folder(file, source))
    }
}

fn folder(name: &str, source: std::io::Error) -> AgentError {
    AgentError::Folder { path: name.into(), source }
}

/// How far two clocks may differ before the agent's is not believed.
const CLOCK_MOST_MS: i64 = 120_000;
/// 2024-01-01: a clock before that was never set.
const EARLIEST: i64 = 1_704_067_200_000;

/// Whether the agent's time of day can be believed, by the server's word if there is one.
pub const fn clock_is_known(here: UnixMillis, offset_ms: Option<i64>) -> bool {
    let agrees = match offset_ms {
        Some(offset) => offset.saturating_abs() <= CLOCK_MOST_MS,
        None => true,
    };
    here.0 >= EARLIEST && agrees
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Forgetful;
    use proptest::prelude::*;

    fn camera() -> Camera {
        let main = "rtsp://192.0.2.7/main".parse().unwrap();
        let login = Login { user: "elm".into(), password: Password::new("secret") };
        Camera {
            camera: CameraId::from_bytes([1; 16]),
            name: "Hall".into(),
            source: Source::from(&RtspSource { main, sub: None, login: Some(login) }),
            expected: None,
            watch: Watching::from(&WatchSettings::default()),
            known: true,
            off: false,
        }
    }

    #[test]
    fn a_camera_is_kept_with_all_that_watching_it_needs_and_prints_no_password() {
        let files = Files::new(std::sync::Arc::new(Forgetful::new(1)));
        let state = State { cameras: vec![camera()], ..State::default() };
        files.put_state(&state).unwrap();
        let read = files.state().unwrap();
        assert_eq!(read, state);
        assert_eq!(read.cameras[0].watch_settings(), WatchSettings::default());
        let CameraSource::Rtsp(source) = CameraSource::from(&read.cameras[0].source) else { panic!() };
        assert_eq!(source.login.unwrap().password.expose(), "secret");
        assert!(!format!("{state:?}").contains("secret"));
        let demo = Source::demo("12 Elm Street", DemoView::Garden, "Europe/Berlin");
        let CameraSource::Demo(scene) = CameraSource::from(&demo) else { panic!() };
        assert_eq!(scene.caption(), "12 Elm Street - Garden");
    }

    #[test]
    fn the_clock_is_believed_only_while_the_server_agrees() {
        let now = UnixMillis(1_800_000_000_000);
        assert!(clock_is_known(now, None));
        assert!(clock_is_known(now, Some(-119_000)));
        assert!(!clock_is_known(now, Some(121_000)));
        assert!(!clock_is_known(now, Some(i64::MIN)));
        assert!(!clock_is_known(UnixMillis(EARLIEST - 1), None), "a clock that was never set");
    }

    proptest! {
        #[test]
        fn damaged_files_are_said_to_be_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..60), cut in 0..400usize) {
            let disk = Forgetful::new(1);
            let files = Files::new(std::sync::Arc::new(disk.clone()));
            files.put_state(&State { cameras: vec![camera()], ..State::default() }).unwrap();
            let whole = disk.read(Path::new(STATE), u64::MAX).unwrap();
            for broken in [&bytes[..], &whole[..cut.min(whole.len() - 3)]] {
                disk.write(Path::new(STATE), broken).unwrap();
                let refused = matches!(files.state(), Err(AgentError::Damaged { file: STATE, .. }));
                prop_assert!(refused);
                disk.write(Path::new(HEARTBEAT), broken).unwrap();
                prop_assert_eq!(files.heartbeat(), None, "it only dates gaps");
            }
        }
    }
}
