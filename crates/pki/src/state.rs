//! What the Secrets of certificates hold: ours, somebody else's, or nothing that can be used. Pure.

use api_types::labels;
use k8s_openapi::api::core::v1::Secret;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{Certificate, Identity, Member, Unreadable};

/// Keys of the Secrets, as cert-manager names them.
pub const CERTIFICATE_KEY: &str = "tls.crt";
pub const PRIVATE_KEY: &str = "tls.key";
pub const AUTHORITY_KEY: &str = "ca.crt";

/// Annotation: since when `ca.crt` is what it is (RFC 3339).
pub const TRUST_SINCE: &str = "kubeopencode.io/trust-since";

/// Of Secrets that cert-manager writes.
const CERT_MANAGER: &str = "cert-manager.io/certificate-name";

/// Who writes a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Ours,
    CertManager,
    Somebody,
}

pub(crate) fn owner(secret: &Secret) -> Owner {
    let has = |map: &Option<std::collections::BTreeMap<String, String>>, key: &str| {
        map.as_ref().and_then(|map| map.get(key)).cloned()
    };
    if has(&secret.metadata.annotations, CERT_MANAGER).is_some() {
        return Owner::CertManager;
    }
    match has(&secret.metadata.labels, labels::MANAGED_BY) {
        Some(manager) if manager == labels::CERTIFICATES_MANAGER => Owner::Ours,
        _ => Owner::Somebody,
    }
}

/// What a bearer of a certificate shows and trusts, usable at the time it was read.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) certificate: Certificate,
    /// The one in `trust` that issued it.
    pub(crate) issuer: Certificate,
    pub(crate) trust: Vec<Certificate>,
    /// Since when `trust` is what it is, where that is known.
    pub(crate) trust_since: Option<OffsetDateTime>,
}

impl Leaf {
    /// `now` decides which of the authorities can have issued it.
    pub(crate) fn read(
        secret: &Secret,
        member: &Member<'_>,
        now: OffsetDateTime,
    ) -> Result<Self, Unreadable> {
        let chain = Certificate::read(value(secret, CERTIFICATE_KEY)?, CERTIFICATE_KEY)?;
        let [certificate, chain @ ..] = chain.as_slice() else {
            return Err(Unreadable::Empty(CERTIFICATE_KEY));
        };
        certificate.check_key(value(secret, PRIVATE_KEY)?, PRIVATE_KEY)?;
        let trust = trust(secret)?;
        // Whether it has ended is another question, and one without a certificate to compare.
        let within = now.max(certificate.not_before).min(certificate.not_after);
        let shown = (member.name, member.usage);
        let issuer = trust.iter().find(|root| certificate.is_of(root, chain, shown, within));
        let issuer = issuer.ok_or(Unreadable::OtherAuthority)?.clone();
        let certificate = certificate.clone();
        Ok(Self { certificate, issuer, trust, trust_since: trust_since(secret) })
    }
}

/// What one bearer shows to its peers and trusts, for whoever only looks.
pub struct Shown(Leaf);

impl Shown {
    /// Fails where the Secret cannot be used, whether or not its certificate has ended.
    pub fn read(
        secret: &Secret,
        member: &Member<'_>,
        now: OffsetDateTime,
    ) -> Result<Self, Unreadable> {
        Leaf::read(secret, member, now).map(Self)
    }

    pub fn until(&self) -> OffsetDateTime {
        self.0.certificate.not_after
    }

    pub fn trusts(&self, peer: &Self) -> bool {
        self.0.trust.contains(&peer.0.issuer)
    }
}

/// The authority that issues, and all that are trusted.
#[derive(Clone)]
pub(crate) struct Root {
    pub(crate) certificate: Certificate,
    pub(crate) identity: Identity,
    pub(crate) trust: Vec<Certificate>,
}

impl Root {
    pub(crate) fn read(secret: &Secret) -> Result<Self, Unreadable> {
        let pem = value(secret, CERTIFICATE_KEY)?;
        let certificate = Certificate::read(pem, CERTIFICATE_KEY)?.swap_remove(0);
        if !certificate.is_authority {
            return Err(Unreadable::NoAuthority);
        }
        let key = value(secret, PRIVATE_KEY)?;
        certificate.check_key(key, PRIVATE_KEY)?;
        let key = String::from_utf8(key.to_vec()).map_err(|_| Unreadable::Pem(PRIVATE_KEY))?;
        let identity = Identity { certificate: certificate.pem(), key };
        // Without it, what was trusted before is known by those who trust it.
        Ok(Self { certificate, identity, trust: trust(secret).unwrap_or_default() })
    }
}

/// The authorities in `ca.crt`.
pub(crate) fn trust(secret: &Secret) -> Result<Vec<Certificate>, Unreadable> {
    Certificate::read(value(secret, AUTHORITY_KEY)?, AUTHORITY_KEY)
}

fn trust_since(secret: &Secret) -> Option<OffsetDateTime> {
    let text = secret.metadata.annotations.as_ref()?.get(TRUST_SINCE)?;
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

pub(crate) fn value<'a>(secret: &'a Secret, key: &'static str) -> Result<&'a [u8], Unreadable> {
    let value = secret.data.as_ref().and_then(|data| data.get(key));
    value
        .map(|bytes| bytes.0.as_slice())
        .filter(|it| !it.is_empty())
        .ok_or(Unreadable::Missing(key))
}
