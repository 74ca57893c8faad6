//! Who may call, and for what: a peer whose certificate names a gateway may open terminals and wake
//! agents, one that names an operator may list and close terminals, one that names a controller may
//! watch who uses which agent, and all of them may ask for health and reflection. That the
//! certificate is of our own authority was proved by the handshake.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use tonic::{Extensions, Status};
use webpki::EndEntityCert;

/// What a caller's certificate may name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Opens terminals, and wakes agents.
    Gateway,
    /// Lists and closes sessions.
    Operator,
    /// Watches activity.
    Controller,
}

impl Role {
    /// What callers without it read.
    fn needed(self) -> &'static str {
        match self {
            Self::Gateway => "only a gateway may open terminals and wake agents",
            Self::Operator => "only an operator may list and close sessions",
            Self::Controller => "only a controller may watch activity",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The roles of one caller, by its certificate. Each request carries its connection's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller(u8);

impl Caller {
    pub(super) fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }
}

/// Fails unless the call of these `extensions` comes from a caller with `role`.
pub(crate) fn demand(role: Role, extensions: &Extensions) -> Result<(), Status> {
    if extensions.get().is_some_and(|caller: &Caller| caller.has(role)) {
        return Ok(());
    }
    let why = role.needed();
    tracing::warn!(why, "a call was denied by the caller's certificate");
    Err(Status::permission_denied(why))
}

/// The DNS names of each role.
#[derive(Clone, Debug)]
pub(crate) struct AllowedCallers(Arc<[(Role, Vec<ServerName<'static>>)]>);

impl AllowedCallers {
    /// `None` where one of the names is no DNS name.
    pub(crate) fn new(names: [(Role, &[String]); 3]) -> Option<Self> {
        let parsed = names.map(|(role, names)| Some((role, parse(names)?)));
        parsed.into_iter().collect::<Option<Vec<_>>>().map(|names| Self(names.into()))
    }

    /// `None` where the certificate names nobody who may call.
    pub(super) fn judge(&self, certificate: &CertificateDer<'_>) -> Option<Caller> {
        let certificate = EndEntityCert::try_from(certificate).ok()?;
        let is_one_of = |names: &[ServerName<'static>]| {
            names.iter().any(|name| certificate.verify_is_valid_for_subject_name(name).is_ok())
        };
        let named = self.0.iter().filter(|(_, names)| is_one_of(names));
        let caller = named.fold(Caller::default(), |caller, (role, _)| caller.with(*role));
        (caller != Caller::default()).then_some(caller)
    }
}

fn parse(names: &[String]) -> Option<Vec<ServerName<'static>>> {
    names.iter().map(|name| ServerName::try_from(name.clone()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_may_what_its_roles_may_and_nothing_else() {
        let both = Caller::default().with(Role::Gateway).with(Role::Controller);
        let mut extensions = Extensions::default();
        assert!(demand(Role::Gateway, &extensions).is_err(), "without a certificate");
        extensions.insert(both);
        let may = [Role::Gateway, Role::Operator, Role::Controller]
            .map(|role| demand(role, &extensions).is_ok());
        assert_eq!(may, [true, false, true]);
    }
}
