//! What of an Agent matters to its link. When in doubt, the link is closed.

use std::sync::Arc;

use api_types::{
    Agent, AgentId, AgentStatus, ShareSpec, StartPhase,
    condition::{self, reason},
    network::parse_allowed,
};

use super::{Link, uid::Uid};
use crate::verdict::{Networks, Readiness, Share};

impl Link {
    /// `None` unless the link is turned on and its token's digests are published.
    pub(super) fn of(agent: &Agent) -> Option<Self> {
        // An Agent that is being deleted is on its way out, whatever still stands in it.
        let exists = agent.metadata.uid.is_some() && agent.metadata.deletion_timestamp.is_none();
        let spec = agent.spec.share.as_ref().filter(|share| share.enabled && exists)?;
        let published = agent.status.as_ref()?.share.as_ref()?;
        let id = AgentId::of(agent);
        Some(Self {
            lookup: published.token_lookup.as_ref()?.parse().ok()?,
            proof: published.token_proof.as_ref()?.parse().ok()?,
            uid: Uid::new(&id.uid),
            agent: Arc::new(id),
            share: Share {
                expires_at: spec.expires_at,
                allowed: networks(spec),
                readiness: readiness(agent),
            },
        })
    }
}

/// One entry that cannot be read allows nobody: skipping it would leave a list
/// other than the one its author meant. Admission refuses such entries.
fn networks(share: &ShareSpec) -> Networks {
    if share.allowed_ips.is_empty() {
        return Networks::Anywhere;
    }
    let parsed: Result<Vec<_>, _> =
        share.allowed_ips.iter().map(|entry| parse_allowed(entry)).collect();
    Networks::Only(parsed.unwrap_or_default().into())
}

/// The wish counts at once, before the controller has carried it out: an agent that slept when its
/// owner suspended it is suspended.
fn readiness(agent: &Agent) -> Readiness {
    let Some(status) = &agent.status else { return Readiness::NotReady(None) };
    if agent.spec.suspend {
        Readiness::Suspended
    } else if sleeps_in_standby(status) {
        Readiness::Asleep
    } else if status.suspended {
        Readiness::Suspended
    } else if status.ready {
        Readiness::Ready
    } else {
        Readiness::NotReady(start_phase(status))
    }
}

fn sleeps_in_standby(status: &AgentStatus) -> bool {
    status.conditions.iter().any(|condition| {
        condition.type_ == condition::SUSPENDED
            && condition.status == condition::status::TRUE
            && condition.reason == reason::STANDBY
    })
}

/// Nothing of a condition's text is kept but which of our own sentences it is: any other may repeat
/// what a user wrote, and guests read this.
fn start_phase(status: &AgentStatus) -> Option<StartPhase> {
    let mut conditions = status.conditions.iter();
    let progressing = conditions.find(|condition| {
        condition.type_ == condition::READY && condition.reason == reason::PROGRESSING
    })?;
    StartPhase::from_message(&progressing.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixtures::{asleep, changed, condition, demo, starting, token};

    fn readiness_of(agent: &Agent) -> Readiness {
        Link::of(agent).unwrap().share.readiness
    }

    fn allowed(entries: &[&str]) -> Networks {
        networks(&ShareSpec {
            allowed_ips: entries.iter().map(ToString::to_string).collect(),
            ..ShareSpec::default()
        })
    }

    #[test]
    fn a_link_is_what_spec_and_status_agree_on() {
        let link = Link::of(&demo()).unwrap();
        let share =
            Share { expires_at: None, allowed: Networks::Anywhere, readiness: Readiness::Ready };
        let (lookup, proof) = (token(1).lookup(), token(1).proof("uid-1"));
        let (uid, agent) = (Uid::new("uid-1"), Arc::new(AgentId::of(&demo())));
        assert_eq!(link, Link { lookup, proof, uid, agent, share });
    }

    #[test]
    fn what_is_missing_or_malformed_closes_the_link() {
        type Case = (&'static str, fn(&mut Agent));
        let cases: [Case; 6] = [
            ("turned off", |agent| agent.spec.share.as_mut().unwrap().enabled = false),
            ("no share at all", |agent| agent.spec.share = None),
            ("no status yet", |agent| agent.status = None),
            ("no digests yet", |agent| agent.status.as_mut().unwrap().share = None),
            ("half a proof", |agent| {
                let share = agent.status.as_mut().unwrap().share.as_mut().unwrap();
                share.token_proof = Some("abc".into());
            }),
            ("never stored", |agent| agent.metadata.uid = None),
        ];
        for (name, change) in cases {
            assert_eq!(Link::of(&changed(change)), None, "{name}");
        }
    }

    #[test]
    fn readiness_follows_the_status_and_suspension_the_wish() {
        assert_eq!(readiness_of(&demo()), Readiness::Ready);
        let starting = changed(|agent| agent.status.as_mut().unwrap().ready = false);
        assert_eq!(readiness_of(&starting), Readiness::NotReady(None));
        let wished = changed(|agent| agent.spec.suspend = true);
        assert_eq!(readiness_of(&wished), Readiness::Suspended);
        let idle = changed(|agent| agent.status.as_mut().unwrap().suspended = true);
        assert_eq!(readiness_of(&idle), Readiness::Suspended);
    }

    #[test]
    fn an_agent_in_standby_is_asleep_unless_its_owner_suspended_it() {
        assert_eq!(readiness_of(&asleep()), Readiness::Asleep);
        let mut wished = asleep();
        wished.spec.suspend = true;
        assert_eq!(readiness_of(&wished), Readiness::Suspended);

        let others = [
            ("Suspended", "True", "UserRequested"),
            ("Suspended", "False", "Standby"),
            ("Ready", "True", "Standby"),
        ];
        for (type_, status, reason) in others {
            let mut agent = asleep();
            agent.status.as_mut().unwrap().conditions = vec![condition(type_, status, reason, "")];
            assert_eq!(readiness_of(&agent), Readiness::Suspended, "{type_} {status} {reason}");
        }
    }

    #[test]
    fn of_a_starting_agent_only_our_own_sentences_are_known() {
        let phase = StartPhase::InstallingPlugins;
        let known = starting("Progressing", &phase.to_string());
        assert_eq!(readiness_of(&known), Readiness::NotReady(Some(phase)));
        for (reason, message) in [
            ("Progressing", "https://user:secret@git.example.com"),
            ("Progressing", ""),
            ("InvalidSpec", "the agent is installing its plugins"),
        ] {
            let agent = starting(reason, message);
            assert_eq!(readiness_of(&agent), Readiness::NotReady(None), "{reason}: {message}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_allows_nobody() {
        assert_eq!(allowed(&[]), Networks::Anywhere);
        let one = Networks::Only(["192.0.2.0/24".parse().unwrap()].into());
        assert_eq!(allowed(&["192.0.2.0/24"]), one);
        assert_eq!(allowed(&["192.0.2.0/24", "office"]), Networks::Only([].into()));
    }
}
