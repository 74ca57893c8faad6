//! Whether the agent is to run: gathers what that is decided from, and asks its server before it
//! falls asleep.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use api_types::{
    Agent, AgentId,
    condition::{self, reason, status},
    labels, names,
    time_convert::from_k8s_time,
};
use daemon::clock;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt;
use time::{Duration, OffsetDateTime};

use super::{Reconciler, owner};
use crate::{
    activity::{Hearing, View},
    busy, fetch,
    held::Stage,
    resolve::{Lifecycle, ResolvedAgent, ServerPassword},
    secret::held_password,
    standby::{
        Before, Decision, Facts, NO_ANSWER_GRACE, Sessions, State, Warning, decide, heard,
        is_too_short,
    },
    status::newest,
};

/// What servers said last that were asked whether they are busy. In memory only: after a restart they are asked
/// anew, and an agent stays awake for a few minutes more.
#[derive(Default)]
pub(super) struct Answers(Mutex<HashMap<AgentId, Answer>>);

#[derive(Clone, Copy)]
enum Answer {
    NoneSince(OffsetDateTime),
    /// Also of one that refused to say.
    BusyAt(OffsetDateTime),
}

/// An agent that has been busy is asked again after its time-out, or this long.
const BUSY_KEPT: Duration = Duration::DAY;

impl Answer {
    fn counts(self, now: OffsetDateTime) -> bool {
        match self {
            Self::NoneSince(since) => now - since < NO_ANSWER_GRACE * 2,
            Self::BusyAt(at) => now - at < BUSY_KEPT,
        }
    }
}

impl Answers {
    /// Decides, and waits for the server's answer only where that is asked for.
    async fn decide(
        &self,
        agent: &AgentId,
        facts: Facts<'_>,
        answer: impl Future<Output = Sessions>,
    ) -> Decision {
        let last = self.all().get(agent).copied().filter(|answer| answer.counts(facts.now));
        let (unanswered_since, busy_at) = match last {
            Some(Answer::NoneSince(since)) => (Some(since), None),
            Some(Answer::BusyAt(at)) => (None, Some(at)),
            None => (None, None),
        };
        let facts = Facts { unanswered_since, busy_at, ..facts };
        let decision = decide(&facts);
        if !decision.ask {
            return decision;
        }
        let sessions = answer.await;
        self.note(agent, sessions, &facts);
        let decision = decide(&Facts { sessions, ..facts });
        if decision.state == State::Asleep {
            // The server that starts when it wakes is another one.
            self.all().remove(agent);
        }
        decision
    }

    fn note(&self, agent: &AgentId, sessions: Sessions, facts: &Facts<'_>) {
        let (mut all, now) = (self.all(), facts.now);
        all.retain(|_, answer| answer.counts(now));
        all.remove(agent);
        let answer = match sessions {
            Sessions::NoAnswer => Answer::NoneSince(facts.silent_since().unwrap_or(now)),
            Sessions::Busy | Sessions::Refused => Answer::BusyAt(now),
            Sessions::Idle | Sessions::NotAsked => return,
        };
        all.insert(agent.clone(), answer);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<AgentId, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was decided, and from what.
pub(super) struct Standing {
    pub(super) decision: Decision,
    pub(super) warning: Option<Warning>,
    pub(super) view: View,
    pub(super) now: OffsetDateTime,
}

impl Standing {
    pub(super) fn obeyed_by(&self, resolved: ResolvedAgent) -> ResolvedAgent {
        let lifecycle = match self.decision.state {
            State::Awake => Lifecycle::Running,
            State::Asleep | State::Suspended => Lifecycle::Suspended,
        };
        ResolvedAgent { lifecycle, ..resolved }
    }
}

impl Reconciler {
    pub(super) async fn standby(&self, agent: &Agent, identity: &AgentId) -> Standing {
        let now = clock::now();
        let view = self.activities.view(identity, now);
        let standby = agent.spec.standby.as_ref();
        let facts = Facts {
            idle_timeout: standby.map(|standby| {
                Duration::try_from(standby.idle_timeout.get()).unwrap_or(Duration::MAX)
            }),
            suspend: agent.spec.suspend,
            before: before(agent),
            sign_of_life: agent
                .annotations()
                .get(labels::LAST_CONNECTION_ACTIVE)
                .map(String::as_str),
            activity: view.activity,
            wake: view.wake,
            sessions: Sessions::NotAsked,
            unanswered_since: None,
            busy_at: None,
            now,
        };
        let mut said = Sessions::NotAsked;
        let answer = async {
            if self.is_stopped(identity) {
                Sessions::Idle
            } else if facts.before.ready_since.is_none() {
                // A server answers before its pod is ready, and says that nobody uses it: nobody could.
                Sessions::NoAnswer
            } else {
                said = self.sessions(identity, agent.spec.server_port()).await;
                said
            }
        };
        let decision = self.answers.decide(identity, facts, answer).await;
        let warning = match (facts.idle_timeout, view.hearing) {
            (None, _) => None,
            (Some(_), Hearing::Impossible) => Some(Warning::CannotHear),
            (Some(timeout), Hearing::Possible) => {
                let too_short = is_too_short(timeout).then_some(Warning::TooShort);
                heard(warned(agent), said).or(too_short)
            }
        };
        Standing { decision, warning, view, now }
    }

    /// Perhaps a moment ago, and the status does not say so yet.
    fn is_stopped(&self, identity: &AgentId) -> bool {
        let deployment = self.deployment(identity);
        deployment.is_some_and(|held| held.kept.stage == Stage::Suspended)
    }

    /// What the agent's server says that it works on.
    pub(super) async fn sessions(&self, identity: &AgentId, port: u16) -> Sessions {
        if self.is_stopped(identity) {
            return Sessions::Idle;
        }
        let pods = fetch::pods(&self.stores, identity);
        let pods: Vec<&Pod> = pods.iter().map(Arc::as_ref).collect();
        let ip = newest(&pods).and_then(|pod| pod.status.as_ref()?.pod_ip.as_ref());
        let Some(ip) = ip.and_then(|ip| ip.parse::<IpAddr>().ok()) else {
            return Sessions::NoAnswer;
        };
        let address = SocketAddr::new(ip, port);
        if self.defaults.server_password == ServerPassword::None {
            return busy::sessions(address, None).await;
        }
        let name = names::server_secret(&identity.name);
        let secret = self.applier.known::<Secret>(owner(identity), &name, &self.stores.secrets);
        match secret.and_then(|secret| held_password(&secret.kept)) {
            Some(password) => busy::sessions(address, Some(&password)).await,
            None => Sessions::NoAnswer,
        }
    }
}

/// What the status says of the server's answers.
fn warned(agent: &Agent) -> Option<Warning> {
    let conditions = &agent.status.as_ref()?.conditions;
    let found = conditions.iter().find(|one| one.type_ == condition::STANDBY_CONFIG_WARNING)?;
    match found.reason.as_str() {
        reason::SERVER_NOT_ANSWERING => Some(Warning::NotAnswering),
        reason::SERVER_REFUSES => Some(Warning::Refusing),
        _ => None,
    }
}

fn before(agent: &Agent) -> Before {
    let Some(old) = &agent.status else { return Before::default() };
    let holds = |type_: &str| {
        old.conditions.iter().find(|one| one.type_ == type_ && one.status == status::TRUE)
    };
    let suspended = |why: &str| holds(condition::SUSPENDED).filter(|one| one.reason == why);
    let since = |found: &api_types::Condition| from_k8s_time(&found.last_transition_time);
    Before {
        idle_since: old.idle_since,
        asleep_since: suspended(reason::STANDBY).map(since),
        by_request: suspended(reason::USER_REQUESTED).is_some(),
        ready_since: holds(condition::SERVER_READY).map(since),
    }
}

#[cfg(test)]
mod silence_tests;
