//! Agents and templates as the API server holds them. Of each only what some command shows is
//! decoded, so that one which our types cannot read is one odd row, and not the end of a list. Pure.

use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

use api_types::{
    Agent, AgentSpec, AgentStatus, AgentTemplate, AgentTemplateSpec, AgentTemplateStatus,
    ShareSpec, Standby, TemplateRef,
};
use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Time};
use kube::{Resource, core::ObjectMeta};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::value::RawValue;

/// An object and its text. It is read from the text of an object, of a list, or of an event whose
/// type comes first, as the API server writes it: serde would buffer an object that came before.
#[derive(Clone, Debug)]
pub(crate) struct Stored<K> {
    /// The fields that commands read; all others are unset.
    pub(crate) object: K,
    /// What is wrong with the fields that are missing in `object`.
    pub(crate) unreadable: Option<String>,
    text: Box<RawValue>,
}

/// What a watch delivers: all objects, and then each that changes. It begins again where the API
/// server lost track.
#[derive(Clone, Debug)]
pub(crate) enum Change<K> {
    ListBegins,
    Listed(K),
    ListEnds,
    Applied(K),
    Deleted(K),
}

/// A kind of which commands read some fields.
pub(crate) trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Send + Sync + 'static
{
    /// What is read of the spec.
    type Spec: Default + DeserializeOwned;
    /// What is read of the status.
    type Status: Default + DeserializeOwned;

    fn assemble(metadata: ObjectMeta, spec: Self::Spec, status: Self::Status) -> Self;
}

/// Of an Agent's spec.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AgentWish {
    template_ref: Option<TemplateRef>,
    profile: Option<String>,
    executor_image: Option<String>,
    service_account_name: Option<String>,
    suspend: bool,
    standby: Option<Standby>,
    share: Option<ShareSpec>,
}

impl Kind for Agent {
    type Spec = AgentWish;
    type Status = Option<AgentStatus>;

    fn assemble(metadata: ObjectMeta, wish: AgentWish, status: Option<AgentStatus>) -> Self {
        let spec = AgentSpec {
            // What is written and empty counts as left out.
            template_ref: wish.template_ref.filter(|template| !template.name.is_empty()),
            profile: wish.profile,
            executor_image: wish.executor_image.filter(|image| !image.is_empty()),
            service_account_name: wish.service_account_name.filter(|name| !name.is_empty()),
            suspend: wish.suspend,
            standby: wish.standby,
            share: wish.share,
            ..AgentSpec::default()
        };
        Self { metadata, spec, status }
    }
}

/// Of an AgentTemplate's spec.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TemplateWish {
    executor_image: Option<String>,
    workspace_dir: String,
    service_account_name: String,
}

impl Kind for AgentTemplate {
    type Spec = TemplateWish;
    type Status = Option<AgentTemplateStatus>;

    fn assemble(
        metadata: ObjectMeta,
        wish: TemplateWish,
        status: Option<AgentTemplateStatus>,
    ) -> Self {
        let spec = AgentTemplateSpec {
            executor_image: wish.executor_image,
            workspace_dir: wish.workspace_dir,
            service_account_name: wish.service_account_name,
            ..AgentTemplateSpec::default()
        };
        Self { metadata, spec, status }
    }
}

impl<K: Kind> Stored<K> {
    pub(crate) fn name(&self) -> &str {
        self.object.meta().name.as_deref().unwrap_or_default()
    }

    pub(crate) fn namespace(&self) -> &str {
        self.object.meta().namespace.as_deref().unwrap_or_default()
    }

    /// The whole object but its managed fields, as it is stored.
    pub(crate) fn manifest(&self) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
        let mut object: BTreeMap<String, Box<RawValue>> = serde_json::from_str(self.text.get())?;
        if let Some(metadata) = object.get_mut("metadata") {
            let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(metadata.get())?;
            fields.remove("managedFields");
            *metadata = serde_json::value::to_raw_value(&fields)?;
        }
        // Of the items of a list the API server leaves these out.
        let (version, kind) = (K::api_version(&()), K::kind(&()));
        object.insert("apiVersion".to_owned(), serde_json::value::to_raw_value(&version)?);
        object.insert("kind".to_owned(), serde_json::value::to_raw_value(&kind)?);
        Ok(object)
    }
}

/// The parts that are read each on its own.
#[derive(Deserialize)]
struct Outline {
    metadata: Identity,
    #[serde(default)]
    spec: Option<Box<RawValue>>,
    #[serde(default)]
    status: Option<Box<RawValue>>,
}

/// Of the metadata, what only the API server sets or checks strictly. Managed fields mirror the
/// whole object, with its depth.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    labels: Option<BTreeMap<String, String>>,
}

impl From<Identity> for ObjectMeta {
    fn from(identity: Identity) -> Self {
        Self {
            name: identity.name,
            namespace: identity.namespace,
            uid: identity.uid,
            resource_version: identity.resource_version,
            generation: identity.generation,
            creation_timestamp: identity.creation_timestamp,
            deletion_timestamp: identity.deletion_timestamp,
            labels: identity.labels,
            ..Self::default()
        }
    }
}

impl<'de, K: Kind> Deserialize<'de> for Stored<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let outline: Outline = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let (spec, spec_error) = part("spec", outline.spec.as_deref());
        let (status, status_error) = part("status", outline.status.as_deref());
        let object = K::assemble(outline.metadata.into(), spec, status);
        Ok(Self { object, unreadable: spec_error.or(status_error), text })
    }
}

/// What is read of one part, and what is wrong with it.
fn part<T: Default + DeserializeOwned>(name: &str, text: Option<&RawValue>) -> (T, Option<String>) {
    let Some(text) = text else { return (T::default(), None) };
    match serde_json::from_str(text.get()) {
        Ok(read) => (read, None),
        Err(error) => (T::default(), Some(format!("{name} cannot be read: {error}"))),
    }
}

impl<K: Kind> Resource for Stored<K> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        self.object.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.object.meta_mut()
    }
}

#[cfg(test)]
mod tests;
