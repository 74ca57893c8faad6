use std::collections::BTreeMap;

use api_types::ShareStatus;
use fixtures::{agent, changed, demo, published, token};
use proptest::prelude::*;

use super::*;

fn index(agents: &[Agent]) -> ShareIndex {
    let mut index = ShareIndex::default();
    for agent in agents {
        index.apply(agent);
    }
    index
}

fn found(index: &ShareIndex, number: u8) -> Option<String> {
    index.find(&token(number)).map(|found| found.agent().to_string())
}

/// The agents whose links changed, and whether each is one still.
fn told(changes: &[Change]) -> Vec<(&str, bool)> {
    changes.iter().map(|((place, _), share)| (place.agent.name.as_str(), share.is_some())).collect()
}

#[test]
fn a_token_opens_its_agent_and_no_other_does() {
    let index = index(&[demo()]);
    assert_eq!(found(&index, 1).as_deref(), Some("team-a/demo"));
    assert_eq!(found(&index, 2), None);
}

#[test]
fn digests_copied_to_another_agent_open_nothing() {
    let thief = agent("a-thief", "uid-2", published(1, "uid-1"));
    let victim = index(&[thief.clone(), demo()]);
    assert_eq!(found(&victim, 1).as_deref(), Some("team-a/demo"));
    assert_eq!(found(&index(&[thief]), 1), None);
}

#[test]
fn an_agent_made_again_under_the_same_name_needs_its_own_token() {
    let again = agent("demo", "uid-2", published(1, "uid-1"));
    let mut index = index(&[demo()]);
    let place = Place { agent: Arc::new(AgentId::of(&demo())), name: None };
    let former = (place, token(1).proof("uid-1"));
    assert!(index.apply(&again).contains(&(former, None)));
    assert_eq!((found(&index, 1), index.links.len()), (None, 1));
}

#[test]
fn a_heartbeat_is_no_change() {
    let mut index = index(&[demo()]);
    let heartbeat = changed(|agent| {
        agent.metadata.resource_version = Some("2".into());
        agent.status.as_mut().unwrap().deployment_name = Some("demo-server".into());
    });
    assert_eq!(index.apply(&heartbeat), []);

    let rotated = agent("demo", "uid-1", published(2, "uid-1"));
    let told: Vec<bool> = index.apply(&rotated).iter().map(|(_, share)| share.is_some()).collect();
    assert_eq!(told, [false, true], "the end of the old token, the start of the new one");
    assert_eq!((found(&index, 1), found(&index, 2).is_some()), (None, true));
}

#[test]
fn a_listing_tells_what_changed_since() {
    let (kept, gone) = (demo(), agent("gone", "uid-2", published(2, "uid-2")));
    let came = agent("came", "uid-3", published(3, "uid-3"));
    let mut before = index(&[kept.clone(), gone]);

    let changed = before.replace(None, index(&[kept, came]));
    assert_eq!(told(&changed), [("gone", false), ("came", true)]);
    assert_eq!(found(&before, 2), None);
}

#[test]
fn a_listing_of_one_namespace_says_nothing_of_another() {
    let there = |name: &str, number: u8| {
        let uid = format!("uid-{number}");
        let mut agent = agent(name, &uid, published(number, &uid));
        agent.metadata.namespace = Some("team-b".into());
        agent
    };
    let mut known = index(&[demo(), there("kept", 2), there("gone", 3)]);
    let changed = known.replace(Some("team-b"), index(&[there("kept", 2), there("came", 4)]));
    assert_eq!(told(&changed), [("gone", false), ("came", true)]);
    let all = [1, 2, 3, 4].map(|number| found(&known, number));
    let expected = [Some("team-a/demo"), Some("team-b/kept"), None, Some("team-b/came")];
    assert_eq!(all, expected.map(|name| name.map(str::to_owned)));
}

/// The index as anybody would write it first: a scan over all agents.
#[derive(Default)]
struct Model(BTreeMap<String, Agent>);

impl Model {
    fn find(&self, token: &ShareToken) -> Option<AgentId> {
        let opens = |agent: &Agent| {
            let enabled = agent.spec.share.as_ref().is_some_and(|share| share.enabled);
            let uid = agent.metadata.uid.as_deref().unwrap();
            let share = agent.status.as_ref().unwrap().share.as_ref().unwrap();
            enabled
                && share.token_lookup == Some(token.lookup().to_string())
                && share.token_proof == Some(token.proof(uid).to_string())
        };
        self.0.values().filter(|agent| opens(agent)).map(AgentId::of).min()
    }
}

fn by_name(agents: Vec<Agent>) -> BTreeMap<String, Agent> {
    agents.into_iter().map(|agent| (AgentId::of(&agent).to_string(), agent)).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Box<Agent>),
    Remove(AgentId),
    /// By a listing of one namespace, or of all.
    Replace(Option<&'static str>, Vec<Agent>),
}

const NAMESPACES: [&str; 2] = ["team-a", "team-b"];

/// Few names, UIDs and tokens, so that they meet: digests of one agent published
/// by another, tokens used twice, names used again.
fn any_agent() -> impl Strategy<Value = Agent> {
    let digests = (0..3_u8, 0..3_u8, 0..3_u8).prop_map(|(lookup, proof, uid)| ShareStatus {
        token_lookup: published(lookup, "").token_lookup,
        ..published(proof, &format!("uid-{uid}"))
    });
    let name = (prop::sample::select(&NAMESPACES), 0..3_u8);
    (name, 0..3_u8, digests, any::<bool>()).prop_map(
        |((namespace, name), uid, digests, enabled)| {
            let mut agent = agent(&format!("agent-{name}"), &format!("uid-{uid}"), digests);
            agent.metadata.namespace = Some(namespace.to_owned());
            agent.spec.share.as_mut().unwrap().enabled = enabled;
            agent
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    let listed = prop::collection::vec(any_agent(), 0..4);
    prop_oneof![
        6 => any_agent().prop_map(|agent| Step::Apply(Box::new(agent))),
        3 => any_agent().prop_map(|agent| Step::Remove(AgentId::of(&agent))),
        2 => (prop::option::of(prop::sample::select(&NAMESPACES)), listed).prop_map(
            |(namespace, mut agents)| {
                agents.retain(|agent| namespace.is_none() || agent.metadata.namespace.as_deref() == namespace);
                Step::Replace(namespace, agents)
            }
        ),
    ]
}

proptest! {
    #[test]
    fn the_index_is_a_scan_only_faster(steps in prop::collection::vec(any_step(), 1..60)) {
        let (mut model, mut real) = (Model::default(), ShareIndex::default());
        for step in steps {
            match step {
                Step::Apply(agent) => {
                    real.apply(&agent);
                    model.0.insert(AgentId::of(&*agent).to_string(), *agent);
                }
                Step::Remove(agent) => {
                    real.remove(&agent);
                    model.0.remove(&agent.to_string());
                }
                Step::Replace(namespace, agents) => {
                    real.replace(namespace, index(&agents));
                    let of_another = |agent: &Agent| {
                        namespace.is_some() && agent.metadata.namespace.as_deref() != namespace
                    };
                    model.0.retain(|_, agent| of_another(agent));
                    model.0.extend(by_name(agents));
                }
            }
            for number in 0..3 {
                let found = real.find(&token(number)).map(|found| Arc::clone(found.agent()));
                let expected = model.find(&token(number));
                prop_assert_eq!(found.as_deref(), expected.as_ref());
            }
        }
        for agent in model.0.values() {
            real.remove(&AgentId::of(agent));
        }
        prop_assert!(real.links.is_empty() && real.by_lookup.is_empty(), "nothing is left behind");
    }
}
