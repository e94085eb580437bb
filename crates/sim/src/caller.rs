//! Whoever sends requests: a credential, or none, and every header and byte of the answer.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use keepsight_cloud::example::{ExampleBody, ExampleRequest};
use keepsight_person::{Answer, Api};
use keepsight_wire::ErrorBody;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a caller shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A cookie, as browsers do.
    Cookie(String),
    /// A bearer token, as agents do.
    Bearer(String),
}

/// Somebody with a credential, at a server.
#[derive(Debug, Clone)]
pub struct Caller {
    api: Api,
    shown: Shown,
}

/// All that a client can tell answers apart by, but the date and the request's own number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers, by name.
    pub headers: Vec<(String, String)>,
    /// The body, with the request's number blanked.
    pub body: String,
}

impl Caller {
    /// A caller at the server of `api`.
    pub fn new(api: &Api, shown: Shown) -> Self {
        Self { api: api.fresh(), shown }
    }

    /// What it shows.
    pub const fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// When the server can't be reached.
    pub async fn send(&self, method: &Method, path: &str, body: &ExampleBody) -> Answer {
        let mut headers = HeaderMap::new();
        let value = |text: String| HeaderValue::from_str(&text).expect("a token makes a header value");
        match &self.shown {
            Shown::Nothing => {}
            Shown::Cookie(token) => {
                drop(headers.insert(header::COOKIE, value(format!("ks_session={token}"))))
            }
            Shown::Bearer(token) => {
                drop(headers.insert(header::AUTHORIZATION, value(format!("Bearer {token}"))))
            }
        }
        let body = match body {
            ExampleBody::Nothing => None,
            ExampleBody::Json(json) => Some(json.to_string().into()),
            ExampleBody::Bytes(bytes) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                Some(bytes.clone().into())
            }
        };
        // A browser of its own each time: what an answer sets isn't sent with the next request.
        let answer = self.api.fresh().request(method.clone(), path, headers, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends a route's example.
    pub async fn play(&self, method: &Method, example: &ExampleRequest) -> Answer {
        self.send(method, &example.path, &example.body).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(&Method::GET, path, &ExampleBody::Nothing).await
    }

    /// A request with a JSON body.
    pub async fn json(&self, method: Method, path: &str, body: &impl Serialize) -> Answer {
        self.send(&method, path, &json(body)).await
    }

    /// What a success answers.
    ///
    /// # Panics
    /// When it is none, or no such document.
    pub async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: &ExampleBody) -> T {
        let answer = self.send(&method, path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, text(&answer));
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// A request with a JSON body that must succeed, whatever it answers.
    ///
    /// # Panics
    /// When it does not succeed.
    pub async fn tell(&self, method: Method, path: &str, body: &impl Serialize) {
        let answer = self.json(method.clone(), path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, text(&answer));
    }
}

/// A JSON body.
pub fn json(body: &impl Serialize) -> ExampleBody {
    ExampleBody::Json(serde_json::to_value(body).expect("bodies of the API are plain JSON"))
}

/// An answer's body, for reading.
pub fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Status and stable code of a refusal.
///
/// # Panics
/// When it is none.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let body: ErrorBody = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| panic!("no refusal: {} {}", answer.status, text(answer)));
    (answer.status.as_u16(), body.error.code)
}

/// What a client can tell the answer apart by.
pub fn traits(answer: &Answer) -> Traits {
    let id = answer.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    let mut body = text(answer);
    if !id.is_empty() {
        body = body.replace(id, "-");
    }
    Traits { status: answer.status, headers, body }
}
