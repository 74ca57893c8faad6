//! Whether what exists is what was asked for. Each problem names its object.

use anyhow::Result;
use api_types::{Agent, labels, names};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
};
use kube::{
    Resource, ResourceExt,
    api::{DynamicObject, ListParams},
};

use super::{
    NAMESPACE, foreign,
    model::{Model, Wanted},
};
use crate::agents::dynamic;

pub(super) async fn problems(model: &Model) -> Result<Vec<String>> {
    let mut problems = vec![];
    for agent in dynamic::<Agent>(&model.client, NAMESPACE).list(&ListParams::default()).await? {
        let name = agent.name_any();
        match model.agents.get(&name) {
            Some(wanted) => problems.extend(of_agent(&agent, wanted)),
            None if foreign::is_agents(&name) => {}
            None => problems.push(format!("agent {name} was deleted, and is there")),
        }
    }
    let deployments = objects::<Deployment>(model, &mut problems).await?;
    let config_maps = objects::<ConfigMap>(model, &mut problems).await?;
    let services = objects::<Service>(model, &mut problems).await?;
    let secrets = objects::<Secret>(model, &mut problems).await?;
    for (agent, wanted) in &model.agents {
        let name = names::deployment(agent);
        let replicas =
            find(&deployments, &name).map(|found| found.data["spec"]["replicas"].clone());
        let expected = u32::from(!wanted.is_suspended);
        if replicas != Some(expected.into()) {
            problems.push(format!("deployment {name} has {replicas:?} replicas, not {expected}"));
        }
        let name = names::context_config_map(agent);
        let marker = format!("\"{}\"", wanted.marker);
        let has = |found: &DynamicObject| {
            let texts = found.data["data"].as_object().into_iter().flatten();
            texts.filter_map(|(_, text)| text.as_str()).any(|text| text.contains(&marker))
        };
        if !find(&config_maps, &name).is_some_and(has) {
            problems.push(format!("configmap {name} lacks {marker}"));
        }
        if find(&services, &names::service(agent)).is_none() {
            problems.push(format!("service {} is missing", names::service(agent)));
        }
        if find(&secrets, &names::server_secret(agent)).is_none() {
            problems.push(format!("secret {} is missing", names::server_secret(agent)));
        }
        if find(&secrets, &names::share_secret(agent)).is_some() != wanted.is_shared {
            let name = names::share_secret(agent);
            problems.push(format!("secret {name}, and shared is {}", wanted.is_shared));
        }
    }
    Ok(problems)
}

fn of_agent(agent: &DynamicObject, wanted: &Wanted) -> Vec<String> {
    let (name, status) = (agent.name_any(), &agent.data["status"]);
    let mut problems = vec![];
    if status["observedGeneration"].as_i64() != agent.metadata.generation {
        problems.push(format!("agent {name} has a status of an earlier edit"));
    }
    if status["suspended"].as_bool() != Some(wanted.is_suspended) {
        problems.push(format!("agent {name} says suspended: {}", status["suspended"]));
    }
    if status["share"]["tokenLookup"].is_string() != wanted.is_shared {
        problems.push(format!("agent {name} says share: {}", status["share"]));
    }
    problems
}

/// All of a kind that were made for Agents. What belongs to none that lives is a problem.
async fn objects<K>(model: &Model, problems: &mut Vec<String>) -> Result<Vec<DynamicObject>>
where
    K: Resource<DynamicType = ()>,
{
    let ours = ListParams::default().labels(labels::AGENT);
    let found = dynamic::<K>(&model.client, NAMESPACE).list(&ours).await?.items;
    for object in &found {
        let owner = object.owner_references().first();
        let lives = |uid: &str| model.agents.values().any(|wanted| wanted.uid == uid);
        let is_foreign = |name: &str| foreign::is_agents(name);
        if !owner.is_some_and(|owner| lives(&owner.uid) || is_foreign(&owner.name)) {
            problems.push(format!("{} {} is left of no Agent", K::kind(&()), object.name_any()));
        }
    }
    Ok(found)
}

fn find<'a>(objects: &'a [DynamicObject], name: &str) -> Option<&'a DynamicObject> {
    objects.iter().find(|object| object.metadata.name.as_deref() == Some(name))
}
