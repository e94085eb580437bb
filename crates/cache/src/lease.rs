//! The right to store what is being loaded. Whoever comes next waits for its holder: so it is always given back, also by a load that panics.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::backend::{BackendError, Found, Token};
use crate::cache::Core;
use crate::key::Location;

const FIRST_TRY_AGAIN: Duration = Duration::from_millis(5);
const LAST_TRY_AGAIN: Duration = Duration::from_millis(100);

/// A lease that is held, or may be. Dropped, it is given back.
pub(crate) struct Lease {
    core: Arc<Core>,
    at: Location,
    token: Option<Token>,
}

impl Lease {
    /// Asks for it; none if somebody else holds it. Also says what is stored there.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn ask(core: &Arc<Core>, at: Location) -> Result<(Option<Self>, Found), BackendError> {
        let token = Token(core.chance.bytes());
        // Without an answer it may be held, and nobody would know by whom.
        let lease = Self { core: core.clone(), at, token: Some(token) };
        let leased = core.backend.lease(at, token, core.settings.lease_lifetime()).await?;
        if leased.won {
            return Ok((Some(lease), leased.found));
        }
        lease.ended();
        Ok((None, leased.found))
    }

    /// Under which it is held.
    pub fn token(&self) -> Option<Token> {
        self.token
    }

    /// It is held no more, as the server said.
    pub fn ended(mut self) {
        self.token = None;
    }
}

impl Drop for Lease {
    /// Gives it back, in the background and again until the server has said that it is.
    fn drop(&mut self) {
        let Some(token) = self.token else { return };
        let (core, at) = (self.core.clone(), self.at);
        // The first try keeps its place before whatever this task asks for next.
        let first = core.backend.release(at, token);
        let Ok(runtime) = Handle::try_current() else { return };
        let ends_by_itself = core.origin.elapsed() + core.settings.lease_lifetime();
        runtime.spawn(async move {
            let (mut released, mut wait) = (first.await, FIRST_TRY_AGAIN);
            while released.is_err() && core.origin.elapsed() < ends_by_itself {
                tokio::time::sleep(wait.mul_f64(0.5 + core.chance.fraction() / 2.0)).await;
                wait = (wait * 2).min(LAST_TRY_AGAIN);
                released = core.backend.release(at, token).await;
            }
        });
    }
}
