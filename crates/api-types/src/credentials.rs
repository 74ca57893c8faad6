//! Secrets given to an agent.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// Mode of credential files: their owner alone may read and write them.
pub const DEFAULT_CREDENTIAL_MODE: i32 = 0o600;

/// A Secret given to the agent: one key as a variable or a file, or all keys as variables or as a directory.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.env) || has(self.secretRef.key)").message("env names a variable for one key: set secretRef.key, or remove env to get every key as a variable").field_path(".env"))]
pub struct Credential {
    /// What the credential is for.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// The Secret, or one of its keys.
    pub secret_ref: SecretKeyRef,

    /// The variable that holds the key's value; needs secretRef.key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z][-._a-zA-Z0-9]*$"))]
    pub env: Option<String>,

    /// Absolute path of the file that holds the key, or of the directory that holds all keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1024), regex(pattern = schema::ABSOLUTE_PATH))]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("mountPath must not contain '..'"))]
    pub mount_path: Option<String>,

    /// Mode of the mounted files; YAML reads 0600 as octal, JSON needs 384.
    #[serde(default = "default_mode")]
    #[schemars(range(min = 0, max = 511))]
    pub file_mode: i32,
}

fn default_mode() -> i32 {
    DEFAULT_CREDENTIAL_MODE
}

/// A Secret of the Agent's namespace, or one key of it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretKeyRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub name: String,

    /// The one key meant; all keys where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::DATA_KEY))]
    pub key: Option<String>,
}
