//! Which certificates a server may show: Mozilla's authorities, and those of the bundles that the pod names.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};

/// Files with more certificate authorities, in PEM.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct TrustArgs {
    #[arg(long, env = "CUSTOM_CA_CERT_PATH", hide = true)]
    ca_bundle: Option<PathBuf>,
    #[arg(long, env = "SSL_CERT_FILE", hide = true)]
    ssl_cert_file: Option<PathBuf>,
    #[arg(long, env = "GIT_SSL_CAINFO", hide = true)]
    git_ssl_cainfo: Option<PathBuf>,
}

impl TrustArgs {
    /// Fails only where a file that is named cannot be read; a certificate in it that is of no use is skipped, as
    /// bundles of whole systems hold some.
    pub(super) fn config(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for file in
            [&self.ca_bundle, &self.ssl_cert_file, &self.git_ssl_cainfo].into_iter().flatten()
        {
            roots.add_parsable_certificates(certificates(file)?);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let pem = fs::read(file).map_err(named)?;
    Ok(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect())
}
