//! Whether an object is as it is desired, by the object alone. Pure.
//!
//! The server tracks which fields each manager owns (`metadata.managedFields`), and
//! takes a field away from us when somebody else changes or removes it. So an object
//! is as desired if its fields that are ours are what is desired, no more and no less.

use api_types::names::FIELD_MANAGER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::Resource;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Map, Value};

/// SHA-256.
pub type Digest = [u8; 32];

/// The digest of those fields, with their values, that the server says are ours by server-side apply.
pub(super) fn ours<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Option<Digest> {
    let entries = object.meta().managed_fields.as_deref().unwrap_or_default();
    let fields = entries.iter().find(|entry| is_ours(entry))?.fields_v1.as_ref()?;
    let whole = serde_json::to_value(object).ok()?;
    Some(hash(owned(&whole, &fields.0)))
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.as_deref().unwrap_or_default().is_empty()
}

/// The part of `value` that `fields` names, in the form of `FieldsV1`: `f:` before the name of a
/// field, `k:` before the keys of an item of a list, `v:` before an item that is its own key; an empty
/// set is all that is below.
fn owned(value: &Value, fields: &Value) -> Value {
    let Some(fields) = fields.as_object().filter(|fields| !fields.is_empty()) else {
        return value.clone();
    };
    match value {
        Value::Object(object) => {
            let named = fields.iter().filter_map(|(field, below)| {
                let name = field.strip_prefix("f:")?;
                Some((name.to_owned(), owned(object.get(name)?, below)))
            });
            Value::Object(named.collect())
        }
        Value::Array(items) => items.iter().filter_map(|item| owned_item(item, fields)).collect(),
        _ => value.clone(),
    }
}

fn owned_item(item: &Value, fields: &Map<String, Value>) -> Option<Value> {
    let is_item = |field: &str| {
        if let Some(value) = field.strip_prefix("v:") {
            return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
        }
        let keys = field.strip_prefix("k:").map(serde_json::from_str::<Map<String, Value>>);
        keys.is_some_and(|keys| {
            keys.is_ok_and(|keys| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
        })
    };
    let (_, below) = fields.iter().find(|(field, _)| is_item(field))?;
    Some(owned(item, below))
}

/// Of what an apply sends, identity aside: the server says of no field of it whose it is.
pub fn hash(mut object: Value) -> Digest {
    for field in ["apiVersion", "kind"] {
        object.as_object_mut().and_then(|object| object.remove(field));
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !["name", "namespace"].contains(&field.as_str()));
    }
    drop_empty(&mut object);
    // `serde_json` keeps maps sorted, so the same value always has the same text.
    let mut hash = Digest::default();
    hash.copy_from_slice(digest(&SHA256, object.to_string().as_bytes()).as_ref());
    hash
}

/// The server does not store them.
fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(object) => object.retain(|_, value| {
            drop_empty(value);
            !is_empty(value)
        }),
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_that_are_their_own_keys_are_found() {
        let fields = json!({ "f:finalizers": { "v:\"a\"": {} } });
        let value = json!({ "finalizers": ["b", "a"], "other": 1 });
        assert_eq!(owned(&value, &fields), json!({ "finalizers": ["a"] }));
    }
}
