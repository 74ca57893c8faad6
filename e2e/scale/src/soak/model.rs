//! What was asked for: each Agent as its last edit left it, and how often its pod had a cause to change.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use api_types::Agent;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::NAMESPACE;
use crate::agents::{create_one, dynamic};

/// `ConfigMap`s that Agents use.
const CONTEXTS: u32 = 8;

pub(super) struct Wanted {
    pub(super) uid: String,
    /// In its configuration, and so in its ConfigMap.
    pub(super) marker: String,
    pub(super) is_shared: bool,
    pub(super) is_suspended: bool,
    pub(super) context: Option<u32>,
    /// Edits after which its pod template is another one.
    pub(super) causes: u32,
}

pub(super) struct Model {
    pub(super) client: Client,
    pub(super) agents: BTreeMap<String, Wanted>,
    pub(super) changes: u32,
    api: Api<DynamicObject>,
    contexts: Api<DynamicObject>,
    most: usize,
}

impl Model {
    pub(super) async fn new(client: &Client, most: usize) -> Result<Self> {
        let (api, contexts) =
            (dynamic::<Agent>(client, NAMESPACE), dynamic::<ConfigMap>(client, NAMESPACE));
        let (client, agents) = (client.clone(), BTreeMap::new());
        let model = Self { client, agents, changes: 0, api, contexts, most };
        for context in 0..CONTEXTS {
            model.write_context(context).await?;
        }
        Ok(model)
    }

    /// One change: `kind` is a percentage, `which` chooses among Agents.
    pub(super) async fn change(&mut self, kind: u32, which: u32) -> Result<()> {
        self.changes += 1;
        let marker = format!("change-{}", self.changes);
        if kind < 2 {
            return self.edit_context(which % CONTEXTS).await;
        }
        let name = self.agents.keys().nth(which as usize % self.most).cloned();
        // Until there are enough, mostly new ones.
        let Some(name) = name else { return self.create(marker, which).await };
        let wanted = self.agents.get_mut(&name).context("an Agent without a wish")?;
        let edit = match kind {
            2..25 => {
                self.agents.remove(&name);
                self.api.delete(&name, &DeleteParams::default()).await?;
                return Ok(());
            }
            25..50 => {
                wanted.causes += 1;
                wanted.marker.clone_from(&marker);
                json!({ "spec": { "config": { "username": marker } } })
            }
            50..70 => {
                wanted.is_shared = !wanted.is_shared;
                json!({ "spec": { "share": { "enabled": wanted.is_shared } } })
            }
            70..85 => {
                wanted.is_suspended = !wanted.is_suspended;
                json!({ "spec": { "suspend": wanted.is_suspended } })
            }
            _ => json!({ "metadata": { "labels": { "example.com/change": marker } } }),
        };
        self.patch(&name, &edit).await
    }

    pub(super) async fn label_all(&self) -> Result<()> {
        for name in self.agents.keys() {
            self.patch(name, &json!({ "metadata": { "labels": { "example.com/all": "x" } } }))
                .await?;
        }
        Ok(())
    }

    pub(super) async fn edit_all_contexts(&mut self) -> Result<()> {
        for context in 0..CONTEXTS {
            self.changes += 1;
            self.edit_context(context).await?;
        }
        Ok(())
    }

    pub(super) fn causes(&self) -> u32 {
        self.agents.values().map(|wanted| wanted.causes).sum()
    }

    async fn create(&mut self, marker: String, which: u32) -> Result<()> {
        // The names come back, so that an Agent meets what is left of its predecessor.
        let free = (0..).map(|number| format!("agent-{number}"));
        let name = free.into_iter().find(|name| !self.agents.contains_key(name));
        let name = name.context("no free name")?;
        let context = (which.is_multiple_of(3)).then_some(which / 3 % CONTEXTS);
        let contexts: Vec<Value> = context
            .map(|context| {
                json!({ "name": "notes", "type": "ConfigMap", "mountPath": "notes.md",
                        "configMap": { "name": context_name(context), "key": "notes.md" } })
            })
            .into_iter()
            .collect();
        let spec = json!({
            "workspaceDir": "/workspace", "config": { "username": marker }, "contexts": contexts,
        });
        let made = create_one(&self.api, &name, spec).await?;
        let uid = made.uid().context("an Agent without UID")?;
        let wanted =
            Wanted { uid, marker, is_shared: false, is_suspended: false, context, causes: 0 };
        self.agents.insert(name, wanted);
        Ok(())
    }

    async fn patch(&self, name: &str, change: &Value) -> Result<()> {
        let patched = self.api.patch(name, &PatchParams::default(), &Patch::Merge(change)).await;
        patched.map(drop).with_context(|| format!("agent {name}"))
    }

    async fn edit_context(&mut self, context: u32) -> Result<()> {
        for wanted in self.agents.values_mut().filter(|wanted| wanted.context == Some(context)) {
            wanted.causes += 1;
        }
        self.write_context(context).await
    }

    async fn write_context(&self, context: u32) -> Result<()> {
        let name = context_name(context);
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name },
            "data": { "notes.md": format!("Change {}.", self.changes) },
        });
        let params = PatchParams::apply("soak").force();
        self.contexts.patch(&name, &params, &Patch::Apply(&object)).await?;
        Ok(())
    }
}

fn context_name(context: u32) -> String {
    format!("notes-{context}")
}
