//! TLS towards a database, from the `tls` block of its resource. Verify-full unless the resource says otherwise.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use postern_access::{self as access, Database, TlsMode};
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::{engine::lock, error::Error};

/// How to speak TLS to one database.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// How long settings are used before they are made anew: certificates that the system trusts come and go.
const LIFETIME: Duration = Duration::from_secs(300);

/// Settings in use, so that sessions share them: making them reads all certificates of the system, and each holds some
/// ten kilobytes.
#[derive(Debug, Default)]
pub(crate) struct TlsCache {
    made: Mutex<Vec<(access::Tls, Instant, Arc<ClientConfig>)>>,
}

impl TlsCache {
    /// What the `tls` block of a database says.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] when the CA or the name in it is unusable.
    pub(crate) fn of(&self, database: &Database) -> Result<Tls, Error> {
        let host = database.tls.server_name.as_deref().unwrap_or(&database.host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::InvalidValue {
            field: format!("db '{}', spec.tls.server_name", database.name),
            problem: format!("{host:?} is neither a host name nor an address"),
        })?;
        Ok(Tls { config: self.config(database, Instant::now())?, name })
    }

    fn config(&self, database: &Database, now: Instant) -> Result<Arc<ClientConfig>, Error> {
        let made = &mut *lock(&self.made);
        made.retain(|(_, at, _)| now.saturating_duration_since(*at) < LIFETIME);
        if let Some((_, _, config)) = made.iter().find(|(settings, ..)| *settings == database.tls) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(config(database)?);
        made.push((database.tls.clone(), now, Arc::clone(&config)));
        Ok(config)
    }
}

fn config(database: &Database) -> Result<ClientConfig, Error> {
    let wrong = |field: &str, problem: String| Error::InvalidValue {
        field: format!("db '{}', spec.tls.{field}", database.name),
        problem,
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let unusable = |error: &dyn std::fmt::Display| wrong("ca_cert", error.to_string());

    let certificates = match &database.tls.ca_cert {
        Some(pem) => certificates(pem).map_err(|problem| wrong("ca_cert", problem))?,
        None => Vec::new(),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match database.tls.mode {
        TlsMode::Insecure => Arc::new(AcceptAnything { provider: Arc::clone(&provider) }),
        mode => {
            let chain: Arc<dyn ServerCertVerifier> = if certificates.is_empty() {
                Arc::new(Verifier::new(Arc::clone(&provider)).map_err(|error| unusable(&error))?)
            } else if database.tls.trust_system_cert_pool {
                let verifier = Verifier::new_with_extra_roots(certificates, Arc::clone(&provider));
                Arc::new(verifier.map_err(|error| unusable(&error))?)
            } else {
                let mut roots = RootCertStore::empty();
                for certificate in certificates {
                    roots.add(certificate).map_err(|error| unusable(&error))?;
                }
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .build()
                    .map_err(|error| unusable(&error))?
            };
            if mode == TlsMode::VerifyCa { Arc::new(AnyName(chain)) } else { chain }
        }
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Internal { detail: format!("TLS cannot be set up: {error}") })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // PostgreSQL gives no tickets, and each new session is to be verified.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("not PEM: {error}"))?;
    if certificates.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(certificates) }
}

/// `verify-ca`: the chain counts, the name does not (tunnels and aliases).
#[derive(Debug)]
struct AnyName(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        // The name is the last thing that webpki looks at: any other fault has been reported by then.
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// `insecure`: only ever by explicit choice in the resource, and shown in red.
#[derive(Debug)]
struct AcceptAnything {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use postern_access::{Document, parse_documents};

    use super::*;

    fn database(tls: &str) -> Database {
        let yaml = format!(
            "kind: db\nversion: v3\nmetadata: {{name: sales}}\nspec:\n  protocol: postgres\n  uri: db.example.com:5432\n  tls: {tls}\n"
        );
        let mut documents = parse_documents("t.yaml", &yaml).unwrap();
        let Some(Document::Database(database)) = documents.pop() else { panic!("no database") };
        database
    }

    #[test]
    fn sessions_share_settings_until_the_resource_changes_or_time_passes() {
        let (cache, now) = (TlsCache::default(), Instant::now());
        let config = |database: &Database, at| cache.config(database, at).unwrap();
        let insecure = database("{mode: insecure}");
        let first = config(&insecure, now);
        assert!(Arc::ptr_eq(&first, &config(&database("{mode: insecure}"), now + LIFETIME / 2)));
        assert!(!Arc::ptr_eq(&first, &config(&database("{mode: insecure, server_name: other}"), now)));
        assert!(!Arc::ptr_eq(&first, &config(&insecure, now + LIFETIME)));
    }

    #[test]
    fn a_name_that_is_none_is_said_with_its_field() {
        let error = TlsCache::default().of(&database("{server_name: 'not a name'}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "db 'sales', spec.tls.server_name: \"not a name\" is neither a host name nor an address"
        );
    }
}
