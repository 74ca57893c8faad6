//! Who shows a certificate to whom in an installation, and the Secret of each. Pure.

use api_types::names::{BROKER_SERVICE, CONTROLLER_DEPLOYMENT, SERVER_SERVICE};

use crate::Usage;

/// The Secret of the authority and its key. No pod mounts it.
pub const AUTHORITY_SECRET: &str = "kubeopencode-ca";

/// The common name of the authority.
pub(crate) const AUTHORITY_NAME: &str = "kubeopencode";

/// One bearer of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub secret: &'static str,
    /// The common name, and the DNS name by which its peers know it.
    pub name: &'static str,
    pub usage: Usage,
}

/// All bearers of certificates.
pub const MEMBERS: [Member; 4] = [
    Member { secret: "kubeopencode-broker-tls", name: BROKER_SERVICE, usage: Usage::Server },
    Member { secret: "kubeopencode-gateway-tls", name: SERVER_SERVICE, usage: Usage::Client },
    // It watches who uses which agent.
    Member {
        secret: "kubeopencode-controller-tls",
        name: CONTROLLER_DEPLOYMENT,
        usage: Usage::Client,
    },
    // For whoever lists and closes terminals; no pod mounts it.
    Member {
        secret: "kubeopencode-operator-tls",
        name: "kubeopencode-operator",
        usage: Usage::Client,
    },
];

impl Member {
    /// The DNS names of its certificate.
    pub fn dns(&self, namespace: &str) -> Vec<String> {
        let Self { name, usage, .. } = self;
        match usage {
            Usage::Client => vec![(*name).to_owned()],
            Usage::Server | Usage::Both => {
                let service = format!("{name}.{namespace}.svc");
                let whole = format!("{service}.cluster.local");
                vec![(*name).to_owned(), service, whole]
            }
        }
    }
}

/// Every Secret of certificates, the authority's last: who reads them in this order sees an authority
/// that is no older than what it signed.
pub fn secret_names() -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().map(|member| member.secret).chain([AUTHORITY_SECRET])
}
