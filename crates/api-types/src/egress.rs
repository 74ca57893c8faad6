//! How an agent reaches the outside: whom it trusts, and through what proxy.

#![allow(clippy::struct_field_names, reason = "the names of the resource's fields")]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// Certificates that every container trusts besides the system's. Exactly one of the two.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.configMapRef) != has(self.secretRef)").message("caBundle needs exactly one of configMapRef and secretRef"))]
pub struct CaBundle {
    /// A ConfigMap with PEM certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<ConfigMapBundle>,

    /// A Secret with PEM certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretBundle>,
}

/// A key of a ConfigMap that holds PEM certificates.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMapBundle {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub name: String,

    /// Key within it.
    #[serde(default = "config_map_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::DATA_KEY))]
    pub key: String,
}

/// A key of a Secret that holds PEM certificates.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretBundle {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub name: String,

    /// Key within it.
    #[serde(default = "secret_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::DATA_KEY))]
    pub key: String,
}

fn config_map_key() -> String {
    "ca-bundle.crt".to_owned()
}

fn secret_key() -> String {
    "ca.crt".to_owned()
}

/// Proxy variables of every container, in upper and lower case.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// Address of the proxy for http, `HTTP_PROXY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub http_proxy: Option<String>,

    /// Address of the proxy for https, `HTTPS_PROXY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub https_proxy: Option<String>,

    /// Hosts, suffixes and networks reached directly, separated by commas, `NO_PROXY`. The cluster's own are always added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub no_proxy: Option<String>,
}
