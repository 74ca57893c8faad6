//! Certificate authorities, and certificates signed by them. Their keys are random; the time is a parameter.

use std::net::IpAddr;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

/// Certificates are valid from a little earlier than they are made: clocks differ.
const CLOCK_SKEW: Duration = Duration::minutes(5);
const VALIDITY: Duration = Duration::days(3650);

/// A certificate and its private key (PKCS #8), both PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Who a certificate is for, and where its bearer answers.
#[derive(Default)]
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) organization: Option<&'a str>,
    pub(crate) dns: &'a [&'a str],
    pub(crate) addresses: &'a [IpAddr],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Client,
    Server,
    Both,
}

/// An authority that is used once and whose key is kept only if its owner stores it.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) identity: Identity,
    now: OffsetDateTime,
}

impl Authority {
    pub(crate) fn new(name: &str, now: OffsetDateTime) -> Result<Self> {
        let mut params = params(&Subject { name, ..Subject::default() }, now)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = KeyPair::generate()?;
        let identity =
            Identity { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() };
        Ok(Self { issuer: Issuer::new(params, key), identity, now })
    }

    pub(crate) fn issue(&self, subject: &Subject<'_>, usage: Usage) -> Result<Identity> {
        let mut params = params(subject, self.now)?;
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
pub(crate) fn key_pair() -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn params(subject: &Subject<'_>, now: OffsetDateTime) -> Result<CertificateParams> {
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
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + VALIDITY;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_names_its_subject_and_every_address_it_answers_at() {
        let addresses = [IpAddr::from([10, 180, 64, 2])];
        let subject = Subject {
            name: "kube-apiserver",
            organization: Some("system:masters"),
            dns: &["kubernetes.default.svc"],
            addresses: &addresses,
        };
        let params = params(&subject, OffsetDateTime::UNIX_EPOCH).unwrap();
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
        assert!(
            params.not_before < OffsetDateTime::UNIX_EPOCH
                && params.not_after > OffsetDateTime::UNIX_EPOCH
        );
    }

    #[test]
    fn each_certificate_has_a_key_of_its_own() {
        let authority = Authority::new("test", OffsetDateTime::UNIX_EPOCH).unwrap();
        let subject = Subject { name: "one", ..Subject::default() };
        let (one, two) = (
            authority.issue(&subject, Usage::Client).unwrap(),
            authority.issue(&subject, Usage::Client).unwrap(),
        );
        assert!(one.key != two.key && one.certificate != two.certificate);
        assert!(one.key.starts_with("-----BEGIN PRIVATE KEY-----"));
    }
}
