//! A certificate authority for tests.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The name in each certificate.
pub(super) const NAME: &str = "peer";

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// `tls.crt`, `tls.key` and `ca.crt`, new ones at each call.
    pub(super) fn files(&self) -> [(&'static str, String); 3] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().pem();
        [("tls.crt", certificate), ("tls.key", key.serialize_pem()), ("ca.crt", self.0.pem())]
    }

    pub(super) fn write(&self, folder: &Path) {
        write(folder, self.files());
    }
}

pub(super) fn write(folder: &Path, files: impl IntoIterator<Item = (&'static str, String)>) {
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
}
