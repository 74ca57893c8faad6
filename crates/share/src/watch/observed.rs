//! What is read of an Agent, which is what its link depends on, and nothing else: the rest may be
//! of any depth and size, and is skipped.

use api_types::{
    Agent, AgentSpec, AgentStatus, ShareSpec, ShareStatus, condition, time_convert::to_k8s_time,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, core::ObjectMeta};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::value::RawValue;
use time::OffsetDateTime;

/// One Agent as the watch delivers it. It is delivered even where its link cannot be read: a watch
/// ends with the first object that cannot. It is read from the text of a list, or of an event whose
/// type comes first, as the API server writes it: serde would buffer an object that came before.
#[derive(Clone, Debug, Resource)]
#[resource(inherit = "Agent")]
pub(super) struct ObservedAgent {
    metadata: ObjectMeta,
    /// What its link depends on, or what is wrong with that.
    link: Result<Box<(Wish, State)>, String>,
}

/// The parts that are read each on its own.
#[derive(Deserialize)]
struct Outline {
    metadata: Identity,
    #[serde(default)]
    spec: Option<Box<RawValue>>,
    #[serde(default)]
    status: Option<Box<RawValue>>,
}

/// Of the metadata what the verdict needs. Managed fields mirror the whole object, with its depth.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    deletion_timestamp: Option<IgnoredAny>,
}

/// Of the spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    share: Option<ShareSpec>,
    suspend: bool,
}

/// Of the status.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    ready: bool,
    suspended: bool,
    share: Option<ShareStatus>,
    #[serde(deserialize_with = "conditions")]
    conditions: Vec<Condition>,
}

/// Of a condition what tells an agent that sleeps from one that starts.
#[derive(Deserialize)]
struct Observation {
    #[serde(rename = "type")]
    type_: String,
    status: String,
    reason: String,
    #[serde(default)]
    message: String,
}

impl Observation {
    const TYPES: [&str; 2] = [condition::READY, condition::SUSPENDED];

    fn into_condition(self) -> Condition {
        let Self { type_, status, reason, message } = self;
        // Since when it holds matters to nobody here.
        let last_transition_time = to_k8s_time(OffsetDateTime::UNIX_EPOCH);
        Condition {
            type_,
            status,
            reason,
            message,
            last_transition_time,
            observed_generation: None,
        }
    }
}

/// Conditions only say why an agent is not ready: one that cannot be read is passed over, and closes
/// no link.
fn conditions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    let text = Option::<&RawValue>::deserialize(deserializer)?;
    let list = text.and_then(|text| serde_json::from_str::<Vec<&RawValue>>(text.get()).ok());
    let read = |text: &RawValue| serde_json::from_str::<Observation>(text.get()).ok();
    let known = |observed: &Observation| Observation::TYPES.contains(&observed.type_.as_str());
    let list = list.unwrap_or_default().into_iter().filter_map(read).filter(known);
    Ok(list.map(Observation::into_condition).collect())
}

impl ObservedAgent {
    /// The Agent, with nothing in it but what its link depends on.
    pub(super) fn into_agent(self) -> Result<Agent, String> {
        let (wish, state) = *self.link?;
        let Wish { share, suspend } = wish;
        let spec = AgentSpec { share, suspend, ..AgentSpec::default() };
        let State { ready, suspended, share, conditions } = state;
        let status = AgentStatus { ready, suspended, share, conditions, ..AgentStatus::default() };
        Ok(Agent { metadata: self.metadata, spec, status: Some(status) })
    }
}

impl<'de> Deserialize<'de> for ObservedAgent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let outline = Outline::deserialize(deserializer)?;
        let wish = part(outline.spec.as_deref());
        let link = wish.and_then(|wish| Ok(Box::new((wish, part(outline.status.as_deref())?))));
        Ok(Self {
            metadata: outline.metadata.into(),
            link: link.map_err(|error| error.to_string()),
        })
    }
}

fn part<'a, T: Default + Deserialize<'a>>(
    text: Option<&'a RawValue>,
) -> Result<T, serde_json::Error> {
    text.map_or_else(|| Ok(T::default()), |text| serde_json::from_str(text.get()))
}

impl From<Identity> for ObjectMeta {
    fn from(identity: Identity) -> Self {
        // That it is being deleted matters, and not since when.
        let some_time = to_k8s_time(OffsetDateTime::UNIX_EPOCH);
        Self {
            name: identity.name,
            namespace: identity.namespace,
            uid: identity.uid,
            resource_version: identity.resource_version,
            deletion_timestamp: identity.deletion_timestamp.map(|_| some_time),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use fixtures::demo;
    use kube::core::{ObjectList, WatchEvent};
    use serde_json::json;

    use super::*;

    /// `demo` with what nobody reads, nested `depth` levels deep.
    fn deep(depth: usize) -> String {
        let nested = format!("{}1{}", r#"{"a":["#.repeat(depth / 2), "]}".repeat(depth / 2));
        let agent = serde_json::to_string(&demo()).unwrap();
        let agent = agent.replacen(
            r#""metadata":{"#,
            &format!(r#""metadata":{{"managedFields":[{{"fieldsV1":{nested},"time":0}}],"#),
            1,
        );
        agent.replacen(r#""spec":{"#, &format!(r#""spec":{{"config":{nested},"port":-1,"#), 1)
    }

    #[test]
    fn what_a_link_does_not_depend_on_is_not_read_however_deep_it_is() {
        for depth in [10, 124, 10_000, 1_000_000] {
            let list = format!(r#"{{"metadata":{{}},"items":[{}]}}"#, deep(depth));
            let list: ObjectList<ObservedAgent> = serde_json::from_str(&list).unwrap();
            let event = format!(r#"{{"type":"ADDED","object":{}}}"#, deep(depth));
            let event: WatchEvent<ObservedAgent> = serde_json::from_str(&event).unwrap();
            let WatchEvent::Added(of_event) = event else { panic!("{event:?}") };
            for observed in [of_event, list.items[0].clone()] {
                let agent = observed.into_agent().unwrap();
                assert_eq!((agent.metadata, agent.spec), (demo().metadata, demo().spec));
                assert_eq!(agent.status, demo().status);
            }
        }
    }

    #[test]
    fn a_link_that_cannot_be_read_is_still_delivered() {
        for hostile in [
            json!({ "metadata": { "name": "a" }, "spec": { "share": { "expiresAt": "soon" } } }),
            json!({ "metadata": { "name": "a" }, "spec": { "suspend": 3_000_000_000_u32 } }),
            json!({ "metadata": { "name": "a" }, "spec": [], "status": "ready" }),
            json!({ "metadata": { "name": "a" }, "status": { "share": { "tokenLookup": [] } } }),
        ] {
            let observed: ObservedAgent = serde_json::from_value(hostile.clone()).unwrap();
            assert_eq!(observed.meta().name.as_deref(), Some("a"));
            assert!(observed.into_agent().is_err(), "{hostile}");
        }
    }

    #[test]
    fn an_agent_that_is_being_deleted_is_seen_to_be() {
        let leaving = json!({ "metadata": { "deletionTimestamp": "any", "uid": "uid-1" } });
        let observed: ObservedAgent = serde_json::from_value(leaving).unwrap();
        assert!(observed.into_agent().unwrap().metadata.deletion_timestamp.is_some());
    }

    fn conditions_of(conditions: &str) -> Vec<(String, String, String)> {
        let text =
            format!(r#"{{"metadata":{{}},"status":{{"ready":true,"conditions":{conditions}}}}}"#);
        let observed: ObservedAgent = serde_json::from_str(&text).unwrap();
        let status = observed.into_agent().unwrap().status.unwrap();
        assert!(status.ready, "{conditions}");
        status.conditions.into_iter().map(|c| (c.type_, c.reason, c.message)).collect()
    }

    #[test]
    fn of_the_conditions_those_are_read_that_tell_sleep_from_a_start() {
        let read = conditions_of(
            r#"[{"type":"ShareReady","status":"True","reason":"Active"},
                {"type":"Suspended","status":"True","reason":"Standby","lastTransitionTime":7},
                {"type":"Ready","status":"False","reason":"Progressing","message":"m"}]"#,
        );
        let expected = [("Suspended", "Standby", ""), ("Ready", "Progressing", "m")];
        assert_eq!(read, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    }

    #[test]
    fn a_condition_that_cannot_be_read_closes_no_link() {
        let nested = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
        let deep = format!(r#"[{{"type":"Suspended","status":{nested},"reason":"Standby"}}]"#);
        let hostile = ["null", "7", "{}", "[null,7,[]]", r#"[{"type":"Ready"}]"#, &deep, &nested];
        for conditions in hostile {
            assert_eq!(conditions_of(conditions), [], "{conditions:.60}");
        }
        let beside = r#"[7,{"type":"Suspended","status":"True","reason":"Standby"}]"#;
        assert_eq!(conditions_of(beside).len(), 1);
    }
}
