//! What a template says is what its agents say that do not say it themselves.

use api_types::AgentTemplate;
use serde_json::{Value, json};

use super::*;
use crate::{
    fixture::{agent, defaults, specs},
    merge::merge,
    resolve::resolve,
};

/// The fields of a template, from its definition.
fn fields() -> Vec<String> {
    let crds = api_types::crds();
    let template = crds.iter().find(|crd| crd.spec.names.kind == "AgentTemplate").unwrap();
    let schema = template.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref();
    let schema = serde_json::to_value(schema.unwrap()).unwrap();
    schema["properties"]["spec"]["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn each_field_of_a_template_is_that_of_its_agents() {
    for complete in specs::complete() {
        let mut template = json!({ "workspaceDir": "/template", "serviceAccountName": "template" });
        for field in fields() {
            assert!(!complete[&field].is_null(), "{field}");
            let before = std::mem::replace(&mut template[&field], complete[&field].clone());
            let merged = merge(&AgentSpec::default(), Some(&specs::read_template(&template)));
            let expected = specs::read(&json!({ &field: complete[&field] }));
            let of = |spec: AgentSpec| serde_json::to_value(spec).unwrap()[&field].take();
            assert_eq!(of(merged), of(expected), "{field}");
            // The agent's own wins, an empty list too.
            let own = specs::read(&complete);
            template[&field] = before;
            let merged = merge(&own, Some(&specs::read_template(&template)));
            assert_eq!(of(merged), of(own), "{field}");
        }
    }
}

#[test]
fn an_agent_of_a_template_is_the_one_that_says_all_of_it_itself() {
    let [complete, _] = specs::complete();
    let (mut shared, mut own) = (json!({}), complete.clone());
    for field in fields() {
        shared[&field] = own.as_object_mut().unwrap().remove(&field).unwrap_or(Value::Null);
    }
    own["templateRef"] = json!({ "name": "base" });
    let template = AgentTemplate::new("base", specs::read_template(&shared));
    let objects = |spec, template| {
        let resolved = resolve(&agent(spec), template, &defaults()).unwrap();
        desired(&resolved, &password(), Causes::default())
    };
    assert_eq!(objects(specs::read(&own), Some(&template)), objects(specs::read(&complete), None));
}
