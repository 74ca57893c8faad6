//! What url-fetch downloads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Target;

/// The longest body that is taken, in bytes.
pub const BODY_BYTES_MAX: u64 = 8 << 20;

/// For `agent-tools url-fetch`: one URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlJob {
    /// What to call it in a message, as in `spec.contexts[2] "guide"`.
    pub label: String,
    /// `http` or `https`.
    pub source: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Folder in which the credentials' Secret is mounted: `token`, or `username` and `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    #[serde(default)]
    pub insecure_skip_tls_verify: bool,
    /// Of the whole download.
    pub timeout_seconds: u32,
    pub target: Target,
    /// Permission bits of the file.
    pub mode: u32,
}
