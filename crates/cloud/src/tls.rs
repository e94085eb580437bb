//! The server's certificate: from files, or made here at first start.
//!
//! One crypto provider, named explicitly: a process that has two picks none and panics.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use keepsight_ids::B32;
use keepsight_world::World;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsSource;
use crate::error::CloudError;

/// A certificate ready to serve.
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate (DER), which agents and browsers compare at pairing.
    pub(crate) fingerprint: B32,
}

/// Years for which a certificate made here is good: agents know it by its hash, so changing it needs people.
const YEARS: i32 = 10;

pub(crate) fn prepare(source: &TlsSource, data: &Path, world: &World) -> Result<Option<Tls>, CloudError> {
    match source {
        TlsSource::Plain => Ok(None),
        TlsSource::Files { certificate, key } => load(certificate, key).map(Some),
        TlsSource::SelfSigned { names } => {
            let (certificate, key) = (data.join("certificate.pem"), data.join("certificate.key"));
            if !certificate.exists() || !key.exists() {
                make(names, &certificate, &key, world)?;
            }
            load(&certificate, &key).map(Some)
        }
    }
}

fn load(certificate: &Path, key: &Path) -> Result<Tls, CloudError> {
    let read =
        |path: &Path| fs::read(path).map_err(|source| CloudError::File { path: path.to_owned(), source });
    let bad = |path: &Path, why: &dyn std::fmt::Display| CloudError::Certificate {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|error| bad(certificate, &error))?;
    let first = chain.first().ok_or_else(|| bad(certificate, &"no certificate in it"))?;
    let fingerprint = keepsight_seal::sha256(first);
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| bad(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| bad(certificate, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(config), fingerprint })
}

fn make(names: &[String], certificate: &Path, key: &Path, world: &World) -> Result<(), CloudError> {
    let bad = |error: rcgen::Error| CloudError::Certificate {
        path: certificate.to_owned(),
        why: error.to_string(),
    };
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(bad)?;
    let mut params = rcgen::CertificateParams::new(names).map_err(bad)?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "Keepsight");
    let today = jiff::Timestamp::from_millisecond(world.unix_millis())
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::UTC);
    let (year, month) = (i32::from(today.year()), u8::try_from(today.month()).unwrap_or(1));
    params.not_before = rcgen::date_time_ymd(year, month, 1);
    params.not_after = rcgen::date_time_ymd(year + YEARS, month, 1);
    let made = params.self_signed(&pair).map_err(bad)?;
    write_private(key, pair.serialize_pem().as_bytes())?;
    write_private(certificate, made.pem().as_bytes())
}

/// Writes a file that only this user can read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), CloudError> {
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let draft = path.with_extension("new");
        let mut file =
            fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|source| CloudError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_made_here_stays_the_same_and_its_key_private() {
        let folder = tempfile::tempdir().unwrap();
        let source = TlsSource::SelfSigned { names: vec!["localhost".into(), "127.0.0.1".into()] };
        let world = World::real();
        let first = prepare(&source, folder.path(), &world).unwrap().unwrap();
        let second = prepare(&source, folder.path(), &world).unwrap().unwrap();
        assert_eq!(first.fingerprint, second.fingerprint);
        let mode = fs::metadata(folder.path().join("certificate.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_no_certificate_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.pem");
        fs::write(&path, "hello").unwrap();
        let source = TlsSource::Files { certificate: path.clone(), key: path };
        let error = prepare(&source, folder.path(), &World::real()).err().unwrap();
        assert!(error.to_string().contains("c.pem"), "{error}");
    }
}
