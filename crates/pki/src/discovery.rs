//! Tools that are known by their Secrets alone. Pure.

use api_types::{ToolName, ToolRole};
use k8s_openapi::api::core::v1::Secret;

use crate::{CERTIFICATE_KEY, Certificate, Tool, Unreadable, state::value};

impl Tool {
    /// The tool whose certificate `secret` holds, with the roles that an authority signed. `None` where it is no tool's by
    /// its name.
    pub fn of_secret(secret: &Secret) -> Option<Result<Self, Unreadable>> {
        let name = ToolName::of_secret(secret.metadata.name.as_deref()?)?;
        let certificate = value(secret, CERTIFICATE_KEY)
            .and_then(|pem| Certificate::read(pem, CERTIFICATE_KEY))
            .map(|mut chain| chain.swap_remove(0));
        let roles = |certificate: Certificate| {
            let roles = certificate.dns.iter().filter_map(|name| ToolRole::of_dns_name(name));
            Self::new(name, roles)
        };
        Some(certificate.map(roles))
    }
}
