//! Condition types and reasons; existing tools wait on these names.

/// Summarizes the others; has the reason of a user's mistake.
pub const READY: &str = "Ready";
/// The server's Deployment is available.
pub const SERVER_READY: &str = "ServerReady";
/// The server answers.
pub const SERVER_HEALTHY: &str = "ServerHealthy";
/// The agent has no pod, by request or because it is idle.
pub const SUSPENDED: &str = "Suspended";
/// The share link works; absent while sharing is off.
pub const SHARE_READY: &str = "ShareReady";

/// A repository is not as it is at its origin; absent where the agent has none.
pub const GIT_SYNC_PENDING: &str = "GitSyncPending";
/// The persistent volumes are as the agent asks; absent where it has none.
pub const VOLUMES_READY: &str = "VolumesReady";

/// `standby` cannot do what it should; absent where it can, or is not asked for.
pub const STANDBY_CONFIG_WARNING: &str = "StandbyConfigWarning";

/// All types of an Agent's conditions: the controller owns the list, and drops any other.
pub const TYPES: [&str; 8] = [
    READY,
    SERVER_READY,
    SERVER_HEALTHY,
    SUSPENDED,
    SHARE_READY,
    GIT_SYNC_PENDING,
    VOLUMES_READY,
    STANDBY_CONFIG_WARNING,
];

/// The values of a condition's `status`.
pub mod status {
    pub const TRUE: &str = "True";
    pub const FALSE: &str = "False";
}

/// Reasons of conditions.
pub mod reason {
    // ServerReady and ServerHealthy
    pub const DEPLOYMENT_READY: &str = "DeploymentReady";
    pub const DEPLOYMENT_NOT_READY: &str = "DeploymentNotReady";
    pub const DEPLOYMENT_HEALTHY: &str = "DeploymentHealthy";
    pub const DEPLOYMENT_NOT_FOUND: &str = "DeploymentNotFound";
    pub const SUSPENDED: &str = "Suspended";

    // Suspended
    pub const USER_REQUESTED: &str = "UserRequested";
    /// Nobody was connected for as long as `standby.idleTimeout`.
    pub const STANDBY: &str = "Standby";

    /// Of `Suspended`: the agent runs. Of `ShareReady`: the link works.
    pub const ACTIVE: &str = "Active";

    // ShareReady
    pub const EXPIRED: &str = "Expired";
    pub const AGENT_NOT_READY: &str = "AgentNotReady";

    // GitSyncPending
    pub const SYNCED: &str = "Synced";
    /// There is a newer commit, which a new pod will have.
    pub const UPDATE_AVAILABLE: &str = "UpdateAvailable";
    /// There is a newer commit, for which the pod is restarted once nobody uses it.
    pub const WAITING_FOR_SESSIONS: &str = "WaitingForSessions";
    /// The agent's own work is in the way of a newer commit.
    pub const DIVERGED: &str = "Diverged";
    pub const SYNC_FAILED: &str = "SyncFailed";

    // StandbyConfigWarning
    /// The time-out is too short to be told from a missed sign of life.
    pub const IDLE_TIMEOUT_TOO_SHORT: &str = "IdleTimeoutTooShort";
    /// Nobody tells the controller of terminals, so that the agent never falls asleep.
    pub const ACTIVITY_UNKNOWN: &str = "ActivityUnknown";
    /// The agent's server did not tell whether it is busy: the agent falls asleep all the same.
    pub const SERVER_NOT_ANSWERING: &str = "ServerNotAnswering";
    /// It refused to tell, so that the agent does not fall asleep.
    pub const SERVER_REFUSES: &str = "ServerRefuses";

    // VolumesReady
    pub const AS_REQUESTED: &str = "AsRequested";
    /// Kubernetes would not change an existing claim.
    pub const CHANGE_REFUSED: &str = "ChangeRefused";
    /// The agent does not ask for a volume any more, whose data is kept.
    pub const KEPT: &str = "Kept";

    // Ready of an AgentTemplate
    pub const VALID: &str = "Valid";

    // Ready
    pub const SERVER_READY: &str = "ServerReady";
    pub const PROGRESSING: &str = "Progressing";
    pub const INVALID_SPEC: &str = "InvalidSpec";
    pub const TEMPLATE_NOT_FOUND: &str = "TemplateNotFound";
    pub const REFERENCE_NOT_FOUND: &str = "ReferenceNotFound";
    /// It names a Secret that was not labelled for agents, where the installation asks for that.
    pub const SECRET_NOT_ALLOWED: &str = "SecretNotAllowed";
    pub const NAME_CONFLICT: &str = "NameConflict";
    /// A rule of the cluster forbids an object of the agent's: a quota, a webhook, a policy.
    pub const REJECTED: &str = "Rejected";
    pub const IMAGE_PULL_FAILED: &str = "ImagePullFailed";
    pub const CRASH_LOOP: &str = "CrashLoop";
    pub const UNSCHEDULABLE: &str = "Unschedulable";
    pub const INIT_FAILED: &str = "InitFailed";
}
