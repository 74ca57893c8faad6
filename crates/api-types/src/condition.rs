//! Condition types and reasons; existing tools wait on these names.

/// Sums the others up; carries the reason of a user's mistake.
pub const READY: &str = "Ready";
/// The server's Deployment is available.
pub const SERVER_READY: &str = "ServerReady";
/// The server answers.
pub const SERVER_HEALTHY: &str = "ServerHealthy";
/// The agent has no pod, by wish or for idleness.
pub const SUSPENDED: &str = "Suspended";
/// The share link works; absent while sharing is off.
pub const SHARE_READY: &str = "ShareReady";
/// A newer commit waits to be taken in.
pub const GIT_SYNC_PENDING: &str = "GitSyncPending";
/// The idle time-out is too short to be told from a missed sign of life.
pub const STANDBY_CONFIG_WARNING: &str = "StandbyConfigWarning";
/// A claim is kept although the field that asked for it is gone.
pub const VOLUME_RETAINED: &str = "VolumeRetained";

/// The values of a condition's `status`.
pub mod status {
    pub const TRUE: &str = "True";
    pub const FALSE: &str = "False";
    pub const UNKNOWN: &str = "Unknown";
}

/// The reasons, each named in one place.
pub mod reason {
    // ServerReady and ServerHealthy
    pub const DEPLOYMENT_READY: &str = "DeploymentReady";
    pub const DEPLOYMENT_NOT_READY: &str = "DeploymentNotReady";
    pub const DEPLOYMENT_HEALTHY: &str = "DeploymentHealthy";
    pub const DEPLOYMENT_NOT_FOUND: &str = "DeploymentNotFound";
    pub const SUSPENDED: &str = "Suspended";

    // Suspended
    pub const USER_REQUESTED: &str = "UserRequested";
    pub const STANDBY: &str = "Standby";

    /// Of `Suspended`: the agent runs. Of `ShareReady`: the link works.
    pub const ACTIVE: &str = "Active";

    // ShareReady
    pub const EXPIRED: &str = "Expired";
    pub const AGENT_NOT_READY: &str = "AgentNotReady";

    // GitSyncPending
    pub const SYNCED: &str = "Synced";
    pub const WAITING_FOR_SESSIONS: &str = "WaitingForSessions";
    pub const DIVERGED: &str = "Diverged";

    // Ready
    pub const SERVER_READY: &str = "ServerReady";
    pub const PROGRESSING: &str = "Progressing";
    pub const INVALID_SPEC: &str = "InvalidSpec";
    pub const NOT_SUPPORTED_YET: &str = "NotSupportedYet";
    pub const TEMPLATE_NOT_FOUND: &str = "TemplateNotFound";
    pub const REFERENCE_NOT_FOUND: &str = "ReferenceNotFound";
    pub const NAME_CONFLICT: &str = "NameConflict";
    pub const IMAGE_PULL_FAILED: &str = "ImagePullFailed";
    pub const CRASH_LOOP: &str = "CrashLoop";
    pub const UNSCHEDULABLE: &str = "Unschedulable";
    pub const INIT_FAILED: &str = "InitFailed";
}
