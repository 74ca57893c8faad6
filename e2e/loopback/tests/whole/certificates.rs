//! Certificates of one authority, in folders as they are mounted into pods.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// `tls.crt`, `tls.key` and `ca.crt` for a DNS name.
    pub(crate) fn folder(&self, name: &str) -> TempDir {
        let (folder, key) = (TempDir::new().unwrap(), KeyPair::generate().unwrap());
        let certificate = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &self.0).unwrap().pem();
        let files =
            [("tls.crt", certificate), ("tls.key", key.serialize_pem()), ("ca.crt", self.0.pem())];
        for (file, content) in files {
            std::fs::write(folder.path().join(file), content).unwrap();
        }
        folder
    }
}
