//! Who sent a request, as far as the connection and (from a trusted proxy only) its headers tell.
//!
//! Nothing here says who may do what: a home, an agent or an account is never read from a header.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::ConnectInfo;
use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;

use super::fault::{Code, Fault, Outcome};

/// A network whose servers may say for whom they speak: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a network: expected an address, or an address and a prefix length as in 10.0.0.0/8")]
pub struct ParseNetworkError;

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| ParseNetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= most).ok_or(ParseNetworkError)?,
            None => most,
        };
        Ok(Self { address, prefix })
    }
}

impl Network {
    /// True when the address is of this network. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                same_prefix(u128::from(net.to_bits()) << 96, u128::from(address.to_bits()) << 96, self.prefix)
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                same_prefix(net.to_bits(), address.to_bits(), self.prefix)
            }
            _ => false,
        }
    }
}

fn same_prefix(one: u128, other: u128, prefix: u8) -> bool {
    prefix == 0 || (one ^ other) >> (128 - u32::from(prefix)) == 0
}

/// The sender of one request.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Whom limits count.
    pub(crate) address: IpAddr,
    /// The person's connection is encrypted: cookies may say `Secure`.
    pub(crate) secure: bool,
    /// The host that the person's browser believes to speak to.
    pub(crate) host: String,
    /// What the browser calls itself, in a few words.
    pub(crate) device: String,
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

impl Client {
    /// `serves_tls`: the connection itself is TLS, ended here.
    pub(crate) fn of(parts: &Parts, serves_tls: bool, trusted: &[Network]) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let host =
            text(&parts.headers, &header::HOST).or(parts.uri.authority().map(|authority| authority.as_str()));
        let mut client = Self {
            address: peer,
            secure: serves_tls,
            host: host.unwrap_or_default().to_ascii_lowercase(),
            device: device(text(&parts.headers, &header::USER_AGENT).unwrap_or_default()),
        };
        if trusted.iter().any(|network| network.contains(peer)) {
            client.believe(&parts.headers, trusted);
        }
        client
    }

    /// Takes a trusted proxy's word.
    fn believe(&mut self, headers: &HeaderMap, trusted: &[Network]) {
        // Each proxy appends whom it heard; from the right, the first that is no proxy of ours is the client. What stands left of
        // something that is no address was written by nobody knows whom.
        let forwarded = headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default());
        let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).collect();
        let outside = |hop: &IpAddr| !trusted.iter().any(|network| network.contains(*hop));
        if let Some(hop) = hops.into_iter().rev().map_while(hop).find(outside) {
            self.address = hop;
        }
        if let Some(proto) = text(headers, &FORWARDED_PROTO) {
            self.secure = proto.eq_ignore_ascii_case("https");
        }
        if let Some(host) = text(headers, &FORWARDED_HOST) {
            self.host = host.to_ascii_lowercase();
        }
    }

    /// A browser says where a page that sends a request comes from: only our own pages may change anything.
    pub(crate) fn same_origin(&self, headers: &HeaderMap, public_url: Option<&str>) -> Outcome<()> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let own = format!("{}://{}", if self.secure { "https" } else { "http" }, self.host);
        if origin == own
            || public_url.is_some_and(|url| origin == url.trim_end_matches('/').to_ascii_lowercase())
        {
            return Ok(());
        }
        Err(Fault::new(Code::BadOrigin, "This request comes from a page of another site.")
            .logged(format!("{origin} is not {own}")))
    }
}

/// The address in a hop, which some proxies write with its port: `198.51.100.7:4711`, `[2001:db8::7]:4711`.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A browser's name and system from its User-Agent, in words that a person knows; the whole text is never kept.
fn device(user_agent: &str) -> String {
    // Most browsers name the ones that they resemble too: the telling names come first.
    const BROWSERS: [(&str, &str); 7] = [
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => {
            let word = user_agent.split(['/', ' ']).next().unwrap_or_default();
            let word: String = word.chars().filter(char::is_ascii_graphic).take(40).collect();
            if word.is_empty() { "a device".to_owned() } else { word }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(peer: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/api/v1/account");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        parts
    }

    fn trusted() -> Vec<Network> {
        vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let headers =
            [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https"), ("host", "cloud.example")];
        let stranger = Client::of(&parts("192.0.2.1", &headers), false, &trusted());
        assert_eq!(stranger.address.to_string(), "192.0.2.1");
        assert!(!stranger.secure);
        let proxied = Client::of(&parts("10.1.2.3", &headers), false, &trusted());
        assert_eq!(proxied.address.to_string(), "198.51.100.7");
        assert!(proxied.secure);
    }

    #[test]
    fn a_client_cannot_choose_its_address_by_writing_the_header_first() {
        let headers = [("x-forwarded-for", "127.0.0.1, 198.51.100.7, 10.9.9.9")];
        let client = Client::of(&parts("10.1.2.3", &headers), false, &trusted());
        assert_eq!(client.address.to_string(), "198.51.100.7");
    }

    #[test]
    fn a_hop_may_carry_its_port_and_what_stands_left_of_a_hop_without_an_address_is_nobodys_word() {
        let of = |forwarded: &str| {
            let headers = [("x-forwarded-for", forwarded)];
            Client::of(&parts("10.1.2.3", &headers), false, &trusted()).address.to_string()
        };
        assert_eq!(of("203.0.113.9, 198.51.100.7:4711"), "198.51.100.7");
        assert_eq!(of("203.0.113.9, [2001:db8::7]:4711, 10.9.9.9:80"), "2001:db8::7");
        assert_eq!(of("203.0.113.9, [2001:db8::7]"), "2001:db8::7");
        for no_address in ["unknown", "_hidden", "", "198.51.100.7:x", "elm.example"] {
            assert_eq!(of(&format!("203.0.113.9, {no_address}")), "10.1.2.3", "{no_address}");
            assert_eq!(of(&format!("203.0.113.9, {no_address}, 10.9.9.9")), "10.1.2.3", "{no_address}");
        }
    }

    #[test]
    fn networks_hold_their_own_addresses_only() {
        let net: Network = "10.0.0.0/8".parse().unwrap();
        assert!(net.contains("10.255.0.1".parse().unwrap()));
        assert!(net.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!net.contains("11.0.0.1".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("1.2.3.4".parse().unwrap()));
        assert!("fd00::/8".parse::<Network>().unwrap().contains("fdaa::1".parse().unwrap()));
        for bad in ["10.0.0.0/33", "10.0.0", "x", "10.0.0.0/", "::/129"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_of_another_host_or_scheme_changes_nothing() {
        let own = [("host", "localhost:8420"), ("origin", "http://localhost:8420")];
        let check = |headers: &[(&str, &str)], public: Option<&str>| {
            let parts = parts("192.0.2.1", headers);
            Client::of(&parts, false, &[]).same_origin(&parts.headers, public).is_ok()
        };
        assert!(check(&own, None));
        assert!(check(&[("host", "localhost:8420")], None));
        for origin in ["http://127.0.0.1:8420", "https://localhost:8420", "http://localhost:8421", "null", ""]
        {
            assert!(!check(&[("host", "localhost:8420"), ("origin", origin)], None), "{origin}");
        }
        assert!(check(
            &[("host", "inner:80"), ("origin", "https://cloud.example")],
            Some("https://cloud.example/")
        ));
    }

    #[test]
    fn a_device_is_named_in_words() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0 Safari/537.36 Edg/128.0";
        assert_eq!(device(edge), "Edge on Windows");
        assert_eq!(
            device("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
            "Firefox on Linux"
        );
        assert_eq!(device("curl/8.5.0"), "curl");
        assert_eq!(device(""), "a device");
        assert!(device(&"x".repeat(9999)).len() <= 40);
    }
}
