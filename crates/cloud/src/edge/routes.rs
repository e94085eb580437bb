//! The table of routes: the only place where a path meets a handler.
//!
//! `Routes::add` is the one way in. A route names its action, and the gate decides about that action before the handler (or the
//! body's parser) runs; from the same table come the OpenAPI document and the examples that the probes send.

use std::any::type_name;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use http::Method;
use keepsight_gate::{Action, Ask, Permit, PrincipalKind, Scope};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::answer::Answer;
use super::client::Client;
use super::dispatch::Asker;
use super::fault::{Fault, Outcome};
use super::input::{BodyKind, Input, Query};
use super::params::{Params, RawParams, Template};
use crate::cloud::Cloud;
use crate::example::{ExampleRequest, Stage};

/// What a handler gets: the gate's yes and the parsed request.
pub(crate) struct Call<P = (), Q = (), B = ()> {
    pub(crate) cloud: Arc<Cloud>,
    /// The gate's yes to the route's action, not older than the body's last byte by much.
    pub(crate) permit: Permit,
    /// For a handler that does a second deed: asks the gate again with the same credential.
    pub(crate) asker: Asker,
    pub(crate) client: Client,
    pub(crate) params: P,
    pub(crate) query: Q,
    pub(crate) body: B,
}

/// A request on its way into a handler, not yet parsed beyond its path.
pub(crate) struct RawCall {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) permit: Permit,
    pub(crate) asker: Asker,
    pub(crate) client: Client,
    pub(crate) params: RawParams,
    pub(crate) query: Option<String>,
    pub(crate) body: Bytes,
}

type Handler = Box<dyn Fn(RawCall) -> BoxFuture<'static, Outcome<Answer>> + Send + Sync>;
type SchemaOf = fn(&mut SchemaGenerator) -> Option<Schema>;

/// What a route answers when all is well.
#[derive(Clone, Copy)]
pub(crate) enum AnswerShape {
    /// 204.
    Nothing,
    /// A JSON document.
    Json(SchemaOf),
    /// A sealed segment.
    Sealed,
    /// Server-sent events of this document.
    Events(SchemaOf),
}

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) template: Template,
    pub(crate) action: Action,
    pub(crate) doc: &'static str,
    pub(crate) body: BodyKind,
    pub(crate) limit: usize,
    pub(crate) body_time: Option<Duration>,
    pub(crate) body_schema: SchemaOf,
    pub(crate) query_schema: SchemaOf,
    pub(crate) answer: AnswerShape,
    pub(crate) example: Option<fn(&Stage) -> ExampleRequest>,
    pub(crate) handler: Handler,
}

impl Route {
    /// What it does, in one sentence.
    pub(crate) const fn doc(&mut self, doc: &'static str) -> &mut Self {
        self.doc = doc;
        self
    }

    /// The largest body, in bytes.
    pub(crate) const fn limit(&mut self, bytes: usize) -> &mut Self {
        self.limit = bytes;
        self
    }

    /// It answers a JSON document.
    pub(crate) const fn answers<T: JsonSchema>(&mut self) -> &mut Self {
        self.answer = AnswerShape::Json(|generator| Some(generator.subschema_for::<T>()));
        self
    }

    /// It answers a sealed segment.
    pub(crate) const fn answers_sealed(&mut self) -> &mut Self {
        self.answer = AnswerShape::Sealed;
        self
    }

    /// It answers a stream of documents.
    pub(crate) const fn answers_events<T: JsonSchema>(&mut self) -> &mut Self {
        self.answer = AnswerShape::Events(|generator| Some(generator.subschema_for::<T>()));
        self
    }

    /// A valid request, for the OpenAPI document and the probes.
    pub(crate) const fn example(&mut self, example: fn(&Stage) -> ExampleRequest) -> &mut Self {
        self.example = Some(example);
        self
    }

    /// What the gate is asked before anything of the body is read.
    pub(crate) fn first_question(&self, raw: &RawParams) -> Result<Ask, super::params::NotAnId> {
        let (home, camera) = super::params::place(raw)?;
        Ok(Ask { action: self.first_action(), home, camera })
    }

    /// What has to be allowed before the body is read: its principal is who must show a credential in the request's head.
    pub(crate) const fn first_action(&self) -> Action {
        // An invitation's proof stands in the body: until it is read, only what everybody (or every account) may do is granted,
        // and the handler asks for the action itself.
        match self.action {
            Action::OpenInvitation => Action::ReadService,
            Action::AcceptInvitation => Action::ReadAccount,
            action => action,
        }
    }

    /// Bodies of browsers come from a page; agents have none.
    pub(crate) fn is_for_browsers(&self) -> bool {
        self.template.text().starts_with("/api/")
    }
}

/// All routes, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Routes(Vec<Route>);

/// What a path leads to.
pub(crate) enum Found<'t> {
    Route(&'t Route, RawParams),
    /// The path exists, with these methods.
    OtherMethods(Vec<Method>),
    Nothing,
}

impl Routes {
    /// The one way in: whoever adds a route says which action the gate must allow first.
    ///
    /// # Panics
    /// When the template lacks what the action or the handler needs. It is built at start, so every test that starts a server sees it.
    pub(crate) fn add<P, Q, B, F, Fut>(
        &mut self,
        method: Method,
        path: &'static str,
        action: Action,
        handler: F,
    ) -> &mut Route
    where
        P: Params,
        Q: Query,
        B: Input,
        F: Fn(Call<P, Q, B>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome<Answer>> + Send + 'static,
    {
        let template = Template::new(path);
        check_names(&template, action, P::NAMES, type_name::<F>());
        self.0.push(Route {
            method,
            template,
            action,
            doc: "",
            body: B::KIND,
            limit: B::LIMIT,
            body_time: None,
            body_schema: B::schema,
            query_schema: Q::schema,
            answer: AnswerShape::Nothing,
            example: None,
            handler: Box::new(move |raw| match parse(raw) {
                Ok(call) => Box::pin(handler(call)),
                Err(fault) => Box::pin(std::future::ready(Err(fault))),
            }),
        });
        self.0.last_mut().expect("one was pushed")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let mut others = Vec::new();
        for route in &self.0 {
            let Some(params) = route.template.matches(path) else { continue };
            if route.method == *method {
                return Found::Route(route, params);
            }
            others.push(route.method.clone());
        }
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }
}

fn parse<P: Params, Q: Query, B: Input>(raw: RawCall) -> Outcome<Call<P, Q, B>> {
    Ok(Call {
        params: P::parse(&raw.params).ok_or_else(Fault::not_found)?,
        query: Q::parse(raw.query.as_deref())?,
        body: B::parse(raw.body)?,
        cloud: raw.cloud,
        permit: raw.permit,
        asker: raw.asker,
        client: raw.client,
    })
}

/// A camera without its home, or a home that the gate isn't asked about, would be a hole: neither can be registered.
fn check_names(template: &Template, action: Action, wanted: &[&str], handler: &str) {
    let path = template.text();
    let has = |name: &str| template.names().any(|have| have == name);
    for name in wanted {
        assert!(has(name), "{handler} needs {{{name}}} in {path}");
    }
    let in_path = action.principal() == PrincipalKind::Person;
    let home = in_path && matches!(action.scope(), Scope::Home | Scope::Camera);
    let camera = action.scope() == Scope::Camera;
    assert_eq!(has("home"), home, "{path}: a home stands in the path exactly if {action:?} is about one");
    assert!(has("camera") == camera || !camera, "{path}: {action:?} is about a camera");
    assert!(
        !has("camera") || home || action.principal() == PrincipalKind::Agent,
        "{path}: a camera stands behind its home"
    );
}

/// A route as tests and tools see it.
#[derive(Clone)]
pub struct RouteInfo {
    /// The HTTP method.
    pub method: Method,
    /// The path's template.
    pub path: &'static str,
    /// What the gate decides about.
    pub action: Action,
    /// Who may ask.
    pub principal: PrincipalKind,
    /// What it does.
    pub doc: &'static str,
    /// What its body is.
    pub body: BodyKind,
    /// The largest body, in bytes.
    pub limit: usize,
    /// Makes a valid request, when the route has an example (a test sees to it that each has).
    pub example: Option<fn(&Stage) -> ExampleRequest>,
}

/// Every route of the server.
pub fn table() -> Vec<RouteInfo> {
    let info = |route: &Route| RouteInfo {
        method: route.method.clone(),
        path: route.template.text(),
        action: route.action,
        principal: route.action.principal(),
        doc: route.doc,
        body: route.body,
        limit: route.limit,
        example: route.example,
    };
    all().iter().map(info).collect()
}

/// Builds the table.
pub(crate) fn all() -> Routes {
    let mut routes = Routes::default();
    crate::people::add(&mut routes);
    crate::agents::add(&mut routes);
    routes
}
