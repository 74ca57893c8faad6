//! What an agent names that is not its own: configuration, Secrets and its ServiceAccount. Pure.

use std::fmt;

use agent_jobs::secret_keys::{OF_REPOSITORY, OF_URL};
use api_types::{
    AgentPodSpec, AgentSpec, CaBundle, ContextItem, ContextType, LocalRef, SystemContainers,
};
use k8s_openapi::api::core::v1::{EnvVar, KeyToPath, Volume, VolumeProjection};

/// The field whose Secrets a pod does without where its images are public.
const PULL_SECRETS: &str = "spec.imagePullSecrets";

/// The kind of an object that an agent names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    ConfigMap,
    Secret,
    ServiceAccount,
}

/// An object of the agent's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub kind: ReferenceKind,
    pub name: String,
    pub keys: Keys,
    /// The path of the field that names it, as a user writes it.
    pub field: String,
    /// The agent starts without it.
    pub optional: bool,
}

/// What is used of what an object holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    All,
    /// This one, without which it is as good as missing.
    One(String),
    /// What there is of these.
    Of(&'static [&'static str]),
}

impl Keys {
    pub fn include(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == key,
            Self::Of(some) => some.contains(&key),
        }
    }
}

impl Reference {
    /// Whether the agent's containers see what it holds.
    pub fn is_content(&self) -> bool {
        self.kind != ReferenceKind::ServiceAccount && !self.is_pull_secret()
    }

    /// Whether it is needed for images that are not public only.
    pub fn is_pull_secret(&self) -> bool {
        self.field.starts_with(PULL_SECRETS)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Keys::One(key) = &self.keys {
            write!(f, "key {key:?} in ")?;
        }
        write!(f, "{:?} {:?} ({})", self.kind, self.name, self.field)
    }
}

/// All that the spec names, a template merged in, in the order of its fields. The same object may be
/// named more than once. A name that is empty is none.
pub fn references(spec: &AgentSpec) -> Vec<Reference> {
    let mut found = Found::default();
    for (index, context) in spec.contexts.iter().flatten().enumerate() {
        found.of_context(&format!("spec.contexts[{index}]"), context);
    }
    for (index, skill) in spec.skills.iter().flatten().enumerate() {
        let field = format!("spec.skills[{index}].git.secretRef");
        found.secret_ref(field, skill.git.secret_ref.as_ref(), Keys::Of(OF_REPOSITORY));
    }
    for (index, credential) in spec.credentials.iter().flatten().enumerate() {
        let field = format!("spec.credentials[{index}].secretRef");
        found.add(ReferenceKind::Secret, &credential.secret_ref.name, field, None);
        found.only(&credential.secret_ref.name, credential.secret_ref.key.as_deref());
    }
    if let Some(pod) = &spec.pod_spec {
        found.of_pod(pod);
    }
    if let Some(bundle) = &spec.ca_bundle {
        found.of_bundle(bundle);
    }
    for (index, secret) in spec.image_pull_secrets.iter().flatten().enumerate() {
        found.secret_ref(format!("{PULL_SECRETS}[{index}]"), Some(secret), Keys::All);
    }
    if let Some(account) = &spec.service_account_name {
        let field = "spec.serviceAccountName".to_owned();
        found.add(ReferenceKind::ServiceAccount, account, field, None);
    }
    found.0
}

/// For a sentence: of an object that is not there it says the same for each key.
pub fn named_once(mut references: Vec<Reference>) -> Vec<Reference> {
    references.dedup();
    references
}

#[derive(Default)]
struct Found(Vec<Reference>);

impl Found {
    fn add(&mut self, kind: ReferenceKind, name: &str, field: String, optional: Option<bool>) {
        if !name.is_empty() {
            let optional = optional.unwrap_or(false);
            self.0.push(Reference {
                kind,
                name: name.to_owned(),
                keys: Keys::All,
                field,
                optional,
            });
        }
    }

    /// Of what was added last, which an empty name was not.
    fn only(&mut self, name: &str, key: Option<&str>) {
        self.only_keys(name, key.map_or(Keys::All, |key| Keys::One(key.to_owned())));
    }

    fn only_keys(&mut self, name: &str, keys: Keys) {
        if let Some(last) = self.0.last_mut().filter(|last| last.name == name) {
            last.keys = keys;
        }
    }

    fn config_map(&mut self, name: &str, field: String, optional: Option<bool>) {
        self.add(ReferenceKind::ConfigMap, name, field, optional);
    }

    fn secret(&mut self, name: &str, field: String, optional: Option<bool>) {
        self.add(ReferenceKind::Secret, name, field, optional);
    }

    fn secret_ref(&mut self, field: String, secret: Option<&LocalRef>, keys: Keys) {
        if let Some(secret) = secret {
            self.secret(&secret.name, field, None);
            self.only_keys(&secret.name, keys);
        }
    }

    /// Only the field of its own type counts.
    fn of_context(&mut self, field: &str, context: &ContextItem) {
        match context.kind {
            ContextType::ConfigMap => {
                if let Some(source) = &context.config_map {
                    self.config_map(&source.name, format!("{field}.configMap"), source.optional);
                    self.only(&source.name, source.key.as_deref());
                }
            }
            ContextType::Git => {
                let secret = context.git.as_ref().and_then(|git| git.secret_ref.as_ref());
                let keys = Keys::Of(OF_REPOSITORY);
                self.secret_ref(format!("{field}.git.secretRef"), secret, keys);
            }
            ContextType::Url => {
                let secret = context.url.as_ref().and_then(|url| url.secret_ref.as_ref());
                self.secret_ref(format!("{field}.url.secretRef"), secret, Keys::Of(OF_URL));
            }
            ContextType::Text | ContextType::Runtime => {}
        }
    }

    fn of_bundle(&mut self, bundle: &CaBundle) {
        if let Some(source) = &bundle.config_map_ref {
            self.config_map(&source.name, "spec.caBundle.configMapRef".to_owned(), None);
            self.only(&source.name, Some(&source.key));
        }
        if let Some(source) = &bundle.secret_ref {
            self.secret(&source.name, "spec.caBundle.secretRef".to_owned(), None);
            self.only(&source.name, Some(&source.key));
        }
    }

    fn of_pod(&mut self, pod: &AgentPodSpec) {
        for (index, volume) in pod.extra_volumes.iter().flatten().enumerate() {
            self.of_volume(&format!("spec.podSpec.extraVolumes[{index}]"), volume);
        }
        self.of_env("spec.podSpec.extraEnv", pod.extra_env.as_deref());
        let Some(system) = &pod.system_containers else { return };
        // Taken apart field by field: a new one fails to compile until it is here.
        let SystemContainers { open_code_init, context_init, git_init, git_sync, plugin_init } =
            system;
        for (name, extras) in [
            ("openCodeInit", open_code_init),
            ("contextInit", context_init),
            ("gitInit", git_init),
            ("gitSync", git_sync),
            ("pluginInit", plugin_init),
        ] {
            let env = extras.as_ref().and_then(|extras| extras.extra_env.as_deref());
            self.of_env(&format!("spec.podSpec.systemContainers.{name}.extraEnv"), env);
        }
    }

    fn of_env(&mut self, field: &str, variables: Option<&[EnvVar]>) {
        for (index, variable) in variables.into_iter().flatten().enumerate() {
            let Some(source) = &variable.value_from else { continue };
            let field = format!("{field}[{index}].valueFrom");
            if let Some(key) = &source.config_map_key_ref {
                self.config_map(&key.name, format!("{field}.configMapKeyRef"), key.optional);
                self.only(&key.name, Some(&key.key));
            }
            if let Some(key) = &source.secret_key_ref {
                self.secret(&key.name, format!("{field}.secretKeyRef"), key.optional);
                self.only(&key.name, Some(&key.key));
            }
        }
    }

    /// Where there are items, only their keys are used.
    fn of_items(
        &mut self,
        (kind, name, field): (ReferenceKind, &str, String),
        optional: Option<bool>,
        items: Option<&Vec<KeyToPath>>,
    ) {
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            return self.add(kind, name, field, optional);
        };
        for item in items {
            self.add(kind, name, field.clone(), optional);
            self.only(name, Some(&item.key));
        }
    }

    fn of_volume(&mut self, field: &str, volume: &Volume) {
        if let Some(source) = &volume.config_map {
            let named = (ReferenceKind::ConfigMap, &*source.name, format!("{field}.configMap"));
            self.of_items(named, source.optional, source.items.as_ref());
        }
        if let Some(source) = &volume.secret {
            let name = source.secret_name.as_deref().unwrap_or_default();
            let named = (ReferenceKind::Secret, name, format!("{field}.secret"));
            self.of_items(named, source.optional, source.items.as_ref());
        }
        for (path, name) in storage_secrets(volume) {
            self.secret(name, format!("{field}.{path}"), None);
        }
        let projected = volume.projected.as_ref().and_then(|projected| projected.sources.as_ref());
        for (index, source) in projected.into_iter().flatten().enumerate() {
            self.of_projection(&format!("{field}.projected.sources[{index}]"), source);
        }
    }

    fn of_projection(&mut self, field: &str, source: &VolumeProjection) {
        if let Some(source) = &source.config_map {
            let named = (ReferenceKind::ConfigMap, &*source.name, format!("{field}.configMap"));
            self.of_items(named, source.optional, source.items.as_ref());
        }
        if let Some(source) = &source.secret {
            let named = (ReferenceKind::Secret, &*source.name, format!("{field}.secret"));
            self.of_items(named, source.optional, source.items.as_ref());
        }
    }
}

/// The Secrets of the agent's namespace by which the node reaches a volume, each at its field.
fn storage_secrets(volume: &Volume) -> impl Iterator<Item = (&'static str, &str)> {
    let Volume { azure_file, cephfs, cinder, csi, flex_volume, iscsi, rbd, .. } = volume;
    let Volume { scale_io, storageos, .. } = volume;
    let secrets = [
        ("cephfs.secretRef", cephfs.as_ref().and_then(|one| one.secret_ref.as_ref())),
        ("cinder.secretRef", cinder.as_ref().and_then(|one| one.secret_ref.as_ref())),
        (
            "csi.nodePublishSecretRef",
            csi.as_ref().and_then(|one| one.node_publish_secret_ref.as_ref()),
        ),
        ("flexVolume.secretRef", flex_volume.as_ref().and_then(|one| one.secret_ref.as_ref())),
        ("iscsi.secretRef", iscsi.as_ref().and_then(|one| one.secret_ref.as_ref())),
        ("rbd.secretRef", rbd.as_ref().and_then(|one| one.secret_ref.as_ref())),
        ("scaleIO.secretRef", scale_io.as_ref().map(|one| &one.secret_ref)),
        ("storageos.secretRef", storageos.as_ref().and_then(|one| one.secret_ref.as_ref())),
    ];
    let secrets = secrets.into_iter().filter_map(|(field, secret)| Some((field, &*secret?.name)));
    azure_file.iter().map(|one| ("azureFile.secretName", &*one.secret_name)).chain(secrets)
}

#[cfg(test)]
mod tests;
