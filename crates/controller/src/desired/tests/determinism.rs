//! The same spec yields the same pod, byte for byte, wherever and in whatever order it is written: a pod restarts
//! for a cause only.

use kube::core::ObjectMeta;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    fixture::{agent, defaults, specs},
    resolve::resolve,
};

/// The pod's template of an agent of this name, as text in which the names are taken out.
fn nameless(spec: &AgentSpec, name: &str, namespace: &str) -> Option<String> {
    let mut agent = agent(spec.clone());
    let uid = Some(format!("uid-of-{name}"));
    let (name_, namespace_) = (Some(name.to_owned()), Some(namespace.to_owned()));
    agent.metadata = ObjectMeta { name: name_, namespace: namespace_, uid, ..agent.metadata };
    let resolved = resolve(&agent, None, &defaults()).ok()?;
    let objects = desired(&resolved, &password(), Causes::default());
    let template = serde_json::to_string(&objects.deployment.spec?.template).unwrap();
    Some(template.replace(name, "NAME").replace(namespace, "NAMESPACE"))
}

/// It tells the agent who and where it is, and so its hash is that of the names, too.
fn tells_its_name(spec: &AgentSpec) -> bool {
    spec.contexts.iter().flatten().any(|context| context.runtime.is_some())
}

/// Every object's fields from the last to the first.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let field =
                |(name, value)| format!("{}:{}", Value::from(name as &str), backwards(value));
            let fields: Vec<_> =
                fields.iter().rev().map(|(name, value)| field((name, value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(backwards).collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}

fn bytes(spec: AgentSpec) -> Option<String> {
    let resolved = resolve(&agent(spec), None, &defaults()).ok()?;
    Some(format!("{:?}", desired(&resolved, &password(), Causes::default())))
}

proptest! {
    #[test]
    fn two_agents_of_one_spec_have_one_pod_but_for_their_names(spec in specs::demanding()) {
        let spec = specs::read(&spec);
        prop_assume!(!tells_its_name(&spec));
        let one = nameless(&spec, "quokka", "team-of-one");
        prop_assert_eq!(nameless(&spec, "zebra-with-stripes", "elsewhere"), one);
    }

    #[test]
    fn the_order_of_fields_means_nothing(spec in specs::demanding()) {
        let written_backwards = backwards(&spec);
        let written_forwards = spec.to_string();
        prop_assume!(written_backwards != written_forwards);
        let read = serde_json::from_str(&written_backwards).unwrap();
        prop_assert_eq!(bytes(read), bytes(specs::read(&spec)));
    }
}
