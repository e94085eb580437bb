//! A server in memory with as much of `/api/v1` as a chain needs, whose every answer a test can replace.
//!
//! It stores what it is given and checks nothing: what these tests are about is what a person believes of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use keepsight_ids::{SessionId, SlotId, UnixMillis};
use keepsight_person::{Api, BoxError, Pending, Person, SignedUp, Transport};
use keepsight_wire::people::*;
use keepsight_wire::{EpochPackage, SealedToSlot, Signed};
use keepsight_world::World;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Default)]
pub struct State {
    pub asked: Vec<(Method, String)>,
    pub cookies: Vec<Option<String>>,
    pub bodies: Vec<Bytes>,
    pub replaced: BTreeMap<String, (StatusCode, Bytes)>,
    pub sign_ups: Vec<SignUp>,
    pub entries: Vec<Signed>,
    pub epochs: Vec<EpochPackage>,
    pub name: Option<Signed>,
    pub names: Vec<Signed>,
    pub invitation: Option<NewInvitation>,
    /// Whether the invitations that are open have lapsed by now.
    pub lapsed: bool,
}

#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<State>>);

impl Server {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn api(&self) -> Api {
        Api::over("http://cloud.test:8080", Arc::new(self.clone())).unwrap()
    }

    /// From now on this path, below `/api/v1`, is answered so.
    pub fn replace(&self, path: &str, body: &impl Serialize) {
        let body = serde_json::to_vec(body).unwrap().into();
        self.state().replaced.insert(path.to_owned(), (StatusCode::OK, body));
    }

    pub async fn sign_up(&self, name: &str) -> SignedUp {
        Person::sign_up(self.api(), World::real(), name, "gravel under the porch", None).await.unwrap()
    }

    fn answer(&self, method: &Method, path: &str, body: &Bytes) -> (StatusCode, Value) {
        let mut state = self.state();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let done = (StatusCode::NO_CONTENT, Value::Null);
        match (method.as_str(), parts.as_slice()) {
            ("POST", ["sign-up"]) => {
                state.sign_ups.push(read(body));
                (StatusCode::CREATED, json!(account(state.sign_ups.last().unwrap())))
            }
            ("POST", ["sign-in", "parameters"]) => {
                let asked: NameQuery = read(body);
                let found = state.sign_ups.iter().find(|one| one.name == asked.name).unwrap();
                (StatusCode::OK, json!(found.password.parameters))
            }
            ("POST", ["sign-in"]) => {
                let asked: SignIn = read(body);
                let found = state.sign_ups.iter().find(|one| one.name == asked.name).unwrap();
                if found.password.login != asked.login {
                    return refusal(StatusCode::UNAUTHORIZED, "sign_in_refused");
                }
                (StatusCode::OK, json!(account(found)))
            }
            ("POST", ["sign-out"]) => done,
            ("POST", ["homes"]) => {
                let new: NewHome = read(body);
                (state.entries, state.epochs) = (vec![new.genesis], vec![new.epoch]);
                state.name = Some(new.name);
                (StatusCode::CREATED, json!(home(&state)))
            }
            ("GET", ["homes", _]) => (StatusCode::OK, json!(home(&state))),
            ("GET", ["homes", _, "people"]) => (StatusCode::OK, json!(people(&state))),
            ("GET", ["homes", _, "cameras"]) => (StatusCode::OK, json!([])),
            ("GET", ["homes", _, "chain"]) => {
                let chain = Chain { entries: state.entries.clone(), epochs: state.epochs.clone() };
                (StatusCode::OK, json!(chain))
            }
            ("POST", ["homes", _, "chain"]) => {
                let append: ChainAppend = read(body);
                state.entries.push(append.entry);
                state.epochs.extend(append.epoch);
                state.invitation = append.invitation.or(state.invitation.take());
                state.names = append.names;
                (StatusCode::OK, json!(head()))
            }
            ("POST", ["invitations", "open"]) => {
                let Some(invitation) = &state.invitation else {
                    return refusal(StatusCode::NOT_FOUND, "not_found");
                };
                let opened = InvitationOpened {
                    entries: state.entries.clone(),
                    epoch: state.epochs.last().unwrap().epoch,
                    sealed: invitation.sealed.clone(),
                    name: state.name.clone().unwrap(),
                    expires: UnixMillis(0),
                };
                (StatusCode::OK, json!(opened))
            }
            ("POST", ["invitations", "accept"]) => {
                let accept: InvitationAccept = read(body);
                state.entries.push(accept.entry);
                let (slot, sealed) = (accept.ticket.slot, accept.sealed);
                let newest = state.epochs.last_mut().unwrap();
                newest.sealed.push(SealedToSlot { slot, enc: sealed.enc, ct: sealed.ct });
                state.invitation = None;
                (StatusCode::OK, json!(head()))
            }
            _ => refusal(StatusCode::NOT_FOUND, "not_found"),
        }
    }
}

impl Transport for Server {
    fn send(&self, request: Request<Full<Bytes>>) -> Pending<'_> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let path = parts.uri.path_and_query().unwrap().as_str();
            let path = path.strip_prefix("/api/v1").unwrap_or(path).to_owned();
            let replaced = {
                let mut state = self.state();
                state.asked.push((parts.method.clone(), path.clone()));
                let cookie = parts.headers.get(header::COOKIE);
                state.cookies.push(cookie.map(|value| value.to_str().unwrap().to_owned()));
                state.bodies.push(body.clone());
                state.replaced.get(&path).cloned()
            };
            let (status, body) = replaced.unwrap_or_else(|| {
                let (status, value) = self.answer(&parts.method, &path, &body);
                (status, serde_json::to_vec(&value).unwrap().into())
            });
            let cookie = match path.as_str() {
                "/sign-up" | "/sign-in" => "ks_session=token; HttpOnly; SameSite=Strict; Path=/",
                "/sign-out" => "ks_session=; Max-Age=0; Path=/",
                _ => "other=1",
            };
            let body = Full::new(body).map_err(|never| -> BoxError { match never {} }).boxed();
            let answer = Response::builder().status(status).header(header::SET_COOKIE, cookie);
            Ok(answer.body(body).unwrap())
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &Bytes) -> T {
    serde_json::from_slice(body).unwrap()
}

fn refusal(status: StatusCode, code: &str) -> (StatusCode, Value) {
    (status, json!({ "error": { "code": code, "message": "no", "request": "req_1" } }))
}

fn head() -> ChainHead {
    ChainHead { seq: 0, hash: keepsight_ids::B32([0; 32]) }
}

fn account(from: &SignUp) -> Account {
    Account {
        account: from.account,
        name: from.name.clone(),
        session: SessionId::from_bytes([1; 16]),
        parameters: from.password.parameters.clone(),
        wrapped: from.password.wrapped.clone(),
        kem: from.kem,
        sign: from.sign,
    }
}

fn people(state: &State) -> People {
    let newest = keepsight_seal::Entry::parse(&state.entries.last().unwrap().body.0).unwrap();
    let (created, expires, lapsed) = (UnixMillis(0), UnixMillis(1), state.lapsed);
    let open = newest.slots.into_iter().filter(|slot| slot.is_pending());
    let invitations =
        open.map(|slot| Invitation { slot: slot.slot, rights: slot.rights, created, expires, lapsed });
    People { members: Vec::new(), invitations: invitations.collect() }
}

fn home(state: &State) -> Home {
    let genesis = keepsight_seal::Entry::parse(&state.entries[0].body.0).unwrap();
    Home {
        home: genesis.home,
        slot: SlotId::from_bytes([0; 16]),
        rights: vec![Right::Review],
        name: state.name.clone().unwrap(),
        time_zone: "Europe/Berlin".into(),
        retention_days: 30,
        retention_bytes: 1,
        used_bytes: 0,
        bytes_max: 1,
        events_today: 0,
        events_a_day_max: 1,
        chain_seq: 0,
        lockdown: false,
        rotation_due: false,
        restored: None,
    }
}
