//! The share link: who may use it, and its state.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::schema;

/// A link that opens the agent's terminal without cluster credentials. Anyone who has the link can use the terminal.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareSpec {
    /// Whether the link is enabled. Disabling it closes open terminals and deletes the token; enabling it again creates a new token.
    #[serde(default)]
    pub enabled: bool,

    /// Time at which the link expires (RFC 3339). If unset, the link does not expire.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub expires_at: Option<OffsetDateTime>,

    /// CIDRs or IP addresses that may use the link. If empty, any address may use it.
    #[serde(default, rename = "allowedIPs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = Rule::new("self.all(entry, isCIDR(entry) || isIP(entry))").message("each entry of allowedIPs must be a network in CIDR notation, such as 203.0.113.0/24, or an IP address"))]
    pub allowed_ips: Vec<String>,
}

/// Observed state of the share link.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareStatus {
    /// Name of the Secret that contains the token, under the key token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,

    /// Whether the link can be used.
    #[serde(default)]
    pub active: bool,

    /// URL of the link, if the controller knows its external URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// SHA-256 of "lookup" and the token, in hexadecimal, by which the gateway finds the Agent. It does not grant access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub token_lookup: Option<String>,

    /// SHA-256 of "proof", the Agent's UID and the token, in hexadecimal, by which the token is verified. It does not grant access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub token_proof: Option<String>,
}
