//! Reads what anybody may have written, so that an object which cannot be read is a problem of its
//! own, and not of every other in the same list. kube's guard of this kind reads each object into
//! a tree first, and so fails where one is nested deeply.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::{self, Debug},
};

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Time};
use kube::{Resource, core::ObjectMeta};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Map, Value, value::RawValue};

/// The most that a sentence quotes of a manifest, in bytes, and the longest path that it names.
const LONGEST_MESSAGE: usize = 512;

/// A kind that is watched.
pub trait Watched:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    const MANAGED_FIELDS: ManagedFields = ManagedFields::Dropped;
}

/// What becomes of `metadata.managedFields`, which mirror the whole object, with its depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagedFields {
    Read,
    /// Not even read.
    Dropped,
}

/// An object, or what is known of one that cannot be read. It is read from the text of a list, of an
/// object, or of an event whose type comes first, as the API server writes it: serde would buffer an
/// object that came before.
#[derive(Clone, Debug)]
pub struct Guarded<K>(pub Result<K, Box<Unreadable>>);

/// An object that is stored, and is not what its kind should be.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Identity, generation, version and labels.
    pub metadata: ObjectMeta,
    /// The path of the field, such as `spec.port`.
    pub field: String,
    /// What is wrong with it. It may quote the object.
    pub message: String,
    /// The status as it is stored, if there is one.
    pub status: Map<String, Value>,
    pub switches: Switches,
}

/// What of an Agent's spec can be obeyed though the rest cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    pub suspend: bool,
    /// `None` where that cannot be read either.
    pub shared: Option<bool>,
}

/// What of an object is read on its own: a sound one always has it.
#[derive(Deserialize)]
struct Outline {
    metadata: Identity,
    #[serde(default)]
    status: Option<Box<RawValue>>,
    #[serde(default)]
    spec: Option<Box<RawValue>>,
}

/// Of the metadata, what only the API server sets or checks strictly.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    deletion_timestamp: Option<Time>,
    labels: Option<BTreeMap<String, String>>,
}

impl<'de, K: Watched> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        read(text.get()).map(Self).map_err(D::Error::custom)
    }
}

/// Fails on what is no object with metadata: that is not what a manifest can bring about.
fn read<K: Watched>(text: &str) -> Result<Result<K, Box<Unreadable>>, serde_json::Error> {
    let text = match K::MANAGED_FIELDS {
        ManagedFields::Read => Cow::Borrowed(text),
        ManagedFields::Dropped => Cow::Owned(without_managed_fields(text)?),
    };
    match serde_json::from_str(&text) {
        Ok(object) => Ok(Ok(object)),
        Err(_) => Ok(Err(Box::new(Unreadable::of::<K>(&text)?))),
    }
}

fn without_managed_fields(text: &str) -> Result<String, serde_json::Error> {
    let mut object: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let metadata = object.get("metadata").map_or("{}", |metadata| metadata.get());
    let mut metadata: BTreeMap<String, &RawValue> = serde_json::from_str(metadata)?;
    metadata.remove("managedFields");
    let metadata = serde_json::value::to_raw_value(&metadata)?;
    object.insert("metadata".to_owned(), &metadata);
    serde_json::to_string(&object)
}

impl Unreadable {
    fn of<K: Watched>(text: &str) -> Result<Self, serde_json::Error> {
        let Outline { metadata, status, spec } = serde_json::from_str(text)?;
        let status = status.and_then(|status| serde_json::from_str(status.get()).ok());
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, K>(&mut deserializer).err();
        let (field, message) = error.map(described).unwrap_or_default();
        let metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            generation: metadata.generation,
            deletion_timestamp: metadata.deletion_timestamp,
            labels: metadata.labels,
            ..ObjectMeta::default()
        };
        let switches = spec.map(|spec| Switches::of(&spec)).unwrap_or_default();
        Ok(Self { metadata, field, message, status: status.unwrap_or_default(), switches })
    }
}

impl Switches {
    fn of(spec: &RawValue) -> Self {
        fn fields(text: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
            serde_json::from_str(text.get()).ok()
        }
        let is_true = |text: &RawValue| serde_json::from_str::<bool>(text.get()).ok();
        // Kept apart from each other: each is read though the other cannot be.
        let Some(spec) = fields(spec) else { return Self::default() };
        let shared = match spec.get("share").filter(|share| share.get() != "null") {
            None => Some(false),
            Some(share) => fields(share).and_then(|share| {
                share.get("enabled").map_or(Some(false), |enabled| is_true(enabled))
            }),
        };
        let suspend = spec.get("suspend").and_then(|suspend| is_true(suspend));
        Self { suspend: suspend.unwrap_or(false), shared }
    }
}

/// The field and what is wrong with it.
impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// The field and what is wrong with it, without the place in a text that nobody sees.
fn described(error: serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    let mut field = error.path().to_string();
    field.truncate(field.floor_char_boundary(LONGEST_MESSAGE));
    let mut message = error.into_inner().to_string();
    if let Some(place) = message.rfind(" at line ") {
        message.truncate(place);
    }
    message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
    (field, message)
}

impl<K: Watched> Resource for Guarded<K> {
    type DynamicType = ();
    type Scope = K::Scope;

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
        self.0.as_ref().map_or_else(|unreadable| &unreadable.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|unreadable| &mut unreadable.metadata, K::meta_mut)
    }
}

#[cfg(test)]
mod tests;
