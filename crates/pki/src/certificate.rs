//! Certificates as they were stored: from when to when they are valid, for which names, and who issued
//! them, judged as rustls will judge them. Pure.

use std::{collections::BTreeSet, sync::Arc};

use pem::{EncodeConfig, LineEnding, Pem};
use rustls::{
    RootCertStore,
    client::WebPkiServerVerifier,
    client::danger::ServerCertVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
    sign::CertifiedKey,
};
use time::OffsetDateTime;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

use crate::Usage;

/// Why a certificate or its key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} is not valid PEM")]
    Pem(&'static str),
    #[error("{0} holds no certificate")]
    Empty(&'static str),
    #[error("{0} is not a certificate that can be read")]
    Certificate(&'static str),
    #[error("{0} is not a private key that can be used")]
    Key(&'static str),
    #[error("tls.key is not the key of tls.crt")]
    OtherKey,
    #[error("tls.crt is not of an authority in ca.crt")]
    OtherAuthority,
    #[error("tls.crt is not of an authority")]
    NoAuthority,
}

/// One certificate. Two are equal if they are the same, byte by byte.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
    /// The DNS names that it is for.
    pub dns: BTreeSet<String>,
    pub(crate) is_authority: bool,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Certificate {
    /// All certificates of a PEM file, at least one. `file` is named in errors.
    pub fn read(pem: &[u8], file: &'static str) -> Result<Vec<Self>, Unreadable> {
        let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|_| Unreadable::Pem(file))?;
        if found.is_empty() {
            return Err(Unreadable::Empty(file));
        }
        found.into_iter().map(|der| Self::of(der).ok_or(Unreadable::Certificate(file))).collect()
    }

    fn of(der: CertificateDer<'static>) -> Option<Self> {
        let (_, parsed) = parse_x509_certificate(&der).ok()?;
        let names = parsed.subject_alternative_name().ok()?;
        let names = names.map(|extension| extension.value.general_names.as_slice());
        let dns = names.unwrap_or_default().iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        let dns = dns.collect();
        let (not_before, not_after) =
            (parsed.validity().not_before.to_datetime(), parsed.validity().not_after.to_datetime());
        let is_authority = parsed.is_ca();
        Some(Self { der, not_before, not_after, dns, is_authority })
    }

    pub fn pem(&self) -> String {
        let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
        pem::encode_config(&Pem::new("CERTIFICATE", self.der.to_vec()), config)
    }

    pub(crate) fn has_ended(&self, now: OffsetDateTime) -> bool {
        self.not_after <= now
    }

    /// Whether `root` issued it, directly or by one of `chain`, for this name and usage.
    pub(crate) fn is_of(
        &self,
        root: &Self,
        chain: &[Self],
        (name, usage): (&str, Usage),
        now: OffsetDateTime,
    ) -> bool {
        let chain: Vec<_> = chain.iter().map(|certificate| certificate.der.clone()).collect();
        let mut roots = RootCertStore::empty();
        let Ok(seconds) = u64::try_from(now.unix_timestamp()) else { return false };
        if roots.add(root.der.clone()).is_err() {
            return false;
        }
        let (roots, now) =
            (Arc::new(roots), UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)));
        let as_client = || {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider()).build();
            verifier.is_ok_and(|it| it.verify_client_cert(&self.der, &chain, now).is_ok())
        };
        let as_server = || {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider()).build();
            let name = ServerName::try_from(name);
            verifier.is_ok_and(|it| {
                name.is_ok_and(|name| {
                    it.verify_server_cert(&self.der, &chain, &name, &[], now).is_ok()
                })
            })
        };
        match usage {
            Usage::Client => as_client(),
            Usage::Server => as_server(),
            Usage::Both => as_client() && as_server(),
        }
    }

    /// Whether `key` (PEM) is its own, and one that rustls can use.
    pub(crate) fn check_key(&self, key: &[u8], file: &'static str) -> Result<(), Unreadable> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| Unreadable::Pem(file))?;
        let certified = CertifiedKey::from_der(vec![self.der.clone()], key, &provider());
        match certified {
            Ok(_) => Ok(()),
            Err(rustls::Error::InconsistentKeys(_)) => Err(Unreadable::OtherKey),
            Err(_) => Err(Unreadable::Key(file)),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
