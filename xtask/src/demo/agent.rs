//! What the demo creates, as plain values: an agent, the model it talks to and the repository it works on.

use agent_jobs::Repository;
use serde_json::{Value, json};

use super::AGENT;
use crate::script::{self, NAMESPACE};

/// Where the demo's agent gets its answers from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Model {
    /// The endpoint in the cluster that says that it is a script.
    Scripted,
    /// An OpenCode configuration of the user's own.
    Config(Value),
    /// A provider that OpenCode knows, by the API key in this variable.
    ApiKey { variable: &'static str, key: String },
}

/// Where the demo's agent works.
pub(super) const WORKSPACE: &str = "/workspace";

/// Variables that OpenCode itself reads, in the order in which the demo looks for them.
pub(super) const API_KEYS: [&str; 4] =
    ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY"];

/// The Secret of the demo that holds an API key.
const CREDENTIALS: &str = "demo-credentials";

/// The objects to apply, in this order.
pub(super) fn objects(model: &Model, repository: &Repository) -> Vec<Value> {
    let mut objects = Vec::new();
    if let Model::ApiKey { variable, key } = model {
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": CREDENTIALS, "namespace": NAMESPACE },
            "stringData": { (*variable): key },
        }));
    }
    objects.push(agent(model, repository));
    objects
}

fn agent(model: &Model, repository: &Repository) -> Value {
    let mut spec = json!({
        "profile": "The demo's agent: open its link and type",
        "workspaceDir": WORKSPACE,
        "serviceAccountName": "default",
        "contexts": [{
            "name": "repository",
            "type": "Git",
            "mountPath": WORKSPACE,
            "git": { "repository": repository },
        }],
    });
    match model {
        Model::Scripted => spec["config"] = script::config(),
        Model::Config(config) => spec["config"] = config.clone(),
        Model::ApiKey { .. } => {
            spec["credentials"] =
                json!([{ "name": "api-key", "secretRef": { "name": CREDENTIALS } }]);
        }
    }
    json!({
        "apiVersion": "kubeopencode.io/v1alpha1",
        "kind": "Agent",
        "metadata": { "name": AGENT, "namespace": NAMESPACE },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> Repository {
        Repository::parse("https://git.example.com/shop.git").unwrap()
    }

    #[test]
    fn an_api_key_stands_in_a_secret_and_nowhere_else() {
        let key = "sk-very-secret".to_owned();
        let objects = objects(&Model::ApiKey { variable: "OPENAI_API_KEY", key }, &repository());
        assert_eq!(objects[0]["stringData"]["OPENAI_API_KEY"], "sk-very-secret");
        assert!(!objects[1].to_string().contains("sk-very-secret"));
        assert_eq!(objects[1]["spec"]["credentials"][0]["secretRef"]["name"], CREDENTIALS);
    }

    #[test]
    fn a_configuration_is_taken_as_it_is() {
        let config = json!({ "model": "x/y" });
        let objects = objects(&Model::Config(config.clone()), &repository());
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["spec"]["config"], config);
    }

    #[test]
    fn the_repository_is_where_the_agent_works() {
        let objects = objects(&Model::Scripted, &repository());
        let spec = &objects[0]["spec"];
        assert_eq!(spec["contexts"][0]["mountPath"], spec["workspaceDir"]);
        let url = &spec["contexts"][0]["git"]["repository"];
        assert_eq!(url, "https://git.example.com/shop.git");
    }
}
