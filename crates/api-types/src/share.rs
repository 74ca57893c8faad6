//! Share links: who may use them, for what, and their state.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Duration, schema};

/// Links that open the agent's terminal without cluster credentials: the default link, whose fields are these, and those in links. Anyone who has a link can use the terminal as far as the link allows.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareSpec {
    /// Whether the default link and those in links are enabled. Disabling closes open terminals and deletes the tokens; enabling again creates new tokens.
    #[serde(default)]
    pub enabled: bool,

    /// Time at which the default link expires (RFC 3339). If unset, it does not expire.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub expires_at: Option<OffsetDateTime>,

    /// CIDRs or IP addresses that may use the default link. If empty, any address may use it.
    #[serde(default, rename = "allowedIPs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 64)))]
    #[x_kube(validation = Rule::new("self.all(entry, isCIDR(entry) || isIP(entry))").message("each entry of allowedIPs must be a network in CIDR notation, such as 203.0.113.0/24, or an IP address"))]
    pub allowed_ips: Vec<String>,

    /// Further links, each with a name, a token, rights and limits of its own. A change of one affects only its own visitors; removing one closes its terminals and deletes its token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    // As many as `link::MAX_LINKS`.
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub links: Vec<ShareLink>,
}

/// A link beside the default link.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareLink {
    /// Name of the link, unique within the list. Its token is in the share Secret under the key NAME.token, its URL under NAME.url.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message("the name of a link has at most 63 characters of a-z, 0-9 and '-', and begins and ends with a letter or digit"),
        validation = Rule::new("self != 'default'").message("default is the link of spec.share itself; choose another name for this one")
    )]
    pub name: String,

    /// What visitors may do. Interact: see the terminal and type into it. View: see it only.
    #[serde(default)]
    pub access: Access,

    /// Time at which the link expires (RFC 3339). If unset, it does not expire.
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

    /// Maximum number of terminals open through the link at a time. If unset, or above the installation's limit for a link, that limit applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_viewers: Option<u16>,

    /// Duration without input after which a terminal is closed, such as 30m. Who may only look types nothing: it is how long their terminals stay open. If unset, terminals are not closed for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('8760h')").message("idleTimeout must be at least a second and at most a year (8760h), as in 30m; leave it out to never close an idle terminal"))]
    pub idle_timeout: Option<Duration>,
}

/// What the visitors of a link may do.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Access {
    #[default]
    Interact,
    View,
}

impl Access {
    /// As Agents have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interact => "Interact",
            Self::View => "View",
        }
    }

    /// As pages and programs that visit read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Interact => "interact",
            Self::View => "view",
        }
    }
}

/// Observed state of the share links; the fields beside links are those of the default link.
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

    /// State of each link of spec.share.links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub links: Vec<ShareLinkStatus>,
}

/// Observed state of a link beside the default link.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareLinkStatus {
    /// Name of the link.
    pub name: String,

    /// Whether the link can be used.
    #[serde(default)]
    pub active: bool,

    /// As in the default link's status, of this link's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub token_lookup: Option<String>,

    /// As in the default link's status, of this link's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub token_proof: Option<String>,
}
