//! The configuration file: one documented struct, whose commented default ships in the binary.
//!
//! Unknown keys are refused, so that a misspelt line is never a silent default.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::cli::ServeOptions;

/// The commented default file.
pub const DEFAULT: &str = include_str!("../../../keepsight.toml");

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub limits: Limits,
    pub agent: Option<Agent>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    pub tls: Tls,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub trusted_proxies: Vec<IpAddr>,
    pub sign_up: SignUp,
    pub disk_reserve: u64,
    pub connections: usize,
    pub ledger_days: u32,
    /// No key of the file: only `keepsight demo` is one.
    #[serde(skip)]
    pub demo: bool,
}

/// How the listening address speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    SelfSigned,
    Files,
    Off,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignUp {
    Closed,
    Invitation,
    Open,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub home_bytes: u64,
    pub home_cameras: u32,
    pub home_members: u32,
    pub home_events_per_day: u32,
}

/// `[agent]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    pub data: PathBuf,
    pub spool_bytes: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            data: "keepsight-data".into(),
            listen: SocketAddr::from(([0, 0, 0, 0], 8420)),
            public_url: None,
            tls: Tls::SelfSigned,
            certificate: None,
            key: None,
            trusted_proxies: Vec::new(),
            sign_up: SignUp::Invitation,
            disk_reserve: 0,
            connections: 4096,
            ledger_days: 365,
            demo: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { home_bytes: 100 << 30, home_cameras: 16, home_members: 32, home_events_per_day: 5000 }
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self { data: "keepsight-agent".into(), spool_bytes: 10 << 30 }
    }
}

impl Config {
    /// Reads the named file, or `./keepsight.toml` if there is one, or takes the defaults.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let usual = Path::new("keepsight.toml");
        let Some(path) = file.or_else(|| usual.exists().then_some(usual)) else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        Self::parse(&text).with_context(|| {
            format!("the configuration {} is not valid; `keepsight config` prints every key", path.display())
        })
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        let server = &config.server;
        let has_files = server.certificate.is_some() && server.key.is_some();
        if server.tls == Tls::Files && !has_files {
            bail!("tls = \"files\" needs both `certificate` and `key`");
        }
        if server.tls != Tls::Files && (server.certificate.is_some() || server.key.is_some()) {
            bail!("`certificate` and `key` are only used with tls = \"files\"");
        }
        Ok(config)
    }

    /// The file with the command line's words above it.
    pub fn of_serve(options: &ServeOptions) -> anyhow::Result<Self> {
        let mut config = Self::load(options.config.as_deref())?;
        let server = &mut config.server;
        if let Some(data) = &options.data {
            server.data.clone_from(data);
        }
        if let Some(listen) = options.listen {
            server.listen = listen;
        }
        if let Some(url) = &options.public_url {
            server.public_url = Some(url.clone());
        }
        if options.no_tls {
            server.tls = Tls::Off;
        }
        Ok(config)
    }

    /// The address for links: as configured, or this machine's own.
    pub fn public_url(&self) -> String {
        let scheme = if self.server.tls == Tls::Off { "http" } else { "https" };
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{scheme}://localhost:{}", self.server.listen.port()),
        }
    }
}

/// `keepsight config`
pub fn print_default() -> anyhow::Result<()> {
    use std::io::Write;
    std::io::stdout().write_all(DEFAULT.as_bytes()).context("cannot print")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file as if somebody had removed every `#` before a key or section.
    fn uncommented() -> String {
        let is_setting = |line: &&str| line.starts_with("#[") || line.contains(" = ");
        let lines = DEFAULT.lines().filter(|line| !line.starts_with("# "));
        lines
            .filter(|line| is_setting(line) || line.starts_with('['))
            .map(|l| format!("{}\n", l.trim_start_matches('#')))
            .collect()
    }

    #[test]
    fn the_shipped_file_states_the_defaults() {
        let text = uncommented();
        let text =
            text.replace("certificate = \"fullchain.pem\"\n", "").replace("key = \"privkey.pem\"\n", "");
        let mut shipped = Config::parse(&text).unwrap();
        assert_eq!(shipped.public_url(), Config::default().public_url());
        shipped.server.public_url = None;
        assert_eq!(shipped, Config { agent: Some(Agent::default()), ..Config::default() });
        assert_eq!(Config::parse(DEFAULT).unwrap(), Config::default());
    }

    #[test]
    fn a_misspelt_key_is_refused_by_name() {
        let error = format!("{:#}", Config::parse("[server]\nlisen = \"1.2.3.4:5\"").unwrap_err());
        assert!(error.contains("lisen"), "{error}");
    }

    #[test]
    fn certificate_files_and_the_tls_setting_must_agree() {
        assert!(Config::parse("[server]\ntls = \"files\"").is_err());
        assert!(Config::parse("[server]\nkey = \"a.pem\"").is_err());
        assert!(Config::parse("[server]\ntls = \"files\"\nkey = \"a\"\ncertificate = \"b\"").is_ok());
    }
}
