//! Who calls, and what for: each role is a DNS name in the caller's certificate, and each call of the contract needs one role.
//! A certificate without any opens no connection; health and reflection are for all others. That the certificate is of our own
//! authority was proved by the handshake.

use std::sync::Arc;

use api_types::{ToolName, ToolRole};
use rustls::pki_types::{CertificateDer, ServerName};
use tonic::{Extensions, Status};
use webpki::EndEntityCert;

/// What a certificate may be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Opens terminals, and wakes agents.
    Attach,
    /// Lists sessions.
    List,
    /// Closes sessions.
    Close,
    /// Watches activity.
    Watch,
}

impl Role {
    /// The one that a call needs; `None` where the contract has no such call.
    fn needed(call: &str) -> Option<Self> {
        match call {
            "Attach" | "Wake" => Some(Self::Attach),
            "ListSessions" => Some(Self::List),
            "CloseSession" => Some(Self::Close),
            "WatchActivity" => Some(Self::Watch),
            _ => None,
        }
    }

    /// What callers without it read.
    fn way_out(self) -> &'static str {
        match self {
            Self::Attach => {
                "\"attach\": `kubeoc certificates issue NAME --role attach` makes one that has it"
            }
            Self::List => {
                "\"list\": `kubeoc certificates issue NAME --role list` makes one that has it"
            }
            Self::Close => {
                "\"close\": `kubeoc certificates issue NAME --role close` makes one that has it"
            }
            Self::Watch => "\"watch\", which only the controller's has",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl From<ToolRole> for Role {
    fn from(role: ToolRole) -> Self {
        match role {
            ToolRole::Attach => Self::Attach,
            ToolRole::List => Self::List,
            ToolRole::Close => Self::Close,
        }
    }
}

/// One caller, by its certificate. Each request carries its connection's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The DNS name by which logs and Events name it.
    pub(super) name: Arc<str>,
    roles: u8,
}

impl Caller {
    pub(super) fn has(&self, role: Role) -> bool {
        self.roles & role.bit() != 0
    }
}

/// Fails unless the caller of `extensions` may make the call of this path. Nothing of a call is read before.
pub(super) fn authorize(path: &str, extensions: &Extensions) -> Result<(), Status> {
    let call = path.rsplit('/').next().unwrap_or_default();
    let role = Role::needed(call)
        .ok_or_else(|| Status::unimplemented("this broker does not know the call"))?;
    let caller: &Caller =
        extensions.get().ok_or_else(|| Status::permission_denied("no certificate was shown"))?;
    if caller.has(role) {
        return Ok(());
    }
    let name = &caller.name;
    tracing::warn!(caller = %name, call, ?role, "a call was denied: the certificate lacks the role");
    Err(Status::permission_denied(format!(
        "{call} needs a role that the certificate of {name} lacks, {}",
        role.way_out()
    )))
}

/// The name of the caller of `extensions`, for logs and Events.
pub(super) fn name(extensions: &Extensions) -> Arc<str> {
    extensions.get().map_or_else(Arc::default, |caller: &Caller| Arc::clone(&caller.name))
}

/// The DNS names that give roles.
#[derive(Clone, Debug)]
pub(crate) struct AllowedCallers(Arc<[(ServerName<'static>, u8)]>);

impl AllowedCallers {
    /// `named` beside those of tools. `None` where one of the names is no DNS name.
    pub(crate) fn new(named: [(&[Role], &[String]); 3]) -> Option<Self> {
        let named = named.iter().flat_map(|(roles, names)| {
            let roles = roles.iter().fold(0, |all, role| all | role.bit());
            names.iter().map(move |name| (name.clone(), roles))
        });
        let of_tools =
            ToolRole::ALL.map(|role| (role.dns_name().to_owned(), Role::from(role).bit()));
        let all = named.chain(of_tools);
        let parsed = all.map(|(name, roles)| Some((ServerName::try_from(name).ok()?, roles)));
        parsed.collect::<Option<Vec<_>>>().map(|names| Self(names.into()))
    }

    /// `None` where the certificate names nobody who may call.
    pub(super) fn judge(&self, certificate: &CertificateDer<'_>) -> Option<Caller> {
        let certificate = EndEntityCert::try_from(certificate).ok()?;
        let is_for =
            |name: &ServerName<'_>| certificate.verify_is_valid_for_subject_name(name).is_ok();
        let (mut roles, mut first) = (0, None);
        for (name, given) in self.0.iter().filter(|(name, _)| is_for(name)) {
            roles |= given;
            first = first.or_else(|| Some(name.to_str()));
        }
        let tool = certificate.valid_dns_names().find(|name| ToolName::of_dns_name(name).is_some());
        let name = tool.map(Arc::from).or_else(|| first.map(|name| Arc::from(&*name)))?;
        (roles != 0).then_some(Caller { name, roles })
    }
}

#[cfg(test)]
mod tests {
    use fixtures::Authority;
    use prost_types::FileDescriptorSet;
    use rustls::pki_types::pem::PemObject;
    use terminal_proto::v1::FILE_DESCRIPTOR_SET;
    use tonic::Code;

    use super::*;

    fn callers() -> AllowedCallers {
        let named = |name: &str| vec![name.to_owned()];
        AllowedCallers::new([
            (&[Role::Attach], &named("kubeopencode-server")),
            (&[Role::List, Role::Close], &named("kubeopencode-operator")),
            (&[Role::Watch], &named("kubeopencode-controller")),
        ])
        .unwrap()
    }

    fn judge(names: &[&str]) -> Option<Caller> {
        let (certificate, _) = Authority::generate().issue_for(names);
        callers().judge(&CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap())
    }

    /// The calls that a certificate with these names may make.
    fn allowed(names: &[&str]) -> Vec<String> {
        let mut extensions = Extensions::default();
        if let Some(caller) = judge(names) {
            extensions.insert(caller);
        }
        let is_allowed = |call: &String| authorize(&format!("/x/{call}"), &extensions).is_ok();
        calls().into_iter().filter(is_allowed).collect()
    }

    /// All calls of the contract.
    fn calls() -> Vec<String> {
        let files: FileDescriptorSet = prost::Message::decode(FILE_DESCRIPTOR_SET).unwrap();
        let services = files.file.into_iter().flat_map(|file| file.service);
        services.flat_map(|service| service.method).map(|call| call.name().to_owned()).collect()
    }

    #[test]
    fn a_certificate_may_what_its_names_say_and_nothing_else() {
        let cases: [(&[&str], &[&str]); 10] = [
            (&["kubeopencode-server"], &["Attach", "Wake"]),
            (&["kubeopencode-operator"], &["ListSessions", "CloseSession"]),
            (&["kubeopencode-controller"], &["WatchActivity"]),
            (&["kubeopencode-tool-a", "kubeopencode-attach"], &["Attach", "Wake"]),
            (&["kubeopencode-tool-a", "kubeopencode-list"], &["ListSessions"]),
            (&["kubeopencode-close"], &["CloseSession"]),
            (
                &["kubeopencode-list", "kubeopencode-close", "kubeopencode-tool-a"],
                &["ListSessions", "CloseSession"],
            ),
            (&["kubeopencode-tool-a"], &[]),
            (&["*", "*.kubeopencode-list", "list"], &[]),
            (&["kubeopencode-terminal-broker"], &[]),
        ];
        for (names, expected) in cases {
            assert_eq!(allowed(names), expected, "{names:?}");
        }
    }

    #[test]
    fn every_call_of_the_contract_needs_a_role_and_no_other_is_known() {
        assert_eq!(calls().len(), 5);
        for call in calls() {
            assert!(Role::needed(&call).is_some(), "{call}");
        }
        let unknown = authorize("/x/DropSessions", &Extensions::default()).unwrap_err();
        assert_eq!(unknown.code(), Code::Unimplemented);
    }

    #[test]
    fn a_caller_is_named_as_a_tool_where_it_is_one() {
        let name = |names: &[&str]| judge(names).map(|caller| caller.name.to_string());
        let tool = name(&["kubeopencode-close", "kubeopencode-tool-nightly"]);
        assert_eq!(tool.as_deref(), Some("kubeopencode-tool-nightly"));
        assert_eq!(name(&["kubeopencode-close"]).as_deref(), Some("kubeopencode-close"));
        assert_eq!(name(&["kubeopencode-operator"]).as_deref(), Some("kubeopencode-operator"));
    }

    #[test]
    fn who_is_denied_reads_which_role_is_missing_and_how_to_get_it() {
        let mut extensions = Extensions::default();
        extensions.insert(judge(&["kubeopencode-server"]).unwrap());
        let denied = |call: &str| authorize(call, &extensions).unwrap_err().message().to_owned();
        assert_eq!(
            denied("/x/CloseSession"),
            "CloseSession needs a role that the certificate of kubeopencode-server lacks, \"close\": \
             `kubeoc certificates issue NAME --role close` makes one that has it"
        );
        assert!(denied("/x/WatchActivity").ends_with("which only the controller's has"));
    }
}
