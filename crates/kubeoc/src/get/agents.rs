//! Agents as rows of a table. Pure.

use std::collections::BTreeMap;

use api_types::{Agent, condition::SHARE_READY, time_convert::from_k8s_time};
use time::OffsetDateTime;

use crate::{
    state::{State, find},
    stored::{Change, Stored},
    table::{Column, Shown, age},
};

/// The status of an agent that was deleted while it was watched.
const DELETED: &str = "Deleted";

/// What the columns show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AgentRow {
    namespace: String,
    name: String,
    profile: String,
    image: String,
    service_account: String,
    template: String,
    ready: bool,
    /// [`State::word`].
    status: String,
    /// The reason of `ShareReady`.
    share: String,
    age: String,
}

/// Those that `kubectl get agents` prints, in its order, with the state in a word and the template.
pub(super) const COLUMNS: &[Column<AgentRow>] = &[
    Column { heading: "NAMESPACE", shown: Shown::AllNamespaces, cell: |row| row.namespace.clone() },
    Column { heading: "NAME", shown: Shown::Always, cell: |row| row.name.clone() },
    Column { heading: "PROFILE", shown: Shown::Wide, cell: |row| row.profile.clone() },
    Column { heading: "IMAGE", shown: Shown::Wide, cell: |row| row.image.clone() },
    Column {
        heading: "SERVICEACCOUNT",
        shown: Shown::Always,
        cell: |row| row.service_account.clone(),
    },
    Column { heading: "TEMPLATE", shown: Shown::Wide, cell: |row| row.template.clone() },
    Column { heading: "READY", shown: Shown::Always, cell: |row| row.ready.to_string() },
    Column { heading: "STATUS", shown: Shown::Always, cell: |row| row.status.clone() },
    Column { heading: "SHARE", shown: Shown::Always, cell: |row| row.share.clone() },
    Column { heading: "AGE", shown: Shown::Always, cell: |row| row.age.clone() },
];

impl AgentRow {
    pub(super) fn of(stored: &Stored<Agent>, now: OffsetDateTime) -> Self {
        let Agent { metadata, spec, status } = &stored.object;
        let share = status.as_ref().and_then(|observed| find(observed, SHARE_READY));
        Self {
            namespace: stored.namespace().to_owned(),
            name: stored.name().to_owned(),
            profile: spec.profile.clone().unwrap_or_default(),
            image: spec.executor_image.clone().unwrap_or_default(),
            service_account: spec.service_account_name.clone().unwrap_or_default(),
            template: spec.template_ref.clone().unwrap_or_default().name,
            ready: status.as_ref().is_some_and(|observed| observed.ready),
            status: State::of(&stored.object, stored.unreadable.as_deref()).word,
            share: share.map(|condition| condition.reason.clone()).unwrap_or_default(),
            age: age(metadata.creation_timestamp.as_ref().map(from_k8s_time), now),
        }
    }

    fn key(&self) -> (String, String) {
        (self.namespace.clone(), self.name.clone())
    }

    /// Whether they differ in their age at most.
    fn is_like(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| *self == Self { age: self.age.clone(), ..other.clone() })
    }
}

/// Which rows of a table that was printed are to be printed anew.
#[derive(Debug, Default)]
pub(super) struct Changes {
    printed: BTreeMap<(String, String), AgentRow>,
    /// While a list is being read.
    listed: Vec<AgentRow>,
}

impl Changes {
    /// The rows that a change concerns; their age alone does not count.
    pub(super) fn by(
        &mut self,
        change: Change<Stored<Agent>>,
        now: OffsetDateTime,
    ) -> Vec<AgentRow> {
        match change {
            Change::ListBegins => self.listed.clear(),
            Change::Listed(agent) => self.listed.push(AgentRow::of(&agent, now)),
            Change::ListEnds => {
                let before = std::mem::take(&mut self.printed);
                let listed = std::mem::take(&mut self.listed);
                self.printed = listed.iter().map(|row| (row.key(), row.clone())).collect();
                let is_new = |row: &AgentRow| !row.is_like(before.get(&row.key()));
                return listed.into_iter().filter(is_new).collect();
            }
            Change::Applied(agent) => {
                let row = AgentRow::of(&agent, now);
                let before = self.printed.insert(row.key(), row.clone());
                return if row.is_like(before.as_ref()) { vec![] } else { vec![row] };
            }
            Change::Deleted(agent) => {
                let row = AgentRow::of(&agent, now);
                self.printed.remove(&row.key());
                return vec![AgentRow { ready: false, status: DELETED.to_owned(), ..row }];
            }
        }
        vec![]
    }
}

#[cfg(test)]
mod tests;
