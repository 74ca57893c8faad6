//! Who may call, and for what: a peer with a certificate of our own authority that names a gateway may
//! open terminals, one that names an operator may list and close them. Health and reflection are open
//! to both.

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

/// The DNS names of gateways and of operators.
#[derive(Clone, Debug)]
pub(crate) struct AllowedCallers {
    gateways: Arc<[ServerName<'static>]>,
    operators: Arc<[ServerName<'static>]>,
}

/// What a caller's certificate entitles it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// To open terminals.
    Gateway,
    /// To list and close sessions.
    Operator,
    /// Its certificate names both.
    Both,
}

impl Caller {
    fn of<T>(request: &Request<T>) -> Option<Self> {
        request.extensions().get().copied()
    }
}

/// Fails unless `request` comes from a gateway.
pub(crate) fn from_gateway<T>(request: &Request<T>) -> Result<(), Status> {
    match Caller::of(request) {
        Some(Caller::Gateway | Caller::Both) => Ok(()),
        Some(Caller::Operator) | None => Err(denied("only a gateway may open terminals")),
    }
}

/// Fails unless `request` comes from an operator.
pub(crate) fn from_operator<T>(request: &Request<T>) -> Result<(), Status> {
    match Caller::of(request) {
        Some(Caller::Operator | Caller::Both) => Ok(()),
        Some(Caller::Gateway) | None => Err(denied("only an operator may list and close sessions")),
    }
}

fn denied(why: &'static str) -> Status {
    tracing::warn!(why, "a call was denied by the caller's certificate");
    Status::permission_denied(why)
}

impl AllowedCallers {
    /// `None` where one of the names is no DNS name.
    pub(crate) fn new(gateways: &[String], operators: &[String]) -> Option<Self> {
        Some(Self { gateways: parse(gateways)?, operators: parse(operators)? })
    }

    fn judge(&self, certificate: &CertificateDer<'_>) -> Option<Caller> {
        let certificate = EndEntityCert::try_from(certificate).ok()?;
        let is_one_of = |names: &[ServerName<'static>]| {
            names.iter().any(|name| certificate.verify_is_valid_for_subject_name(name).is_ok())
        };
        match (is_one_of(&self.gateways), is_one_of(&self.operators)) {
            (true, false) => Some(Caller::Gateway),
            (false, true) => Some(Caller::Operator),
            (true, true) => Some(Caller::Both),
            (false, false) => None,
        }
    }
}

fn parse(names: &[String]) -> Option<Arc<[ServerName<'static>]>> {
    let names = names.iter().map(|name| ServerName::try_from(name.clone()).ok());
    names.collect::<Option<Vec<_>>>().map(Into::into)
}

impl Interceptor for AllowedCallers {
    /// The handshake proved that the certificate is of our authority; here it must name a caller.
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let certificates =
            request.extensions().get::<TlsConnectInfo<()>>().and_then(TlsConnectInfo::peer_certs);
        let own = certificates.as_ref().and_then(|chain| chain.first());
        let caller = own.and_then(|certificate| self.judge(certificate));
        let caller = caller.ok_or_else(|| denied("the certificate names no allowed client"))?;
        request.extensions_mut().insert(caller);
        Ok(request)
    }
}
