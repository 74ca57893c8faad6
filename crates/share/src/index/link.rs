//! What of an Agent matters to its link. When in doubt, the link is closed.

use api_types::{Agent, ShareSpec, network::parse_allowed};

use super::Link;
use crate::verdict::{Networks, Readiness, Share};

impl Link {
    /// `None` unless the link is turned on and its token's digests are published.
    pub(super) fn of(agent: &Agent) -> Option<Self> {
        // An Agent that is being deleted is on its way out, whatever still stands in it.
        let exists = agent.metadata.uid.is_some() && agent.metadata.deletion_timestamp.is_none();
        let spec = agent.spec.share.as_ref().filter(|share| share.enabled && exists)?;
        let published = agent.status.as_ref()?.share.as_ref()?;
        Some(Self {
            lookup: published.token_lookup.as_ref()?.parse().ok()?,
            proof: published.token_proof.as_ref()?.parse().ok()?,
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
    Networks::Only(parsed.unwrap_or_default())
}

/// The wish counts at once, before the controller has carried it out.
fn readiness(agent: &Agent) -> Readiness {
    let status = agent.status.as_ref();
    if agent.spec.suspend || status.is_some_and(|status| status.suspended) {
        Readiness::Suspended
    } else if status.is_some_and(|status| status.ready) {
        Readiness::Ready
    } else {
        Readiness::NotReady
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{changed, demo, token};

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
        assert_eq!(link, Link { lookup, proof, share });
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
        assert_eq!(readiness_of(&starting), Readiness::NotReady);
        let wished = changed(|agent| agent.spec.suspend = true);
        assert_eq!(readiness_of(&wished), Readiness::Suspended);
        let idle = changed(|agent| agent.status.as_mut().unwrap().suspended = true);
        assert_eq!(readiness_of(&idle), Readiness::Suspended);
    }

    #[test]
    fn an_entry_that_cannot_be_read_allows_nobody() {
        assert_eq!(allowed(&[]), Networks::Anywhere);
        let one = Networks::Only(vec!["192.0.2.0/24".parse().unwrap()]);
        assert_eq!(allowed(&["192.0.2.0/24"]), one);
        assert_eq!(allowed(&["192.0.2.0/24", "office"]), Networks::Only(vec![]));
    }
}
