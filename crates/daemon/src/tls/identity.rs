//! The PEM files of a folder, and the configurations made of them. It does no I/O but reading them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};

use super::{TlsError, ends::Ends};

/// As a Secret of cert-manager's names them.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// gRPC is spoken over HTTP/2 only.
pub(crate) const ALPN_HTTP2: &[u8] = b"h2";
/// Pages and terminals come over HTTP/1.1 only.
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The contents of a folder. Holds a private key, so it has no Debug.
#[derive(PartialEq)]
pub struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    /// Empty where no authority is asked for.
    authority: Vec<u8>,
}

/// What is made of the files, for one of the uses that there are.
pub trait Identity: Clone + Send + Sync + 'static {
    /// Whether `ca.crt` is one of them.
    const HAS_AUTHORITY: bool;

    /// `folder` is named in errors only.
    fn of(files: &Files, folder: &Path) -> Result<Self, TlsError>;
}

impl Files {
    pub(super) async fn read(folder: &Path, has_authority: bool) -> Result<Self, TlsError> {
        let read = async |name| {
            let file = folder.join(name);
            tokio::fs::read(&file).await.map_err(|source| TlsError::Read { file, source })
        };
        let (certificate, key) = (read(CERTIFICATE).await?, read(KEY).await?);
        let authority = if has_authority { read(AUTHORITY).await? } else { Vec::new() };
        Ok(Self { certificate, key, authority })
    }

    fn chain(&self, folder: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(&self.certificate, folder.join(CERTIFICATE))
    }

    fn key(&self, folder: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|source| TlsError::Pem { file: folder.join(KEY), source })
    }
}

/// What an acceptor and a connector take for each new connection.
#[derive(Clone, Debug)]
pub struct Configs {
    /// Clients have to show a certificate of the authority.
    pub server: Arc<ServerConfig>,
    /// Shows the own certificate, and trusts the authority only.
    pub client: Arc<ClientConfig>,
    pub(super) ends: Ends,
}

impl Identity for Configs {
    const HAS_AUTHORITY: bool = true;

    fn of(files: &Files, folder: &Path) -> Result<Self, TlsError> {
        let (chain, key) = (files.chain(folder)?, files.key(folder)?);
        let authorities = certificates(&files.authority, folder.join(AUTHORITY))?;
        let ends = Ends::of(&chain, &authorities);
        let mut roots = RootCertStore::empty();
        for certificate in authorities {
            roots.add(certificate).map_err(unusable(folder.join(AUTHORITY)))?;
        }

        let (chain_of_client, key_of_client) = (chain.clone(), key.clone_key());
        let roots = Arc::new(roots);
        let server = server(Arc::clone(&roots), chain, key, folder)?;
        let client = client(roots, chain_of_client, key_of_client, folder)?;
        Ok(Self { server: Arc::new(server), client: Arc::new(client), ends })
    }
}

/// What is shown to anybody, such as visitors' browsers.
#[derive(Clone, Debug)]
pub struct Public(pub(super) Arc<ServerConfig>);

impl Identity for Public {
    const HAS_AUTHORITY: bool = false;

    fn of(files: &Files, folder: &Path) -> Result<Self, TlsError> {
        let (chain, key) = (files.chain(folder)?, files.key(folder)?);
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable(folder.to_owned()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable(folder.join(KEY)))?;
        config.alpn_protocols = vec![ALPN_HTTP1.to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

fn server(
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    folder: &Path,
) -> Result<ServerConfig, TlsError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|source| TlsError::Verifier { file: folder.join(AUTHORITY), source })?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unusable(folder.to_owned()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(unusable(folder.join(KEY)))?;
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    // A resumed session would not verify the client's certificate anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client(
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    folder: &Path,
) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unusable(folder.to_owned()))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(unusable(folder.join(KEY)))?;
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8], file: PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if certificates.is_empty() => Err(TlsError::Empty { file }),
        Ok(certificates) => Ok(certificates),
        Err(source) => Err(TlsError::Pem { file, source }),
    }
}

fn unusable(file: PathBuf) -> impl FnOnce(rustls::Error) -> TlsError {
    move |source| TlsError::Unusable { file, source }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
