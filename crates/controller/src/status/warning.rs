//! The condition `StandbyConfigWarning`: why an agent with standby sleeps too early, or never. Pure.

use api_types::{Agent, condition::reason, names};

use crate::standby::Warning;

/// The condition's reason and message.
pub(super) fn warn(warning: Warning, agent: &Agent) -> (&'static str, String) {
    match warning {
        Warning::TooShort => (
            reason::IDLE_TIMEOUT_TOO_SHORT,
            "spec.standby.idleTimeout is less than 2m: clients that no terminal broker sees tell of \
             themselves once a minute, and one that was missed puts the agent to sleep under its user"
                .to_owned(),
        ),
        Warning::CannotHear => (
            reason::ACTIVITY_UNKNOWN,
            "the controller has no certificate for the terminal brokers, and so does not know who \
             uses the agent: it does not fall asleep"
                .to_owned(),
        ),
        Warning::NotAnswering => (reason::SERVER_NOT_ANSWERING, not_answering(agent)),
        Warning::Refusing => (reason::SERVER_REFUSES, refusing(agent)),
    }
}

fn not_answering(agent: &Agent) -> String {
    format!(
        "the agent's server did not tell the controller whether it is busy: the agent falls asleep 5m after \
         spec.standby.idleTimeout even if it works; let the controller's namespace reach port {} of its pod, as by a \
         NetworkPolicy. It is asked again when it is next idle",
        agent.spec.server_port()
    )
}

/// A pod has the password with which it started.
fn refusing(agent: &Agent) -> String {
    let name = agent.metadata.name.as_deref().unwrap_or_default();
    format!(
        "the agent's server, or a proxy before it, refuses to tell the controller whether it is busy (401 or 403): as it \
         may work, the agent does not fall asleep; remove OPENCODE_SERVER_PASSWORD and OPENCODE_SERVER_USERNAME from \
         extraEnv, let the controller's namespace reach port {} of its pod, and where the Secret {:?} was replaced since \
         it started, suspend and resume it. It is asked again after spec.standby.idleTimeout",
        agent.spec.server_port(),
        names::server_secret(name)
    )
}
