//! Who shows a certificate to whom in an installation, and the Secret of each. Pure.

use api_types::{
    ToolRole,
    names::{BROKER_SERVICE, CONTROLLER_DEPLOYMENT, SERVER_SERVICE},
};

use crate::{Tool, Usage};

/// The Secret of the authority and its key. No pod mounts it.
pub const AUTHORITY_SECRET: &str = "kubeopencode-ca";

/// The common name of the authority.
pub(crate) const AUTHORITY_NAME: &str = "kubeopencode";

/// One bearer of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    pub secret: &'a str,
    /// The common name, and the DNS name by which its peers know it.
    pub name: &'a str,
    pub usage: Usage,
    /// Of a tool, what it may do.
    pub roles: &'a [ToolRole],
}

/// All bearers of certificates but the tools.
pub const MEMBERS: [Member<'static>; 4] = [
    Member::new("kubeopencode-broker-tls", BROKER_SERVICE, Usage::Server),
    Member::new("kubeopencode-gateway-tls", SERVER_SERVICE, Usage::Client),
    // It watches who uses which agent.
    Member::new("kubeopencode-controller-tls", CONTROLLER_DEPLOYMENT, Usage::Client),
    // For whoever lists and closes terminals; no pod mounts it.
    Member::new("kubeopencode-operator-tls", "kubeopencode-operator", Usage::Client),
];

impl<'a> Member<'a> {
    const fn new(secret: &'a str, name: &'a str, usage: Usage) -> Self {
        Self { secret, name, usage, roles: &[] }
    }

    fn of_tool(tool: &'a Tool) -> Self {
        Self { roles: tool.roles(), ..Self::new(tool.secret(), tool.identity(), Usage::Client) }
    }

    /// The DNS names of its certificate.
    pub fn dns(&self, namespace: &str) -> Vec<String> {
        let Self { name, usage, roles, .. } = self;
        match usage {
            Usage::Client => {
                let roles = roles.iter().map(|role| role.dns_name());
                [*name].into_iter().chain(roles).map(str::to_owned).collect()
            }
            Usage::Server | Usage::Both => {
                let service = format!("{name}.{namespace}.svc");
                let whole = format!("{service}.cluster.local");
                vec![(*name).to_owned(), service, whole]
            }
        }
    }
}

/// All bearers of certificates.
pub(crate) fn members(tools: &[Tool]) -> impl Iterator<Item = Member<'_>> {
    MEMBERS.into_iter().chain(tools.iter().map(Member::of_tool))
}

/// Every Secret of certificates, the authority's last: who reads them in this order sees an authority
/// that is no older than what it signed.
pub fn secret_names(tools: &[Tool]) -> impl Iterator<Item = &str> {
    members(tools).map(|member| member.secret).chain([AUTHORITY_SECRET])
}
