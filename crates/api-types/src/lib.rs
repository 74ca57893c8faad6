//! The users' contract: `Agent`, `AgentTemplate`, and every name, label,
//! annotation and condition derived from them. Nothing here talks to a cluster,
//! reads a clock or draws a random number.
#![allow(unreachable_pub, reason = "kube's KubeSchema derive emits private items marked pub")]
#![allow(
    clippy::doc_markdown,
    reason = "doc comments are the descriptions `kubectl explain` prints"
)]

pub mod agent;
pub mod agent_id;
pub mod condition;
pub mod context;
pub mod crd;
pub mod credentials;
pub mod duration;
pub mod egress;
pub mod extension;
pub mod git;
pub mod labels;
pub mod lifecycle;
pub mod names;
pub mod network;
pub mod pod;
pub mod port;
mod quantity;
pub mod reference;
mod schema;
pub mod share;
pub mod status;
pub mod task;
pub mod template;
pub mod time_convert;
pub mod token;

pub use agent::{Agent, AgentSpec};
pub use agent_id::AgentId;
pub use context::{ConfigMapContext, ContextItem, ContextType, RuntimeContext, UrlContext};
pub use crd::{crd_file_name, crd_yaml, crds};
pub use credentials::{Credential, SecretKeyRef};
pub use duration::Duration;
pub use egress::{CaBundle, ConfigMapBundle, Proxy, SecretBundle};
pub use extension::{Plugin, PluginTarget, Skill};
pub use git::{GitContext, GitSync, SkillGit, SyncPolicy};
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
pub use lifecycle::{Persistence, Standby, VolumeClaim};
pub use pod::{AgentPodSpec, ContainerExtras, Scheduling, SystemContainers};
pub use port::{ExtraPort, PortProtocol};
pub use reference::{LocalRef, TemplateRef};
pub use share::{ShareSpec, ShareStatus};
pub use status::{AgentStatus, GitSyncStatus};
pub use task::{Quota, TaskStart};
pub use template::{AgentTemplate, AgentTemplateSpec, AgentTemplateStatus};
pub use token::{ShareToken, TokenLookup, TokenProof};

/// The API group of both resources.
pub const GROUP: &str = "kubeopencode.io";
/// The only version of both resources.
pub const VERSION: &str = "v1alpha1";
