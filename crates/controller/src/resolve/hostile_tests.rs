//! Values that mean harm, past the API server: each is refused by the name of its field, or is data that no container
//! is started with.

use k8s_openapi::api::core::v1::Container;
use serde_json::Value;

use super::*;
use crate::{
    desired::{Causes, DesiredObjects, desired},
    fixture::{agent, defaults, specs},
    secret::Password,
};

const TABLE: &str = include_str!("../../../agent-tools/jobs/tests/hostile.json");

#[test]
fn hostile_values_are_refused_by_name_or_are_data() {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let rows = table["values"].as_array().unwrap();
    assert!(rows.len() >= 150);
    let mut surprises = vec![];
    for row in rows {
        let kind = &table["kinds"][row["kind"].as_str().unwrap()];
        let times = row["times"].as_u64().map_or(1, |times| times.try_into().unwrap());
        let value = row["value"].as_str().unwrap().repeat(times);
        let mut spec = kind["spec"].clone();
        *spec.pointer_mut(kind["at"].as_str().unwrap()).unwrap() = value.clone().into();
        let expected = row["refusedBy"].as_array().unwrap().contains(&"resolve".into());
        match resolve(&agent(specs::read(&spec)), None, &defaults()) {
            Ok(agent) => {
                let objects = desired(&agent, &Password::from_bytes(&[7; 32]), Causes::default());
                let is_data = !words(&objects).iter().any(|word| is_written_in(&value, word));
                if expected || !is_data {
                    surprises.push(format!("{row}: built"));
                }
            }
            Err(invalid) if expected && kind["field"] == invalid.field.as_str() => {}
            Err(invalid) => surprises.push(format!("{row}: {}", invalid.sentence())),
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
}

/// Of every container's command line.
fn words(objects: &DesiredObjects) -> Vec<String> {
    let template = objects.deployment.spec.clone().unwrap().template;
    let pod = template.spec.unwrap();
    let containers = pod.init_containers.into_iter().flatten().chain(pod.containers);
    let words = |container: Container| [container.command, container.args];
    containers.flat_map(words).flatten().flatten().collect()
}

/// A single letter is found in any word.
fn is_written_in(value: &str, word: &str) -> bool {
    value.len() > 2 && word.contains(value) && !names::TOOLS_DIR.contains(value)
}
