//! The users' contract: `Agent`, `AgentTemplate`, and every name, label,
//! annotation and condition derived from them. Nothing here talks to a cluster,
//! reads a clock or draws a random number. Types are named from here; the modules that are
//! public hold names and functions.
#![allow(unreachable_pub, reason = "kube's KubeSchema derive emits private items marked pub")]
#![allow(
    clippy::doc_markdown,
    reason = "doc comments are the descriptions `kubectl explain` prints"
)]

mod agent;
mod agent_id;
pub mod condition;
mod context;
mod crd;
mod credentials;
mod duration;
mod egress;
mod extension;
mod git;
pub mod labels;
mod lifecycle;
mod link;
pub mod names;
mod namespaces;
pub mod network;
mod pod;
mod port;
pub mod quantity;
mod raw_json;
mod reference;
mod schema;
mod serving;
mod share;
mod start_phase;
mod status;
mod target;
mod task;
mod template;
pub mod time_convert;
mod token;
mod tool;
mod unset;

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
pub use lifecycle::{
    DEFAULT_SESSIONS_SIZE, DEFAULT_WORKSPACE_SIZE, Persistence, Standby, VolumeClaim,
};
pub use link::{DEFAULT_LINK, LinkMistake, LinkName, MAX_LINKS};
pub use namespaces::{NamespaceError, Namespaces};
pub use pod::{
    AgentPodSpec, ContainerExtras, DEFAULT_MEMORY_LIMIT, DEFAULT_MEMORY_REQUEST, DEFAULT_USER,
    Scheduling, SystemContainers,
};
pub use port::{ExtraPort, PortProtocol};
pub use raw_json::RawJson;
pub use reference::{LocalRef, TemplateRef};
pub use serving::serves;
pub use share::{Access, ShareLink, ShareLinkStatus, ShareSpec, ShareStatus};
pub use start_phase::StartPhase;
pub use status::{AgentStatus, GitSyncStatus};
pub use target::{NoTarget, Target};
pub use task::{Quota, TaskStart};
pub use template::{AgentTemplate, AgentTemplateSpec, AgentTemplateStatus};
pub use token::{ShareToken, TokenLookup, TokenProof};
pub use tool::{ToolError, ToolName, ToolRole};
