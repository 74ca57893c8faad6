//! Templates as rows of a table, with the Agents that use them. Pure.

use std::collections::BTreeMap;

use api_types::{Agent, AgentTemplate, time_convert::from_k8s_time};
use time::OffsetDateTime;

use crate::{
    stored::Stored,
    table::{Column, Shown, age},
};

/// What the columns show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TemplateRow {
    namespace: String,
    name: String,
    image: String,
    workspace_dir: String,
    service_account: String,
    /// The names of the Agents that use it.
    agents: Vec<String>,
    age: String,
}

/// Those that `kubectl get agenttemplates` prints, in its order, with who uses a template.
pub(super) const COLUMNS: &[Column<TemplateRow>] = &[
    Column { heading: "NAMESPACE", shown: Shown::AllNamespaces, cell: |row| row.namespace.clone() },
    Column { heading: "NAME", shown: Shown::Always, cell: |row| row.name.clone() },
    Column { heading: "IMAGE", shown: Shown::Wide, cell: |row| row.image.clone() },
    Column { heading: "WORKSPACEDIR", shown: Shown::Wide, cell: |row| row.workspace_dir.clone() },
    Column {
        heading: "SERVICEACCOUNT",
        shown: Shown::Always,
        cell: |row| row.service_account.clone(),
    },
    Column { heading: "AGENTS", shown: Shown::Always, cell: |row| row.agents.len().to_string() },
    Column { heading: "USEDBY", shown: Shown::Wide, cell: |row| row.agents.join(",") },
    Column { heading: "AGE", shown: Shown::Always, cell: |row| row.age.clone() },
];

impl TemplateRow {
    /// Used by no Agent as yet: [`count`] adds them.
    pub(super) fn of(stored: &Stored<AgentTemplate>, now: OffsetDateTime) -> Self {
        let AgentTemplate { metadata, spec, .. } = &stored.object;
        Self {
            namespace: stored.namespace().to_owned(),
            name: stored.name().to_owned(),
            image: spec.executor_image.clone().unwrap_or_default(),
            workspace_dir: spec.workspace_dir.clone(),
            service_account: spec.service_account_name.clone(),
            agents: vec![],
            age: age(metadata.creation_timestamp.as_ref().map(from_k8s_time), now),
        }
    }
}

/// That an Agent uses a template of its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    namespace: String,
    template: String,
    agent: String,
}

impl Usage {
    pub(super) fn of(stored: &Stored<Agent>) -> Option<Self> {
        let template = stored.object.spec.template_ref.as_ref()?;
        Some(Self {
            namespace: stored.namespace().to_owned(),
            template: template.name.clone(),
            agent: stored.name().to_owned(),
        })
    }
}

/// Adds to each template the Agents that use it, in the order of `uses`.
pub(super) fn count(rows: &mut [TemplateRow], uses: impl Iterator<Item = Usage>) {
    let mut agents: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for Usage { namespace, template, agent } in uses {
        agents.entry((namespace, template)).or_default().push(agent);
    }
    for row in rows {
        let key = (row.namespace.clone(), row.name.clone());
        row.agents = agents.remove(&key).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
