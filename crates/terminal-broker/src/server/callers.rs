//! Who may call, and for what: a peer whose certificate names a gateway may open terminals, one that
//! names an operator may list and close them, and both may ask for health and reflection. That the
//! certificate is of our own authority was proved by the handshake.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use tonic::{Extensions, Status};
use webpki::EndEntityCert;

/// The DNS names of gateways and of operators.
#[derive(Clone, Debug)]
pub(crate) struct AllowedCallers {
    gateways: Arc<[ServerName<'static>]>,
    operators: Arc<[ServerName<'static>]>,
}

/// What a caller's certificate entitles it to. Each request carries its connection's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// To open terminals.
    Gateway,
    /// To list and close sessions.
    Operator,
    /// Its certificate names both.
    Both,
}

/// Fails unless the call of these `extensions` comes from a gateway.
pub(crate) fn from_gateway(extensions: &Extensions) -> Result<(), Status> {
    match extensions.get() {
        Some(Caller::Gateway | Caller::Both) => Ok(()),
        Some(Caller::Operator) | None => Err(denied("only a gateway may open terminals")),
    }
}

/// Fails unless the call of these `extensions` comes from an operator.
pub(crate) fn from_operator(extensions: &Extensions) -> Result<(), Status> {
    match extensions.get() {
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

    /// `None` where the certificate names nobody who may call.
    pub(super) fn judge(&self, certificate: &CertificateDer<'_>) -> Option<Caller> {
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
