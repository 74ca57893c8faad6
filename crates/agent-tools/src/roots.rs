//! Whose certificates the pod's programs trust: Mozilla's roots, and those of the agent's `caBundle`.

use std::{ffi::OsString, fs, io, path::Path};

use pem::{EncodeConfig, LineEnding, Pem};
use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer,
        pem::{self as pem_reader, PemObject},
    },
};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

#[derive(clap::Args, Clone, Debug)]
pub struct RootsArgs {
    /// File of PEM certificates to trust beside Mozilla's roots
    #[arg(long, env = "CUSTOM_CA_CERT_PATH")]
    custom_ca: Option<OsString>,
    /// Another such file, which need not exist
    #[arg(long, env = "SSL_CERT_FILE")]
    ssl_cert_file: Option<OsString>,
}

#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    #[error("cannot read the certificates of spec.caBundle at {path}")]
    Read { path: String, source: io::Error },
    #[error("spec.caBundle holds something that is not PEM at {path}")]
    Pem { path: String, source: pem_reader::Error },
    #[error(
        "spec.caBundle holds no certificate at {path}: it must be PEM, -----BEGIN CERTIFICATE-----"
    )]
    Empty { path: String },
    #[error("spec.caBundle holds no certificate that can be used at {path}")]
    Unusable { path: String },
}

impl RootsArgs {
    /// What a client trusts.
    pub(crate) fn store(&self) -> Result<RootCertStore, RootsError> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(TLS_SERVER_ROOT_CERTS.iter().cloned());
        if let Some(path) = named(self.ssl_cert_file.as_ref())
            && let Ok(certificates) = read(path)
        {
            store.add_parsable_certificates(certificates);
        }
        if let Some(path) = named(self.custom_ca.as_ref()) {
            let (added, _) = store.add_parsable_certificates(read(path)?);
            if added == 0 {
                return Err(RootsError::Unusable { path: path.display().to_string() });
            }
        }
        Ok(store)
    }
}

/// An empty variable names no file.
pub(crate) fn named(variable: Option<&OsString>) -> Option<&Path> {
    variable.filter(|value| !value.is_empty()).map(Path::new)
}

/// Mozilla's roots and the certificates of `custom`, as PEM. Whatever else the file holds, as a private key, is
/// left out.
pub(crate) fn bundle(custom: &Path) -> Result<String, RootsError> {
    let custom = read(custom)?;
    let all: Vec<_> = TLS_SERVER_ROOT_CERTS
        .iter()
        .chain(&custom)
        .map(|certificate| Pem::new("CERTIFICATE", certificate.to_vec()))
        .collect();
    Ok(pem::encode_many_config(&all, EncodeConfig::new().set_line_ending(LineEnding::LF)))
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let shown = || path.display().to_string();
    let bytes = fs::read(path).map_err(|source| RootsError::Read { path: shown(), source })?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| RootsError::Pem { path: shown(), source })?;
    if certificates.is_empty() {
        return Err(RootsError::Empty { path: shown() });
    }
    Ok(certificates)
}
