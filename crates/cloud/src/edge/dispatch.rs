//! From a request to an answer, in this order: find the route, a place among the requests in work, the page's origin, the
//! address's record, the gate, and only then query, body and handler.
//!
//! The gate is asked before the body is read, and again when the body took long: a Permit is of *after* the request arrived.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use futures_util::FutureExt;
use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{HeaderValue, Method};
use keepsight_gate::{Ask, Credential, Denied, Permit, Refused, TokenHash};
use keepsight_ids::EventId;

use super::answer::{COOKIE, Frame, RequestId};
use super::client::Client;
use super::fault::{Code, Fault, Outcome};
use super::input::Announced;
use super::limits::Neighbour;
use super::routes::{Found, RawCall, Route};
use super::uploads::{Room, SMALL};
use super::{assets, input};
use crate::cloud::Cloud;

/// A Permit older than this when the body has arrived is asked for anew.
const PERMIT_AGE_MAX: Duration = Duration::from_secs(1);

/// Answers one request.
pub(crate) async fn serve(cloud: Arc<Cloud>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let client = Client::of(&parts, cloud.serves_tls(), &cloud.config.trusted_proxies);
    let frame = Frame { request: RequestId::draw(&cloud.world), secure: client.secure };
    let path = parts.uri.path();
    if !is_api(path) || assets::is_file(path) {
        return page(&frame, &parts);
    }
    let found = match cloud.routes.find(&parts.method, path) {
        Found::Route(route, params) => (route, params),
        Found::OtherMethods(allow) => {
            let fault = Fault::new(
                Code::MethodNotAllowed,
                "This address knows other methods only; see the Allow header.",
            );
            return frame.failure(&fault, &allow);
        }
        Found::Nothing => return frame.failure(&Fault::not_found(), &[]),
    };
    let (route, params) = found;
    let worked = AssertUnwindSafe(work(&cloud, route, params, client, &parts, body)).catch_unwind().await;
    let outcome = worked.unwrap_or_else(|panic| Err(bug(&cloud, panic.as_ref())));
    match outcome {
        Ok(answer) => frame.success(answer),
        Err(fault) => {
            log(route, &frame.request, &fault);
            frame.failure(&fault, &[])
        }
    }
}

/// Answers a request that came over a connection for which there is no place: come back later, an agent in its fleet's turn.
pub(crate) fn full<B>(cloud: &Cloud, request: &http::Request<B>) -> Response {
    let frame = Frame { request: RequestId::draw(&cloud.world), secure: cloud.serves_tls() };
    let is_agent = request.uri().path().starts_with("/agent/");
    let fault = if is_agent { cloud.fleet.come_back(&cloud.world) } else { cloud.guard.shed() };
    frame.failure(&fault, &[])
}

/// The client has a folder `api` too: what is a file there is the client's.
fn is_api(path: &str) -> bool {
    ["/api", "/agent"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

async fn work(
    cloud: &Arc<Cloud>,
    route: &Route,
    params: super::params::RawParams,
    client: Client,
    parts: &Parts,
    body: Body,
) -> Outcome<super::answer::Answer> {
    let _turn = match cloud.guard.turn().await {
        Ok(turn) => turn,
        Err(_) if !route.is_for_browsers() => return Err(cloud.fleet.come_back(&cloud.world)),
        Err(fault) => return Err(fault),
    };
    if route.is_for_browsers() && !parts.method.is_safe() {
        client.same_origin(&parts.headers, cloud.config.public_url.as_deref())?;
    }
    let ask = route.first_question(&params).map_err(|_| Fault::not_found())?;
    let asker = Asker {
        credential: credential(route, &parts.headers),
        neighbour: client.address.into(),
        event: params.parse("event"),
    };
    let asked = cloud.world.now();
    let mut permit = asker.ask(cloud, ask).await?;
    content_type(route, &parts.headers)?;
    let time = route.body_time.unwrap_or(cloud.config.limits.body_time);
    let idle = cloud.config.limits.body_idle;
    let announced = announced(route, &parts.headers, &body)?;
    let room = room(cloud, &permit, announced).await?;
    let body = input::read(body, announced, time, idle).await?;
    if cloud.world.now().duration_since(asked) > PERMIT_AGE_MAX {
        permit = asker.ask(cloud, ask).await?;
    }
    let query = parts.uri.query().map(str::to_owned);
    let call = RawCall { cloud: cloud.clone(), permit, asker, client, params, query, body };
    let handled = (route.handler)(call);
    let handled = async move {
        // The body is in memory until it is dealt with.
        let _room = room;
        handled.await
    };
    let limit = cloud.config.limits.handler_time;
    let outcome = if parts.method.is_safe() {
        tokio::time::timeout(limit, handled).await
    } else {
        // A caller who goes away doesn't leave a change half told: what began is finished.
        let finished = tokio::spawn(handled);
        tokio::time::timeout(limit, finished)
            .await
            .map(|joined| joined.unwrap_or_else(|error| Err(stopped(cloud, error))))
    };
    outcome.unwrap_or_else(|_| Err(Fault::unavailable("the handler took too long")))
}

fn stopped(cloud: &Cloud, error: tokio::task::JoinError) -> Fault {
    match error.try_into_panic() {
        Ok(panic) => bug(cloud, panic.as_ref()),
        Err(_) => Fault::unavailable("the server is stopping"),
    }
}

fn bug(cloud: &Cloud, panic: &(dyn std::any::Any + Send)) -> Fault {
    cloud.alarms.bug();
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    Fault::internal(format!("panic: {}", text.unwrap_or_default()))
}

fn log(route: &Route, request: &RequestId, fault: &Fault) {
    let (code, why) = (fault.code.as_str(), fault.log.as_deref().unwrap_or_default());
    let (method, path, request) = (route.method.as_str(), route.template.text(), request.as_str());
    if matches!(fault.code, Code::Internal) {
        tracing::error!(request, method, path, code, why, "request failed");
    } else if fault.log.is_some() {
        tracing::warn!(request, method, path, code, why, "request refused");
    } else {
        tracing::debug!(request, method, path, code, "request refused");
    }
}

/// Asks the gate, with the credential that the request shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    credential: Credential,
    neighbour: Neighbour,
    /// The Event in the path, for the record of a refusal.
    event: Option<EventId>,
}

impl Asker {
    /// The gate's yes, or how to tell the no.
    pub(crate) async fn ask(&self, cloud: &Cloud, ask: Ask) -> Outcome<Permit> {
        self.ask_as(cloud, self.credential, ask).await
    }

    /// The same with another credential of the same caller: an invitation.
    pub(crate) async fn ask_as(&self, cloud: &Cloud, credential: Credential, ask: Ask) -> Outcome<Permit> {
        let token = match credential {
            Credential::Session(token) | Credential::Invitation { token, .. } => Some(token),
            Credential::None => None,
        };
        if let Some(token) = token {
            cloud.guard.may_try(&self.neighbour, token)?;
        }
        let refused = match cloud.gate.check_told(&credential, ask).await {
            Ok(permit) => {
                if let Some(token) = token {
                    cloud.guard.was_good(token);
                }
                return Ok(permit);
            }
            Err(refused) => refused,
        };
        let denied = refused.denied;
        self.record(cloud, refused).await;
        if let (Some(token), Denied::NotSignedIn) = (token, denied) {
            // Guessing tokens is slowed by where it comes from; the guess itself is nowhere remembered.
            cloud.guard.was_bad(self.neighbour, token)?;
        }
        Err(denied.into())
    }

    /// Somebody who belongs to the home was refused: its people can see that. The refusal stands whether or not it is on record.
    async fn record(&self, cloud: &Cloud, refused: Refused) {
        let Some(member) = refused.member else { return };
        let refusal = keepsight_ledger::Refusal {
            viewer: member.account,
            session: member.session,
            device: member.device,
            home: member.home,
            camera: member.camera,
            event: self.event,
            revision: refused.revision,
            at: refused.at,
        };
        if let Err(error) = cloud.ledger.refused(refusal).await {
            tracing::error!(%error, "a refusal is not on record");
        }
    }

    /// The token's hash beside an invitation.
    pub(crate) const fn session(&self) -> Option<TokenHash> {
        match self.credential {
            Credential::Session(hash) => Some(hash),
            _ => None,
        }
    }

    pub(crate) const fn neighbour(&self) -> Neighbour {
        self.neighbour
    }
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotSignedIn => Self::new(Code::SignInNeeded, "Sign in first."),
            Denied::NotFound => Self::not_found(),
            Denied::NotAllowed => {
                Self::new(Code::NotAllowed, "You belong to this home, but may not do this.")
            }
            Denied::Lockdown => Self::new(
                Code::Lockdown,
                "Viewing is stopped. An owner of the home or the operator can allow it again.",
            ),
            Denied::Suspended => Self::new(Code::NotAllowed, "This account, home or agent is suspended."),
            Denied::SwitchedOff => {
                Self::new(Code::NotAllowed, "This camera is switched off; nothing is taken from it.")
            }
            Denied::Removed => {
                Self::new(Code::Gone, "This camera was removed from the home; nothing more is taken from it.")
            }
            Denied::Unavailable => Self::unavailable("the truth did not answer in time"),
            other => Self::unavailable(other),
        }
    }
}

/// The cookie on the people's side, the bearer token on the agents': neither works on the other's.
fn credential(route: &Route, headers: &HeaderMap) -> Credential {
    let token = if route.is_for_browsers() { cookie(headers) } else { bearer(headers) };
    token.map_or(Credential::None, |token| Credential::Session(token_hash(&token)))
}

/// What the truth keeps of a token.
pub(crate) fn token_hash(token: &[u8]) -> TokenHash {
    TokenHash::from_bytes(keepsight_seal::sha256(token).0)
}

fn cookie(headers: &HeaderMap) -> Option<[u8; 32]> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, value)| token(value))
}

fn bearer(headers: &HeaderMap) -> Option<[u8; 32]> {
    let line = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = line.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { token(value.trim()) } else { None }
}

fn token(text: &str) -> Option<[u8; 32]> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn content_type(route: &Route, headers: &HeaderMap) -> Outcome<()> {
    let Some(wanted) = route.body.media_type() else { return Ok(()) };
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    Err(Fault::new(Code::UnsupportedMedia, format!("The body must be sent as {wanted}.")))
}

/// Room for a body that is not small.
async fn room(cloud: &Cloud, permit: &Permit, announced: Announced) -> Outcome<Option<Room>> {
    let bytes = announced.most();
    if bytes <= SMALL {
        return Ok(None);
    }
    match cloud.uploads.room(permit.agent(), bytes).await {
        Some(room) => Ok(Some(room)),
        None if permit.agent().is_some() => Err(cloud.fleet.come_back(&cloud.world)),
        None => Err(cloud.guard.shed()),
    }
}

/// The route's limit; refuses at once what announces to be larger.
fn announced(route: &Route, headers: &HeaderMap, body: &Body) -> Outcome<Announced> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > route.limit as u64) {
        return Err(match route.limit {
            0 => Fault::bad_request("This takes no body."),
            limit => Fault::too_large(limit),
        });
    }
    // One byte more for a route without a body, so that its parser refuses it in its own words.
    Ok(Announced {
        limit: route.limit.max(1),
        length: body.size_hint().exact().and_then(|length| length.try_into().ok()),
    })
}

/// The web client: files, and for every other address its page.
fn page(frame: &Frame, parts: &Parts) -> Response {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let fault = Fault::new(Code::MethodNotAllowed, "Only GET and HEAD work here.");
        return frame.failure(&fault, &[Method::GET, Method::HEAD]);
    }
    let have: Option<&HeaderValue> = parts.headers.get(header::IF_NONE_MATCH);
    match assets::find(parts.uri.path()) {
        Some(asset) => frame.asset(asset, have, parts.method == Method::HEAD),
        None => frame.failure(&Fault::not_found(), &[]),
    }
}
