//! The share link: who may use it, and what became of it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::schema;

/// A link that opens the agent's terminal without cluster credentials. Whoever has the address has the terminal.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareSpec {
    /// Whether the link exists. Turning it off ends open terminals and destroys the token; turning it on again makes a new one.
    #[serde(default)]
    pub enabled: bool,

    /// From this time on the link is dead (RFC 3339). Without it, the link lives until sharing is turned off.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub expires_at: Option<OffsetDateTime>,

    /// Networks in CIDR notation, or single addresses, that may use the link. Empty means anywhere.
    #[serde(default, rename = "allowedIPs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = Rule::new("self.all(entry, isCIDR(entry) || isIP(entry))").message("each entry of allowedIPs must be a network in CIDR notation, such as 203.0.113.0/24, or an IP address"))]
    pub allowed_ips: Vec<String>,
}

/// What the controller last made of the share link.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareStatus {
    /// The Secret that holds the token under the key `token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,

    /// Whether the link works at this moment.
    #[serde(default)]
    pub active: bool,

    /// The full address, where the installation knows its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// SHA-256 of "lookup" and the token, in hexadecimal: what the gateway finds the agent by. It opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub token_lookup: Option<String>,

    /// SHA-256 of "proof", the Agent's UID and the token, in hexadecimal: what confirms the token. It opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub token_proof: Option<String>,
}
