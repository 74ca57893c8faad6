//! In which states the agents are, and how long they have been without their server. All agents are
//! gone through at each scrape, and nothing is kept: that is a millisecond for ten thousand.

use std::{collections::BTreeMap, fmt};

use api_types::{
    Agent, Condition,
    condition::{self, reason, status},
    time_convert::from_k8s_time,
};
use daemon::clock;
use kube::runtime::reflector::Store;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};
use time::OffsetDateTime;

use crate::guard::Guarded;

/// Of an agent that was not reconciled yet.
const NEW: State = State { ready: "Unknown", reason: "New" };
/// The reason where somebody else wrote another one than the controller does.
const OTHER: &str = "Other";

/// The reasons of `Ready` that the controller writes.
pub(super) const REASONS: [&str; 13] = [
    reason::SERVER_READY,
    reason::PROGRESSING,
    reason::SUSPENDED,
    reason::INVALID_SPEC,
    reason::TEMPLATE_NOT_FOUND,
    reason::REFERENCE_NOT_FOUND,
    reason::SECRET_NOT_ALLOWED,
    reason::NAME_CONFLICT,
    reason::REJECTED,
    reason::IMAGE_PULL_FAILED,
    reason::CRASH_LOOP,
    reason::UNSCHEDULABLE,
    reason::INIT_FAILED,
];

/// What `Ready` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    ready: &'static str,
    reason: &'static str,
}

/// The agents of one state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Group {
    count: i64,
    /// How long the one has lacked its server that has lacked it longest, in seconds.
    longest: f64,
}

/// All agents, as last seen.
pub(super) struct ReportedAgents(Store<Guarded<Agent>>);

impl ReportedAgents {
    pub(super) fn new(agents: Store<Guarded<Agent>>) -> Self {
        Self(agents)
    }

    fn groups(&self, now: OffsetDateTime) -> BTreeMap<State, Group> {
        let mut groups = BTreeMap::<_, Group>::new();
        for agent in self.0.state() {
            let (state, since) = state(&agent);
            let group = groups.entry(state).or_default();
            group.count += 1;
            let seconds = since.map_or(0.0, |since| (now - since).as_seconds_f64());
            group.longest = group.longest.max(seconds);
        }
        groups
    }
}

/// Its state, and since when it has lacked a server that it should have.
fn state(Guarded(agent): &Guarded<Agent>) -> (State, Option<OffsetDateTime>) {
    let Ok(agent) = agent else {
        // What runs is left as it is.
        return (State { ready: status::FALSE, reason: reason::INVALID_SPEC }, None);
    };
    let conditions = agent.status.as_ref().map(|status| &*status.conditions).unwrap_or_default();
    let find = |type_| conditions.iter().find(|condition| condition.type_ == type_);
    let Some(ready) = find(condition::READY) else {
        return (NEW, agent.metadata.creation_timestamp.as_ref().map(from_k8s_time));
    };
    let written = |reason: &&&str| **reason == ready.reason;
    let reason = REASONS.iter().find(written).copied().unwrap_or(OTHER);
    if ready.status == status::TRUE {
        return (State { ready: status::TRUE, reason }, None);
    }
    let state = State { ready: status::FALSE, reason };
    if reason == reason::SUSPENDED {
        return (state, None);
    }
    // One that was suspended was not ready then either, and should not have been.
    let changed = |condition: &Condition| from_k8s_time(&condition.last_transition_time);
    let resumed = find(condition::SUSPENDED).map(changed);
    (state, resumed.max(Some(changed(ready))))
}

impl fmt::Debug for ReportedAgents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportedAgents")
    }
}

impl Collector for ReportedAgents {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let groups = self.groups(clock::now());
        let help = "Agents by their condition Ready, and its reason.";
        let mut metric = encoder.encode_descriptor("agents", help, None, MetricType::Gauge)?;
        for (State { ready, reason }, group) in &groups {
            let labels = [("ready", *ready), ("reason", *reason)];
            ConstGauge::new(group.count).encode(metric.encode_family(&labels)?)?;
        }

        let help = "How long the agent that has lacked its server longest has done so, by reason.";
        let (name, unit) = ("agents_not_ready", Some(&Unit::Seconds));
        let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (State { reason, .. }, group) in groups.iter().filter(|(_, group)| group.longest > 0.0)
        {
            let label = [("reason", *reason)];
            ConstGauge::new(group.longest).encode(metric.encode_family(&label)?)?;
        }
        Ok(())
    }
}
