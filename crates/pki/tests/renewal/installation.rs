//! The Secrets of one installation, kept as an API server keeps them, and a clock.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use pki::{Adoption, Done, MEMBERS, Member, PkiError, Renewal, Settings, renew, secret_names};
use time::{Duration, OffsetDateTime, macros::datetime};

pub(crate) const START: OffsetDateTime = datetime!(2026-11-27 12:00 UTC);

pub(crate) fn settings() -> Settings {
    Settings {
        namespace: "kubeopencode-system".into(),
        validity: Duration::days(90),
        renew_before: Duration::days(30),
        adopt: Adoption::Refused,
        tools: vec![],
    }
}

#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) now: OffsetDateTime,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) settings: Settings,
    version: u64,
}

impl Installation {
    pub(crate) fn empty() -> Self {
        Self { now: START, secrets: BTreeMap::new(), settings: settings(), version: 0 }
    }

    /// One that was renewed once, at [`START`].
    pub(crate) fn new() -> Self {
        let mut new = Self::empty();
        new.renew();
        new
    }

    pub(crate) fn plan(&self) -> Result<Renewal, PkiError> {
        let observed: Vec<_> = secret_names(&self.settings.tools)
            .filter_map(|name| self.secrets.get(name).cloned())
            .collect();
        renew(&observed, &self.settings, self.now)
    }

    /// What `kubeoc certificates renew` does: each Secret's name, and what was done.
    pub(crate) fn renew(&mut self) -> Vec<(String, Done)> {
        let renewal = self.plan().unwrap();
        for mut secret in renewal.writes {
            let name = secret.metadata.name.clone().unwrap();
            let stored =
                self.secrets.get(&name).and_then(|old| old.metadata.resource_version.clone());
            assert_eq!(secret.metadata.resource_version, stored, "{name}: another version");
            self.version += 1;
            secret.metadata.resource_version = Some(self.version.to_string());
            self.secrets.insert(name, secret);
        }
        renewal.outcomes.into_iter().map(|outcome| (outcome.secret, outcome.done)).collect()
    }

    pub(crate) fn renew_after(&mut self, span: Duration) -> Vec<(String, Done)> {
        self.now += span;
        self.renew()
    }

    pub(crate) fn secret(&mut self, name: &str) -> &mut Secret {
        self.secrets.get_mut(name).unwrap()
    }

    pub(crate) fn set(&mut self, name: &str, key: &str, value: &str) {
        let data = self.secret(name).data.as_mut().unwrap();
        data.insert(key.into(), ByteString(value.as_bytes().to_vec()));
    }
}

pub(crate) fn text(secret: &Secret, key: &str) -> String {
    String::from_utf8(secret.data.as_ref().unwrap()[key].0.clone()).unwrap()
}

pub(crate) fn member(secret: &str) -> Member<'static> {
    *MEMBERS.iter().find(|member| member.secret == secret).unwrap()
}
