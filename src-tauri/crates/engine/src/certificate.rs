//! The certificate that local proxies offer TLS with, for clients that insist on it: made at first use, for this installation alone.
//!
//! An authority of its own signs it and is then forgotten: its key is never written, so that whoever trusts the authority trusts this one
//! certificate and nothing else ever. Certificate and key are one file for the owner only; beside it lies the authority's certificate for
//! clients to verify with (`sslrootcert`).

use std::{path::PathBuf, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    clock,
    error::Error,
    home::{Home, write_private, write_private_new},
};

/// What a client may call a proxy on this machine.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How long it lasts. Nobody renews a file that a driver's settings name, and there is no authority's key that could leak meanwhile.
const LIFETIME: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// A new one is made this long before the end.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A clock that is slow by so much still finds it valid.
const BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);

/// What to speak TLS with, and how clients verify it.
#[derive(Clone, Debug)]
pub(crate) struct LocalTls {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) ca_file: PathBuf,
}

/// The file with the key.
#[derive(Deserialize, Serialize)]
struct Kept {
    ca: String,
    certificate: String,
    key: String,
    /// Seconds since 1970.
    expires: u64,
}

/// Loads the certificate of this installation, made now if there is none yet or it is about to expire.
///
/// # Errors
/// [`Error::Storage`] when it cannot be kept.
pub(crate) fn local_tls(home: &Home) -> Result<LocalTls, Error> {
    let kept = load(home)?;
    let ca_file = ca_file(home);
    if std::fs::read(&ca_file).ok().as_deref() != Some(kept.ca.as_bytes()) {
        write_private(&ca_file, kept.ca.as_bytes())?;
    }
    Ok(LocalTls { config: Arc::new(config(&kept)?), ca_file })
}

fn kept_file(home: &Home) -> PathBuf {
    home.state().join("local-certificate.json")
}

fn ca_file(home: &Home) -> PathBuf {
    home.state().join("local-ca.pem")
}

/// What is kept, or what is made now and kept from here on.
fn load(home: &Home) -> Result<Kept, Error> {
    let path = kept_file(home);
    let now = clock::millis(clock::now()) / 1000;
    let valid = |kept: &Kept| now + RENEWAL.as_secs() < kept.expires;
    let before = read(home)?;
    let expired = before.is_some();
    if let Some(kept) = before.filter(valid) {
        return Ok(kept);
    }
    let made = make(OffsetDateTime::from(clock::now()))
        .map_err(|error| Error::Internal { detail: format!("a certificate could not be made: {error}") })?;
    let content =
        serde_json::to_vec(&made).map_err(|error| Error::Storage { path: path.clone(), source: error.into() })?;
    if expired {
        write_private(&path, &content)?;
    } else if !write_private_new(&path, &content)? {
        // Another process was faster: two certificates would leave one of them unverifiable.
        return read(home)?.ok_or_else(|| Error::Storage { path, source: std::io::ErrorKind::NotFound.into() });
    }
    Ok(made)
}

fn read(home: &Home) -> Result<Option<Kept>, Error> {
    let path = kept_file(home);
    match std::fs::read(&path) {
        Ok(content) => {
            serde_json::from_slice(&content).map(Some).map_err(|error| Error::Storage { path, source: error.into() })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Storage { path, source }),
    }
}

/// A certificate and the authority that signs it once.
fn make(now: OffsetDateTime) -> Result<Kept, rcgen::Error> {
    let (from, until) = (now - BACKDATED, now + LIFETIME);
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "Postern on this machine");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (ca.not_before, ca.not_after) = (from, until);
    let ca_certificate = ca.self_signed(&ca_key)?;

    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(NAMES.map(str::to_owned))?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    (leaf.not_before, leaf.not_after) = (from, until);
    let certificate = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;
    Ok(Kept {
        ca: ca_certificate.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        expires: u64::try_from(until.unix_timestamp()).unwrap_or_default(),
    })
}

fn config(kept: &Kept) -> Result<ServerConfig, Error> {
    let unusable = |error: String| Error::Internal { detail: format!("the local certificate is unusable: {error}") };
    let certificate =
        CertificateDer::from_pem_slice(kept.certificate.as_bytes()).map_err(|error| unusable(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(kept.key.as_bytes()).map_err(|error| unusable(error.to_string()))?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(|error| unusable(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path());
        home.create().unwrap();
        (root, home)
    }

    #[test]
    fn it_is_made_once_and_its_key_is_for_the_owner_only() {
        let (_root, home) = home();
        let first = local_tls(&home).unwrap();
        let ca = std::fs::read_to_string(&first.ca_file).unwrap();
        assert!(ca.starts_with("-----BEGIN CERTIFICATE-----") && !ca.contains("KEY"), "{ca}");
        // The file that clients read comes back when somebody takes it away.
        std::fs::remove_file(&first.ca_file).unwrap();
        local_tls(&home).unwrap();
        assert_eq!(std::fs::read_to_string(&first.ca_file).unwrap(), ca);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = kept_file(&home).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn one_that_is_about_to_expire_is_replaced() {
        let (_root, home) = home();
        let old = make(OffsetDateTime::from(clock::now()) - LIFETIME + RENEWAL / 2).unwrap();
        write_private(&kept_file(&home), &serde_json::to_vec(&old).unwrap()).unwrap();
        let tls = local_tls(&home).unwrap();
        assert_ne!(std::fs::read_to_string(tls.ca_file).unwrap(), old.ca);
    }

    #[test]
    fn of_two_that_are_made_at_once_the_first_stays() {
        let (_root, home) = home();
        let files: Vec<_> = std::thread::scope(|scope| {
            let making: Vec<_> = (0..4).map(|_| scope.spawn(|| load(&home).unwrap().ca)).collect();
            making.into_iter().map(|made| made.join().unwrap()).collect()
        });
        assert!(files.iter().all(|ca| *ca == files[0]));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_a_new_certificate() {
        let (_root, home) = home();
        std::fs::write(kept_file(&home), "{").unwrap();
        assert!(matches!(local_tls(&home), Err(Error::Storage { .. })));
    }
}
