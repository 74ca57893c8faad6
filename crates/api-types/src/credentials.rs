//! Secrets given to an agent.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{schema, unset};

/// A Secret made available to the agent: a single key as an environment variable or file, or all keys as environment variables or a directory.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.env) || self.env == '' || (has(self.secretRef.key) && self.secretRef.key != '')").message("env names a variable for one key: set secretRef.key, or remove env to get every key as a variable").field_path(".env"))]
pub struct Credential {
    /// Name of the credential, for humans only; may be empty.
    #[schemars(length(max = 253))]
    pub name: String,

    /// The Secret, or a key of it.
    pub secret_ref: SecretKeyRef,

    /// Name of the environment variable that is set to the key's value. Requires secretRef.key.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 253), regex(pattern = r"^([-._a-zA-Z][-._a-zA-Z0-9]*)?$"))]
    pub env: Option<String>,

    /// Absolute path at which the key is mounted as a file, or all keys as a directory.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 1024), regex(pattern = schema::ABSOLUTE_PATH))]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("mountPath must not contain '..'"))]
    pub mount_path: Option<String>,

    /// Mode of the mounted files. YAML accepts octal values such as 0600, JSON requires decimal values such as 384.
    #[serde(default = "default_mode")]
    #[schemars(range(min = 0, max = 511))]
    pub file_mode: i32,
}

/// Only the owner may read and write them.
fn default_mode() -> i32 {
    0o600
}

/// A Secret in the Agent's namespace, or a key of it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub name: String,

    /// Key of the Secret. If unset, all keys are used.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 253), regex(pattern = schema::DATA_KEY_OR_EMPTY))]
    pub key: Option<String>,
}
