//! `/api/v1` over a transport, with a cookie jar and nothing else: no keys, no opinions.
//!
//! This is also the whole of what a signed-out browser, or nobody, can do; probes use it as it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use keepsight_wire::ErrorBody;
use keepsight_wire::people::Service;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::transport::{Body, HyperTransport, Transport, address};
use crate::{PersonError, Trust};

const PREFIX: &str = "/api/v1";
/// An answer that takes longer is given up. Only [`Api::stream`] may last.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server's API, as one browser sees it. Clones share their cookies; [`Api::fresh`] is another browser.
#[derive(Clone)]
pub struct Api {
    base: Arc<str>,
    transport: Arc<dyn Transport>,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    device: Arc<str>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Api({})", self.base)
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`PersonError::Unreadable`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, PersonError> {
        serde_json::from_slice(&self.body).map_err(|why| unreadable("a request", why))
    }
}

impl Api {
    /// The API of the server at `base` (`http://host:port` or `https://host:port`), over TCP.
    ///
    /// # Errors
    /// [`PersonError::BadAddress`].
    pub fn new(base: &str, trust: Trust) -> Result<Self, PersonError> {
        Self::over(base, Arc::new(HyperTransport::tcp(trust)))
    }

    /// The API of the server at `base`, over another transport.
    ///
    /// # Errors
    /// [`PersonError::BadAddress`].
    pub fn over(base: &str, transport: Arc<dyn Transport>) -> Result<Self, PersonError> {
        let url = url::Url::parse(base).map_err(|why| PersonError::BadAddress(format!("{base}: {why}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(PersonError::BadAddress(format!("{base}: http or https")));
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self {
            base: origin.into(),
            transport,
            cookies: Arc::default(),
            device: "keepsight-person".into(),
        })
    }

    /// Another browser at the same server: no cookies.
    pub fn fresh(&self) -> Self {
        Self { cookies: Arc::default(), ..self.clone() }
    }

    /// The same browser under another name, as the list of sign-ins shows it.
    pub fn named(self, device: &str) -> Self {
        Self { device: device.into(), ..self }
    }

    /// The server's origin: scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.base
    }

    /// A cookie's value, if the server set it.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).cloned()
    }

    /// Sets a cookie, such as another person's in a probe.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar().insert(name.to_owned(), value.to_owned());
    }

    /// Forgets all cookies, as a signed-out browser.
    pub fn forget_cookies(&self) {
        self.jar().clear();
    }

    /// Sends any request and gives back the answer as it is, whatever its status. `path` begins with `/` and is the whole path.
    ///
    /// # Errors
    /// [`PersonError::Unreachable`], [`PersonError::BadAddress`].
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, PersonError> {
        let whole = async {
            let answer = self.send(method, path, headers, body).await?;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.map_err(|why| PersonError::Unreachable(why.to_string()))?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        let late = || PersonError::Unreachable(format!("no answer within {} seconds", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, whole).await.map_err(|_| late())?
    }

    /// Opens an answer that lasts. The path is below `/api/v1`.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn stream(&self, path: &str) -> Result<Response<Body>, PersonError> {
        let path = format!("{PREFIX}{path}");
        let answer = self.send(Method::GET, &path, HeaderMap::new(), None).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|why| PersonError::Unreachable(why.to_string()))?;
        Err(refusal(&path, parts.status, &body.to_bytes()))
    }

    /// `GET`; the path is below `/api/v1`.
    ///
    /// # Errors
    /// [`PersonError::Refused`], [`PersonError::Unreadable`] and the connection's.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, PersonError> {
        self.ask(Method::GET, path, None).await
    }

    /// `POST` with a JSON body; the path is below `/api/v1`.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, PersonError> {
        self.ask(Method::POST, path, Some(encoded(body))).await
    }

    /// Any method whose success has no body to read; the path is below `/api/v1`.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn tell(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<(), PersonError> {
        self.success(method, path, body).await.map(|_| ())
    }

    /// `PUT` with a JSON body whose success has none; the path is below `/api/v1`.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn put(&self, path: &str, body: &impl Serialize) -> Result<(), PersonError> {
        self.tell(Method::PUT, path, Some(encoded(body))).await
    }

    /// `PUT` with a JSON body whose success has one too; the path is below `/api/v1`.
    pub(crate) async fn put_for<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, PersonError> {
        self.ask(Method::PUT, path, Some(encoded(body))).await
    }

    /// `GET` of bytes; the path is below `/api/v1`.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn bytes(&self, path: &str) -> Result<Bytes, PersonError> {
        Ok(self.success(Method::GET, path, None).await?.body)
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn service(&self) -> Result<Service, PersonError> {
        self.get("/service").await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<T, PersonError> {
        let answer = self.success(method, path, body).await?;
        serde_json::from_slice(&answer.body).map_err(|why| unreadable(path, why))
    }

    async fn success(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer, PersonError> {
        let whole = format!("{PREFIX}{path}");
        let answer = self.request(method, &whole, HeaderMap::new(), body).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(refusal(path, answer.status, &answer.body)) }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Response<Body>, PersonError> {
        let has_body = body.is_some();
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = address(&self.base, path)?;
        self.set_headers(request.headers_mut(), has_body);
        for (name, value) in &headers {
            request.headers_mut().insert(name, value.clone());
        }
        let answer = self.transport.send(request).await?;
        self.keep_cookies(answer.headers());
        Ok(answer)
    }

    fn set_headers(&self, headers: &mut HeaderMap, has_body: bool) {
        if let Ok(device) = HeaderValue::from_str(&self.device) {
            headers.insert(header::USER_AGENT, device);
        }
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let pairs: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let (false, Ok(cookies)) = (pairs.is_empty(), HeaderValue::from_str(&pairs.join("; "))) {
            headers.insert(header::COOKIE, cookies);
        }
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let mut parts = cookie.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let ended = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
            if ended || value.is_empty() {
                self.jar().remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
    }

    fn jar(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().expect("nothing panics while it holds the cookies")
    }
}

fn encoded(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("the API's bodies are plain JSON").into()
}

fn unreadable(path: &str, why: serde_json::Error) -> PersonError {
    PersonError::Unreadable { path: path.to_owned(), why: why.to_string() }
}

fn refusal(path: &str, status: StatusCode, body: &[u8]) -> PersonError {
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(ErrorBody { error }) => {
            PersonError::Refused { status, code: error.code, message: error.message, request: error.request }
        }
        Err(why) => PersonError::Unreadable { path: path.to_owned(), why: format!("status {status}, {why}") },
    }
}
