//! Outgoing connections of an agent: trusted certificates and proxies.

#![allow(clippy::struct_field_names, reason = "the names of the resource's fields")]

use kube::KubeSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{schema, unset};

/// CA certificates that every container trusts in addition to the system's. Exactly one of the fields must be set.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.configMapRef) != has(self.secretRef)").message("caBundle needs exactly one of configMapRef and secretRef"))]
pub struct CaBundle {
    /// ConfigMap with PEM-encoded certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<ConfigMapBundle>,

    /// Secret with PEM-encoded certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretBundle>,
}

/// A key of a ConfigMap with PEM-encoded certificates.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMapBundle {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub name: String,

    /// Key of the ConfigMap.
    #[serde(default = "config_map_key", deserialize_with = "config_map_key_or_default")]
    #[schemars(length(max = 253), regex(pattern = schema::DATA_KEY_OR_EMPTY))]
    pub key: String,
}

/// A key of a Secret with PEM-encoded certificates.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretBundle {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub name: String,

    /// Key of the Secret.
    #[serde(default = "secret_key", deserialize_with = "secret_key_or_default")]
    #[schemars(length(max = 253), regex(pattern = schema::DATA_KEY_OR_EMPTY))]
    pub key: String,
}

fn config_map_key() -> String {
    "ca-bundle.crt".to_owned()
}

fn secret_key() -> String {
    "ca.crt".to_owned()
}

fn config_map_key_or_default<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(unset::blank_is_unset(d)?.unwrap_or_else(config_map_key))
}

fn secret_key_or_default<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(unset::blank_is_unset(d)?.unwrap_or_else(secret_key))
}

/// Proxy environment variables of every container, set in upper and lower case.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// URL of the proxy for http requests, HTTP_PROXY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub http_proxy: Option<String>,

    /// URL of the proxy for https requests, HTTPS_PROXY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub https_proxy: Option<String>,

    /// Comma-separated hosts, domain suffixes and CIDRs that are not proxied, NO_PROXY. The cluster's own are always added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub no_proxy: Option<String>,
}
