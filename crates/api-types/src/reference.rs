//! References to other objects of the same namespace.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// Reference to an object in the same namespace.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalRef {
    /// Name of the object. If empty, the reference counts as not set.
    #[serde(default)]
    #[schemars(length(max = 253), regex(pattern = schema::SUBDOMAIN_OR_EMPTY))]
    pub name: String,
}

/// Reference to the AgentTemplate of an Agent.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRef {
    /// Name of an AgentTemplate in the Agent's namespace. It is also used as a label value. If empty, no template is used.
    #[serde(default)]
    #[schemars(length(max = 63), regex(pattern = schema::SUBDOMAIN_OR_EMPTY))]
    pub name: String,
}

impl From<&str> for LocalRef {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}
