//! The sandbox's certificate authority, and the certificates of its workgroups.
//!
//! Amazon's are public; these are known only to who reads `ca.pem`, so that a client proves that it checks.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// Signs certificates for as long as the sandbox lives; its key never reaches a file.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new authority with a new key.
    pub(crate) fn new() -> Result<Self> {
        let key = KeyPair::generate().context("cannot make a key for the sandbox's CA")?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named("Postern sandbox CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).context("cannot sign the sandbox's CA")?;
        Ok(Self { pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    /// The certificate a client has to trust.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// What a TLS server needs to be believed to be `host`.
    pub(crate) fn server_config(&self, host: &str) -> Result<Arc<ServerConfig>> {
        let key = KeyPair::generate().context("cannot make a key for a workgroup")?;
        let mut params = CertificateParams::new([host.to_owned()]).context("not a host name")?;
        params.distinguished_name = named(host);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).context("cannot sign a workgroup's certificate")?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).ok().context("the key just made is not readable")?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("the provider lacks TLS 1.2 and 1.3")?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .context("the certificate just made does not fit its key")?;
        Ok(Arc::new(config))
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // A common name holds 64 characters at most, and real host names can be longer: clients read the SAN.
    name.push(DnType::CommonName, common_name.chars().take(64).collect::<String>());
    name
}
