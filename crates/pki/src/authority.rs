//! Certificate authorities, and certificates signed by them. Their keys are random; the time is a parameter.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, Error, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

/// Certificates are valid from a little earlier than they are made: clocks differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::minutes(5);

/// A certificate and its private key (PKCS #8), both PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// Who a certificate is for, and where its bearer answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    pub name: &'a str,
    pub organization: Option<&'a str>,
    pub dns: &'a [&'a str],
    pub addresses: &'a [IpAddr],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    Client,
    Server,
    Both,
}

/// When a certificate is made, and when it ends.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    pub now: OffsetDateTime,
    pub until: OffsetDateTime,
}

impl Period {
    pub fn new(now: OffsetDateTime, validity: Duration) -> Self {
        Self { now, until: now + validity }
    }
}

/// An authority, whose key is kept only if its owner stores it.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub identity: Identity,
}

impl Authority {
    /// A new one, which signs itself.
    pub fn new(name: &str, period: Period) -> Result<Self, Error> {
        let mut params = params(&Subject { name, ..Subject::default() }, period)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = KeyPair::generate()?;
        let identity =
            Identity { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() };
        Ok(Self { issuer: Issuer::new(params, key), identity })
    }

    /// One that was stored.
    pub fn load(identity: Identity) -> Result<Self, Error> {
        let key = KeyPair::from_pem(&identity.key)?;
        Ok(Self { issuer: Issuer::from_ca_cert_pem(&identity.certificate, key)?, identity })
    }

    /// Certificate and key for a subject, new ones at each call.
    pub fn issue(
        &self,
        subject: &Subject<'_>,
        usage: Usage,
        period: Period,
    ) -> Result<Identity, Error> {
        let mut params = params(subject, period)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match usage {
            Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Usage::Both => {
                vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth]
            }
        };
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok(Identity {
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// A key pair (ECDSA P-256) without a certificate: private and public part, PEM.
pub fn key_pair() -> Result<(String, String), Error> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn params(subject: &Subject<'_>, period: Period) -> Result<CertificateParams, Error> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, subject.name);
    if let Some(organization) = subject.organization {
        name.push(DnType::OrganizationName, organization);
    }
    let mut params = CertificateParams::new(
        subject.dns.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(),
    )?;
    params.subject_alt_names.extend(subject.addresses.iter().copied().map(SanType::IpAddress));
    params.distinguished_name = name;
    params.not_before = period.now - CLOCK_SKEW;
    params.not_after = period.until;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn year() -> Period {
        Period::new(EPOCH, Duration::days(365))
    }

    #[test]
    fn a_certificate_names_its_subject_and_every_address_it_answers_at() {
        let addresses = [IpAddr::from([10, 180, 64, 2])];
        let subject = Subject {
            name: "kube-apiserver",
            organization: Some("system:masters"),
            dns: &["kubernetes.default.svc"],
            addresses: &addresses,
        };
        let params = params(&subject, year()).unwrap();
        let dns = SanType::DnsName("kubernetes.default.svc".try_into().unwrap());
        assert_eq!(params.subject_alt_names, [dns, SanType::IpAddress(addresses[0])]);
        assert_eq!(
            params.distinguished_name.get(&DnType::CommonName),
            Some(&"kube-apiserver".into())
        );
        assert_eq!(
            params.distinguished_name.get(&DnType::OrganizationName),
            Some(&"system:masters".into())
        );
        assert!(params.not_before < EPOCH);
        assert_eq!(params.not_after, EPOCH + Duration::days(365));
    }

    #[test]
    fn each_certificate_has_a_key_of_its_own() {
        let authority = Authority::new("test", year()).unwrap();
        let subject = Subject { name: "one", ..Subject::default() };
        let issue = || authority.issue(&subject, Usage::Client, year()).unwrap();
        let (one, two) = (issue(), issue());
        assert!(one.key != two.key && one.certificate != two.certificate);
        assert!(one.key.starts_with("-----BEGIN PRIVATE KEY-----"));
    }
}
