//! Who may call: a peer with a certificate of our own authority that names one of the allowed clients.

use std::{io, path::Path, sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, ServerName};
use tonic::{
    Request, Status,
    service::Interceptor,
    transport::{Certificate, Identity, ServerTlsConfig, server::TlsConnectInfo},
};
use webpki::EndEntityCert;

/// How long a TLS handshake may take, from the first byte on.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Reads `tls.crt`, `tls.key` and `ca.crt` in `folder`, PEM each.
pub fn load(folder: &Path) -> io::Result<ServerTlsConfig> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    };
    Ok(ServerTlsConfig::new()
        .identity(Identity::from_pem(read("tls.crt")?, read("tls.key")?))
        .client_ca_root(Certificate::from_pem(read("ca.crt")?))
        .timeout(HANDSHAKE_DEADLINE))
}

/// The DNS names of which a caller's certificate must carry one.
#[derive(Clone, Debug)]
pub struct AllowedClients(Arc<[ServerName<'static>]>);

impl AllowedClients {
    /// `None` where one of the names is no DNS name.
    pub fn new(names: &[String]) -> Option<Self> {
        let names = names.iter().map(|name| ServerName::try_from(name.clone()).ok());
        names.collect::<Option<Vec<_>>>().map(|names| Self(names.into()))
    }

    fn contain(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(certificate) = EndEntityCert::try_from(certificate) else { return false };
        self.0.iter().any(|name| certificate.verify_is_valid_for_subject_name(name).is_ok())
    }
}

impl Interceptor for AllowedClients {
    /// The handshake proved that the certificate is of our authority; here it must name an allowed client.
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let certificates =
            request.extensions().get::<TlsConnectInfo<()>>().and_then(TlsConnectInfo::peer_certs);
        let own = certificates.as_ref().and_then(|chain| chain.first());
        match own {
            Some(certificate) if self.contain(certificate) => Ok(request),
            _ => {
                tracing::warn!("a caller's certificate names no allowed client");
                Err(Status::permission_denied("this client may not use the terminal broker"))
            }
        }
    }
}
