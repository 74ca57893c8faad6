//! TLS between our own processes: both sides show a certificate of one authority, and follow
//! the files when those are renewed. Which names a peer may have is the caller's to check.
//! And the certificate that visitors are shown, of whom none is asked for.

mod accept;
mod certificates;
mod ends;
mod identity;

use std::{io, path::PathBuf};

pub use accept::{Established, HANDSHAKE_DEADLINE, MAX_HANDSHAKES, accept, incoming};
pub use certificates::{Certificates, Followed, PublicCertificate, RELOAD_INTERVAL, Reload};
pub(crate) use identity::ALPN_HTTP2;
pub use identity::{Configs, Files, Identity, Public};

/// What is wrong with a folder of certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{} is not valid PEM", file.display())]
    Pem { file: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("{} holds no certificate", file.display())]
    Empty { file: PathBuf },
    /// A key that is not the certificate's own, among others.
    #[error("{} cannot be used", file.display())]
    Unusable { file: PathBuf, source: rustls::Error },
    #[error("{} cannot verify clients", file.display())]
    Verifier { file: PathBuf, source: rustls::server::VerifierBuilderError },
}
