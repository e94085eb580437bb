//! Lists that were read a moment ago: Event pages and how cameras do, kept in a cache so that a home that looks again and again does not
//! read the database each time.
//!
//! Nothing is decided from here. A caller comes with what a fresh Permit covers, all of which is part of the key; what the cache answers is locked
//! like what the database answers, and states its identities again when it is opened. A write to a home forgets that home's lists before it is
//! answered; where the cache's server can't be told so, they are at most [`LIFETIME`] old. Segments, single Events and the ledger are never kept.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use keepsight_cache::{
    Cache, Cached, Canonical, Env, Error, KeyRing, KeyWriter, Level, LocalBound, MasterKey, Memory, Postcard,
    Typed,
};
use keepsight_gate::CameraScope;
use keepsight_ids::{AccountId, CameraId, HomeId, UnixMillis};
use keepsight_world::World;
use rand_core::Rng as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::asked::Asked;
use super::{CameraReport, CameraSummary, EventPage, EventQuery};
use crate::StoreError;

/// How old a list can be whose home's latest change could not be told to the cache's server.
pub const LIFETIME: Duration = Duration::from_secs(10);

/// Encoded lists in memory at most: some ten thousand pages.
const BYTES_MOST: u64 = 64 << 20;

/// A cache in this process's memory, for one node alone. Its key dies with it.
pub fn memory_cache(world: &World) -> Cache {
    let keys = KeyRing::new([MasterKey::new(world.random())]).expect("one key is a ring");
    // Decoded copies beside the encoded ones would only take the room twice.
    let local = LocalBound { entries: 0, ..LocalBound::default() };
    Cache::builder(Memory::new(10_000, BYTES_MOST))
        .keys(keys)
        .local(local)
        .env(Arc::new(OfWorld(world.clone())))
        .on_mismatch(|mismatch| {
            tracing::error!(?mismatch, "ALARM: a cached answer belonged to another key; it was not used")
        })
        .build()
}

struct OfWorld(World);

impl Env for OfWorld {
    fn unix_millis(&self) -> u64 {
        self.0.unix_millis().try_into().unwrap_or_default()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.0.rng().fill_bytes(buffer);
    }
}

/// The lists that are kept; without a cache, none. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Lists(Option<Doors>);

#[derive(Clone)]
struct Doors {
    pages: Typed<Kept<EventQuery, EventPage>>,
    summaries: Typed<Kept<Since, Vec<CameraSummary>>>,
    reports: Typed<Kept<Now, Vec<CameraReport>>>,
}

/// Summaries count from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Since(UnixMillis);

/// Reports are asked for without any more words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Now;

impl Lists {
    pub(crate) fn new(cache: &Cache) -> Self {
        Self(Some(Doors { pages: cache.typed(), summaries: cache.typed(), reports: cache.typed() }))
    }

    pub(crate) async fn page(
        &self,
        asked: &Asked,
        query: EventQuery,
        load: impl Future<Output = Result<EventPage, StoreError>> + Send + 'static,
    ) -> Result<EventPage, StoreError> {
        let Some(doors) = &self.0 else { return load.await };
        kept(&doors.pages, asked, query, load).await
    }

    pub(crate) async fn summaries(
        &self,
        asked: &Asked,
        since: UnixMillis,
        load: impl Future<Output = Result<Vec<CameraSummary>, StoreError>> + Send + 'static,
    ) -> Result<Vec<CameraSummary>, StoreError> {
        let Some(doors) = &self.0 else { return load.await };
        kept(&doors.summaries, asked, Since(since), load).await
    }

    pub(crate) async fn reports(
        &self,
        asked: &Asked,
        load: impl Future<Output = Result<Vec<CameraReport>, StoreError>> + Send + 'static,
    ) -> Result<Vec<CameraReport>, StoreError> {
        let Some(doors) = &self.0 else { return load.await };
        kept(&doors.reports, asked, Now, load).await
    }

    /// Something of that home has changed, durably. The write stands, whatever comes of this.
    pub(crate) async fn forget(&self, home: HomeId) {
        let Some(doors) = &self.0 else { return };
        // Every kind of list is in one namespace: this forgets them all.
        if let Err(error) = doors.pages.invalidate_tenant(&Home(home)).await {
            tracing::warn!(%error, age_s_max = LIFETIME.as_secs(), "a home's lists may be shown as they were");
        }
    }
}

async fn kept<Q: Question, V: List>(
    door: &Typed<Kept<Q, V>>,
    asked: &Asked,
    question: Q,
    load: impl Future<Output = Result<V, StoreError>> + Send + 'static,
) -> Result<V, StoreError> {
    let key = Looked {
        home: asked.home,
        camera: asked.camera,
        cameras: asked.cameras.clone(),
        account: asked.account,
        question,
    };
    match door.get_or_load(&key, move || async { load.await.map(Some) }).await {
        Ok(Some(list)) => Ok(Arc::unwrap_or_clone(list)),
        Ok(None) => Err(StoreError::Lost { transaction: Q::NAME }),
        Err(Error::Load(error)) => Err((*error).clone()),
        Err(Error::Overloaded) => Err(StoreError::Overloaded { transaction: Q::NAME }),
        Err(_) => Err(StoreError::Lost { transaction: Q::NAME }),
    }
}

/// Everything that a list depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Looked<Q> {
    home: HomeId,
    camera: Option<CameraId>,
    cameras: CameraScope,
    account: Option<AccountId>,
    question: Q,
}

/// What is asked of a list beyond who may see it.
trait Question: Canonical + Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    const NAME: &'static str;
}

/// What can be kept and read back.
trait List: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}
impl<V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> List for V {}

/// One kind of list in the cache.
struct Kept<Q, V>(std::marker::PhantomData<fn() -> (Q, V)>);

impl<Q: Question, V: List> Cached for Kept<Q, V> {
    type Tenant = Home;
    type Key = Looked<Q>;
    type Value = V;
    type Codec = Postcard;
    const NAMESPACE: &'static str = "keepsight";
    const NAME: &'static str = Q::NAME;
    const VERSION: u32 = 1;
    const LEVEL: Level = Level::Sealed;
    const LIFETIME: Duration = LIFETIME;

    fn tenant(key: &Self::Key) -> Home {
        Home(key.home)
    }
}

impl Question for EventQuery {
    const NAME: &'static str = "event page";
}

impl Question for Since {
    const NAME: &'static str = "camera summaries";
}

impl Question for Now {
    const NAME: &'static str = "camera reports";
}

/// Whose a list is.
struct Home(HomeId);

impl Canonical for Home {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        out.part(self.0.as_bytes());
    }
}

impl<Q: Question> Canonical for Looked<Q> {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        out.part(self.home.as_bytes());
        out.part(self.camera.as_ref().map_or(&[], |camera| camera.as_bytes()));
        out.group(&Cameras(&self.cameras));
        out.part(self.account.as_ref().map_or(&[], |account| account.as_bytes()));
        out.group(&self.question);
    }
}

struct Cameras<'a>(&'a CameraScope);

impl Canonical for Cameras<'_> {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        match self.0 {
            CameraScope::All => out.part(b"all"),
            CameraScope::Some(cameras) => {
                out.part(b"some");
                cameras.iter().for_each(|camera| out.part(camera.as_bytes()));
            }
        }
    }
}

impl Canonical for EventQuery {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        let Self { span, unseen, before, limit } = self;
        (span.map(|span| (bits(span.from), bits(span.until))), unseen).write_parts(out);
        (before.map(|cursor| cursor.to_string()), limit).write_parts(out);
    }
}

impl Canonical for Since {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        bits(self.0).write_parts(out);
    }
}

impl Canonical for Now {
    fn write_parts(&self, _: &mut KeyWriter<'_>) {}
}

/// A time's bits: times before 1970 have a form too.
const fn bits(time: UnixMillis) -> [u8; 8] {
    time.0.to_be_bytes()
}
