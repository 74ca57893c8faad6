//! The examples of the users' documents, each by a test of its own: what the document says that its agent has.

mod pod_configuration;
mod sharing;

use std::{collections::BTreeMap, fs, path::PathBuf};

use api_types::{Agent, AgentTemplate};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::password;
use crate::{
    desired::{Causes, DesiredObjects, desired},
    fixture::defaults,
    resolve::{Defaults, ResolvedAgent, resolve},
};

/// The manifests of the documents as files, each named by its section.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../api-types/tests/fixtures/spec")
}

/// The manifest in the file of this name, which ends in `.yaml`.
fn example<T: DeserializeOwned>(file: &str) -> T {
    let text = fs::read_to_string(folder().join(file).with_extension("yaml")).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

/// An agent as the API server would have stored it.
fn stored(mut agent: Agent) -> Agent {
    agent.metadata.namespace.get_or_insert_with(|| "team-a".to_owned());
    agent.metadata.uid = Some("uid-1".to_owned());
    agent
}

/// The same agent with a container of every kind. The example says nothing of these lists.
fn with_every_container(agent: &Agent) -> Agent {
    let git = json!({ "repository": "https://git.example.com/a.git", "sync": { "enabled": true } });
    let lists = json!({
        "contexts": [
            { "type": "Text", "text": "Be kind." },
            { "type": "URL", "url": { "source": "https://example.com/a" } },
            { "type": "Git", "mountPath": "code", "git": git },
        ],
        "plugins": [{ "name": "one@1.0.0" }],
    });
    let mut agent = serde_json::to_value(agent).unwrap();
    for (list, items) in lists.as_object().unwrap() {
        if agent["spec"][list].is_null() {
            agent["spec"][list] = items.clone();
        }
    }
    serde_json::from_value(agent).unwrap()
}

fn resolved(agent: Agent, template: Option<&AgentTemplate>, defaults: &Defaults) -> ResolvedAgent {
    resolve(&stored(agent), template, defaults).unwrap()
}

fn objects(agent: Agent, template: Option<&AgentTemplate>) -> DesiredObjects {
    desired(&resolved(agent, template, &defaults()), &password(), Causes::default())
}

fn pod(objects: &DesiredObjects) -> Value {
    json!(objects.deployment)["spec"]["template"]["spec"].take()
}

/// All containers of a pod, those that prepare it too.
fn containers(pod: &Value) -> BTreeMap<String, Value> {
    let lists = ["initContainers", "containers"].map(|list| pod[list].as_array().unwrap());
    let named = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one.clone());
    lists.into_iter().flatten().map(named).collect()
}

/// A container's variable of this name, as it is written in the pod; null where it has none.
fn variable(container: &Value, name: &str) -> Value {
    let mut variables = container["env"].as_array().into_iter().flatten();
    variables.find(|one| one["name"] == name).cloned().unwrap_or_default()
}

/// What is mounted at `path`; null where nothing is.
fn mount(container: &Value, path: &str) -> Value {
    let mut mounts = container["volumeMounts"].as_array().into_iter().flatten();
    mounts.find(|one| one["mountPath"] == path).cloned().unwrap_or_default()
}

/// A document's example that no test reads would be no promise.
#[test]
fn every_example_is_read_by_one_test() {
    let tests =
        [include_str!("documents/pod_configuration.rs"), include_str!("documents/sharing.rs")];
    let mut examples = 0;
    for file in fs::read_dir(folder()).unwrap() {
        let file = file.unwrap().path();
        let name = format!("example(\"{}\")", file.file_stem().unwrap().to_str().unwrap());
        let read = tests.iter().map(|tests| tests.matches(&name).count()).sum::<usize>();
        assert_eq!(read, 1, "{name}");
        examples += 1;
    }
    assert_eq!(examples, 16, "the documents show 16 manifests");
}
