//! Which certificates a git server may show: those that the pod's programs trust, and git's own variable.

use std::{ffi::OsString, fs, io, sync::Arc};

use rustls::{ClientConfig, pki_types::CertificateDer, pki_types::pem::PemObject};

use super::error::GitError;
use crate::roots::{RootsArgs, named};

#[derive(clap::Args, Clone, Debug)]
pub(super) struct TrustArgs {
    #[command(flatten)]
    roots: RootsArgs,
    /// Another such file, which need not exist
    #[arg(long, env = "GIT_SSL_CAINFO")]
    git_ssl_cainfo: Option<OsString>,
}

impl TrustArgs {
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, GitError> {
        let mut roots = self.roots.store()?;
        if let Some(path) = named(self.git_ssl_cainfo.as_ref())
            && let Ok(pem) = fs::read(path)
        {
            roots.add_parsable_certificates(
                CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok),
            );
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| GitError::Start(io::Error::other(error)))?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }
}
