//! Which certificates a server may show: Mozilla's authorities, and those of the bundles that the pod names.

use std::{fs, io, path::PathBuf, sync::Arc};

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
    /// A bundle that cannot be read counts for nothing, and so does a certificate in it that is of no use, as bundles
    /// of whole systems hold some: fewer authorities are trusted then, which the log says.
    pub(super) fn config(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let files = [&self.ca_bundle, &self.ssl_cert_file, &self.git_ssl_cainfo];
        for file in files.into_iter().flatten() {
            match fs::read(file) {
                Ok(pem) => {
                    let found = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
                    roots.add_parsable_certificates(found);
                }
                Err(error) => super::say(&format!("cannot read {}: {error}", file.display())),
            }
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
