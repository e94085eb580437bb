//! A server's parts, put together.

use std::sync::Arc;

use keepsight_gate::Gate;
use keepsight_ids::B32;
use keepsight_ledger::Ledger;
use keepsight_world::World;

use crate::alarms::Alarms;
use crate::config::CloudConfig;
use crate::edge::limits::Guard;
use crate::edge::routes::Routes;
use crate::feed::Feed;
use crate::secret::ServerSecret;

/// What every request works with.
pub struct Cloud {
    pub(crate) config: CloudConfig,
    pub(crate) world: World,
    pub(crate) gate: Arc<Gate>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) guard: Guard,
    pub(crate) alarms: Alarms,
    pub(crate) feed: Feed,
    pub(crate) routes: Routes,
    pub(crate) secret: ServerSecret,
    pub(crate) fingerprint: Option<B32>,
}

impl Cloud {
    pub(crate) const fn serves_tls(&self) -> bool {
        self.fingerprint.is_some()
    }
}
