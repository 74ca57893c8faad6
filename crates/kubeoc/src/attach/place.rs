//! Where the terminal is, and what to do where there is none. Pure.

use api_types::{
    Agent, LinkName, NoTarget,
    condition::{READY, reason},
};

use crate::{
    advice::{Subject, advice},
    exit::Failure,
    state::{ASLEEP, State, TERMINATING},
    stored::Stored,
};

/// A link that the agent does not have has no terminal either.
pub(super) fn check_link(
    agent: &Agent,
    link: Option<&LinkName>,
    namespace: &str,
) -> Result<(), Failure> {
    let links = || agent.spec.share.iter().flat_map(|share| &share.links);
    let Some(link) = link.filter(|link| links().all(|one| one.name != link.as_str())) else {
        return Ok(());
    };
    let name = agent.metadata.name.as_deref().unwrap_or_default();
    let agent = format!("{name} -n {namespace}");
    Err(Failure::NotFound(match links().next() {
        None => format!(
            "the agent has no link {link}; leave --link out for the terminal of its default link, or create \
             the link with: kubeoc agent share {agent} --link {link}"
        ),
        Some(_) => {
            format!("the agent has no link {link}; to see which it has: kubeoc agent links {agent}")
        }
    }))
}

/// Why there is no terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Absent {
    pub(super) sentence: String,
    pub(super) lasts: Lasts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasts {
    /// The agent may be about to have one.
    Perhaps,
    /// Only a person changes it.
    Yes,
}

pub(super) fn absent(stored: &Stored<Agent>, namespace: &str, cause: NoTarget) -> Absent {
    let agent = &stored.object;
    let state = State::of(agent, stored.unreadable.as_deref());
    let subject = Subject {
        name: agent.metadata.name.as_deref().unwrap_or_default(),
        namespace,
        template: agent.spec.template_ref.as_ref().map(|template| template.name.as_str()),
    };
    let cause = match (&*state.word, &*state.message) {
        // It was, a moment ago.
        (READY, _) => cause.to_string(),
        (word, "") => word.to_owned(),
        (_, message) => message.trim_end_matches('.').to_owned(),
    };
    let lasts = match &*state.word {
        reason::SUSPENDED | ASLEEP | TERMINATING => Lasts::Yes,
        _ => Lasts::Perhaps,
    };
    let todo = advice(&state, subject).map(|todo| format!(". {todo}")).unwrap_or_default();
    Absent { sentence: format!("the agent has no terminal: {cause}{todo}"), lasts }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn stored(change: impl FnOnce(&mut Value)) -> Stored<Agent> {
        let mut agent = json!({
            "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent",
            "metadata": { "name": "demo", "namespace": "team-a", "uid": "uid-1" },
            "spec": { "share": { "enabled": true, "links": [{ "name": "qa" }] } },
            "status": { "ready": true },
        });
        change(&mut agent);
        serde_json::from_str(&agent.to_string()).unwrap()
    }

    fn with_reason(reason: &str, message: &str) -> Stored<Agent> {
        stored(|agent| {
            agent["status"]["conditions"] = json!([{
                "type": "Ready", "status": "False", "reason": reason, "message": message,
                "lastTransitionTime": "2026-11-21T12:00:00Z",
            }]);
        })
    }

    #[test]
    fn only_a_link_that_the_agent_has_has_a_terminal() {
        let checked = |agent: &Stored<Agent>, link: Option<&str>| {
            let link = link.map(|link| LinkName::parse(link).unwrap());
            check_link(&agent.object, link.as_ref(), "team-a").map_err(|error| error.to_string())
        };
        let demo = stored(|_| ());
        assert_eq!((checked(&demo, None), checked(&demo, Some("qa"))), (Ok(()), Ok(())));
        let missing = checked(&demo, Some("audience")).unwrap_err();
        assert!(missing.ends_with("kubeoc agent links demo -n team-a"), "{missing}");
        let unshared = stored(|agent| agent["spec"] = json!({}));
        assert_eq!(checked(&unshared, None), Ok(()), "the default link's terminal is always there");
        let missing = checked(&unshared, Some("qa")).unwrap_err();
        assert!(missing.ends_with("kubeoc agent share demo -n team-a --link qa"), "{missing}");
    }

    #[test]
    fn an_agent_without_a_terminal_says_why_and_the_way_out() {
        let of = |stored: &Stored<Agent>| absent(stored, "team-a", NoTarget::NoReadyPod);
        let suspended = of(&with_reason("Suspended", "the agent is suspended"));
        let sentence = "the agent has no terminal: the agent is suspended. Start it with: kubeoc agent resume \
                        demo -n team-a";
        assert_eq!(suspended, Absent { sentence: sentence.into(), lasts: Lasts::Yes });
        let starting = of(&with_reason("Progressing", "git-init-0 clones the repository."));
        assert!(starting.sentence.contains("clones the repository. Wait"), "{starting:?}");
        let ready = of(&stored(|_| ()));
        assert_eq!(
            ready.sentence,
            "the agent has no terminal: no pod of the agent is running and ready"
        );
        assert_eq!((starting.lasts, ready.lasts), (Lasts::Perhaps, Lasts::Perhaps));
    }
}
