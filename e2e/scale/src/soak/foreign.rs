//! Objects of others under the names that Agents would give to theirs: they must stay as they are.

use anyhow::Result;
use api_types::{Agent, names};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DynamicObject, PostParams},
};
use serde_json::{Value, json};

use super::NAMESPACE;
use crate::agents::{create_one, dynamic};

/// The names of Agents that find theirs taken.
const PREFIX: &str = "taken-";

pub(super) struct Foreign {
    agents: Api<DynamicObject>,
    placed: Vec<(Api<DynamicObject>, DynamicObject)>,
}

/// Whether it is, or is of, an Agent whose names are taken.
pub(super) fn is_agents(name: &str) -> bool {
    name.starts_with(PREFIX)
}

impl Foreign {
    /// An object of each kind, and then the Agent that it is in the way of.
    pub(super) async fn place(client: &Client) -> Result<Self> {
        let agents = dynamic::<Agent>(client, NAMESPACE);
        let labels = json!({ "app": "other" });
        let pod = json!({ "containers": [{ "name": "other", "image": "other" }] });
        let template = json!({ "metadata": { "labels": labels }, "spec": pod });
        let deployment = json!({ "selector": { "matchLabels": labels }, "template": template });
        let service = json!({ "ports": [{ "port": 80 }] });
        let kinds = [
            ("v1", "Service", dynamic::<Service>(client, NAMESPACE), json!({ "spec": service })),
            (
                "v1",
                "ConfigMap",
                dynamic::<ConfigMap>(client, NAMESPACE),
                json!({ "data": { "a": "b" } }),
            ),
            (
                "v1",
                "Secret",
                dynamic::<Secret>(client, NAMESPACE),
                json!({ "data": { "password": "YQ==" } }),
            ),
            (
                "v1",
                "Secret",
                dynamic::<Secret>(client, NAMESPACE),
                json!({ "data": { "token": "YQ==" } }),
            ),
            (
                "apps/v1",
                "Deployment",
                dynamic::<Deployment>(client, NAMESPACE),
                json!({ "spec": deployment }),
            ),
        ];
        let mut placed = vec![];
        for (number, (version, kind, api, mut object)) in kinds.into_iter().enumerate() {
            let agent = format!("{PREFIX}{number}");
            let name = [
                names::service,
                names::context_config_map,
                names::server_secret,
                names::share_secret,
                names::deployment,
            ][number](&agent);
            object["apiVersion"] = version.into();
            object["kind"] = kind.into();
            object["metadata"] = json!({ "name": name });
            let object = serde_json::from_value(object)?;
            let made = api.create(&PostParams::default(), &object).await?;
            placed.push((api, made));
            let spec = json!({
                "workspaceDir": "/workspace", "config": {}, "share": { "enabled": true },
            });
            create_one(&agents, &agent, spec).await?;
        }
        Ok(Self { agents, placed })
    }

    pub(super) fn agents(&self) -> usize {
        self.placed.len()
    }

    /// Of objects that were touched, and of Agents that do not say what is in their way.
    pub(super) async fn problems(&self) -> Result<Vec<String>> {
        let mut problems = vec![];
        for (number, (api, placed)) in self.placed.iter().enumerate() {
            let name = placed.name_any();
            let now = api.get_opt(&name).await?;
            if now.as_ref().map(essence) != Some(essence(placed)) {
                problems.push(format!("{name} is not ours, and was touched: {now:?}"));
            }
            let agent = format!("{PREFIX}{number}");
            let status = self.agents.get(&agent).await?.data["status"].take();
            let conditions = status["conditions"].as_array().into_iter().flatten();
            if !conditions.into_iter().any(|condition| condition["reason"] == "NameConflict") {
                problems.push(format!("agent {agent} does not say that {name} is taken"));
            }
        }
        Ok(problems)
    }
}

/// All but what the cluster's own controllers write: status, revision, and the versions of both.
fn essence(object: &DynamicObject) -> Value {
    let mut data = object.data.clone();
    if let Some(data) = data.as_object_mut() {
        data.remove("status");
    }
    json!([
        object.uid(),
        object.labels(),
        object.owner_references(),
        object.metadata.generation,
        data
    ])
}
