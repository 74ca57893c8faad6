//! What of an Agent matters to its links. When in doubt, a link is closed.

use std::{num::NonZeroU16, sync::Arc};

use api_types::{
    Access, Agent, AgentId, AgentStatus, ShareLink, StartPhase,
    condition::{self, reason},
    network::parse_allowed,
};
use time::OffsetDateTime;

use super::{Link, Place, uid::Uid};
use crate::verdict::{Limits, Networks, Readiness, Share};

impl Link {
    /// The agent's links that are turned on, and whose tokens' digests are published: its default
    /// link, and those with names.
    pub(super) fn all_of(agent: &Agent) -> Vec<Self> {
        Self::find_all_of(agent).unwrap_or_default()
    }

    fn find_all_of(agent: &Agent) -> Option<Vec<Self>> {
        // An Agent that is being deleted is on its way out, whatever still stands in it.
        let exists = agent.metadata.uid.is_some() && agent.metadata.deletion_timestamp.is_none();
        let spec = agent.spec.share.as_ref().filter(|share| share.enabled && exists)?;
        let published = agent.status.as_ref()?.share.as_ref()?;
        let (id, readiness) = (Arc::new(AgentId::of(agent)), readiness(agent));
        let link = |name, digests: Digests<'_>, right: Right<'_>| {
            Some(Self {
                lookup: digests.0.as_ref()?.parse().ok()?,
                proof: digests.1.as_ref()?.parse().ok()?,
                uid: Uid::new(&id.uid),
                place: Place { agent: Arc::clone(&id), name },
                share: right.share(readiness),
            })
        };
        let digests = (&published.token_lookup, &published.token_proof);
        let default = link(None, digests, Right::of_default(spec.expires_at, &spec.allowed_ips));
        let named = spec.named_links().filter_map(|(name, spec, mistake)| {
            let state = published.links.iter().find(|state| state.name == spec.name)?;
            let digests = (&state.token_lookup, &state.token_proof);
            if mistake.is_some() { None } else { link(Some(name), digests, Right::of(spec)) }
        });
        Some(default.into_iter().chain(named).collect())
    }
}

/// The two digests of a token, as they are published.
type Digests<'a> = (&'a Option<String>, &'a Option<String>);

/// What a spec says of one link.
struct Right<'a> {
    expires_at: Option<OffsetDateTime>,
    allowed: &'a [String],
    access: Access,
    limits: Limits,
}

impl<'a> Right<'a> {
    fn of_default(expires_at: Option<OffsetDateTime>, allowed: &'a [String]) -> Self {
        Self { expires_at, allowed, access: Access::Interact, limits: Limits::default() }
    }

    fn of(link: &'a ShareLink) -> Self {
        let limits = Limits {
            max_viewers: link.max_viewers.and_then(NonZeroU16::new),
            idle_timeout: link.idle_timeout.as_ref().map(api_types::Duration::get),
        };
        let ShareLink { expires_at, access, .. } = *link;
        Self { expires_at, allowed: &link.allowed_ips, access, limits }
    }

    fn share(self, readiness: Readiness) -> Share {
        let Self { expires_at, allowed, access, limits } = self;
        let limits = (limits != Limits::default()).then(|| Arc::new(limits));
        Share { expires_at, allowed: networks(allowed), readiness, access, limits }
    }
}

/// One entry that cannot be read allows nobody: skipping it would leave a list
/// other than the one its author meant. Admission refuses such entries.
fn networks(allowed: &[String]) -> Networks {
    if allowed.is_empty() {
        return Networks::Anywhere;
    }
    let parsed: Result<Vec<_>, _> = allowed.iter().map(|entry| parse_allowed(entry)).collect();
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
    use api_types::LinkName;
    use fixtures::{asleep, changed, condition, demo, linked, starting, token};

    fn of(agent: &Agent) -> Option<Link> {
        Link::all_of(agent).into_iter().next()
    }

    fn readiness_of(agent: &Agent) -> Readiness {
        of(agent).unwrap().share.readiness
    }

    fn allowed(entries: &[&str]) -> Networks {
        networks(&entries.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    /// Of the default link of `demo`.
    fn open() -> Share {
        Share {
            expires_at: None,
            allowed: Networks::Anywhere,
            readiness: Readiness::Ready,
            access: Access::Interact,
            limits: None,
        }
    }

    fn link(number: u8, name: Option<&str>, share: Share) -> Link {
        let (lookup, proof) = (token(number).lookup(), token(number).proof("uid-1"));
        let name = name.map(|name| LinkName::parse(name).unwrap());
        let place = Place { agent: Arc::new(AgentId::of(&demo())), name };
        Link { lookup, proof, uid: Uid::new("uid-1"), place, share }
    }

    #[test]
    fn a_link_is_what_spec_and_status_agree_on() {
        assert_eq!(Link::all_of(&demo()), [link(1, None, open())]);
    }

    #[test]
    fn each_link_has_its_own_token_and_rights() {
        let limits = Limits {
            max_viewers: NonZeroU16::new(3),
            idle_timeout: Some(std::time::Duration::from_mins(30)),
        };
        let agent = linked(2, |link| {
            (link.name, link.access) = ("qa".into(), Access::View);
            link.allowed_ips = vec!["192.0.2.0/24".into()];
            (link.max_viewers, link.idle_timeout) = (Some(3), "30m".parse().ok());
        });
        let share = Share {
            allowed: allowed(&["192.0.2.0/24"]),
            access: Access::View,
            limits: Some(Arc::new(limits)),
            ..open()
        };
        assert_eq!(Link::all_of(&agent), [link(1, None, open()), link(2, Some("qa"), share)]);
    }

    #[test]
    fn a_link_that_is_missing_or_malformed_is_closed_and_no_other() {
        type Case = (&'static str, fn(&mut Agent));
        let cases: [Case; 5] = [
            ("not in the spec", |agent| agent.spec.share.as_mut().unwrap().links.clear()),
            ("no state yet", |agent| {
                agent.status.as_mut().unwrap().share.as_mut().unwrap().links.clear();
            }),
            ("another's name", |agent| {
                agent.status.as_mut().unwrap().share.as_mut().unwrap().links[0].name = "ci".into();
            }),
            ("a name that is none", |agent| {
                agent.spec.share.as_mut().unwrap().links[0].name = "default".into();
                agent.status.as_mut().unwrap().share.as_mut().unwrap().links[0].name =
                    "default".into();
            }),
            ("no network", |agent| {
                agent.spec.share.as_mut().unwrap().links[0].allowed_ips = vec!["office".into()];
            }),
        ];
        for (name, change) in cases {
            let mut agent = linked(2, |_| ());
            change(&mut agent);
            assert_eq!(Link::all_of(&agent), [link(1, None, open())], "{name}");
        }
        let mut agent = linked(2, |_| ());
        agent.status.as_mut().unwrap().share.as_mut().unwrap().token_lookup = None;
        assert_eq!(Link::all_of(&agent), [link(2, Some("qa"), open())], "the default link's");
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
            assert_eq!(of(&changed(change)), None, "{name}");
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
