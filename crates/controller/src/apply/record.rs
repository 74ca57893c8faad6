//! Whether an object is as it is desired, by the object alone. Pure.
//!
//! The server tracks which fields each manager owns (`metadata.managedFields`), and
//! takes a field away from us when somebody else changes or removes it. So an object
//! is as desired if its fields that are ours are what is desired, no more and no less.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::Resource;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Map, Value};

use api_types::names::FIELD_MANAGER;

/// One object, as it is compared with what is desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    uid: Option<String>,
    /// Hashes in hexadecimal digits: of what is desired, and of what the server holds of ours.
    desired: String,
    held: Option<String>,
}

impl Record {
    pub(super) fn new<K>(desired: &Value, held: &K) -> Self
    where
        K: Resource<DynamicType = ()> + Serialize,
    {
        Self { uid: held.meta().uid.clone(), desired: hash(desired.clone()), held: ours(held) }
    }

    /// Whether the object tells by itself that it is as desired, also after a restart. Of some it
    /// cannot be told: the server writes `0.5` of a processor as `500m`.
    pub(super) fn is_in_place(&self) -> bool {
        self.held.as_ref() == Some(&self.desired)
    }
}

/// The hash of those fields, with their values, that the server says are ours by server-side apply.
fn ours<K: Resource<DynamicType = ()> + Serialize>(object: &K) -> Option<String> {
    let entries = object.meta().managed_fields.as_deref().unwrap_or_default();
    if let [ManagedFieldsEntry { manager: None, fields_v1: Some(condensed), .. }] = entries {
        return condensed.0.as_str().map(str::to_owned);
    }
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

/// Leaves of the managed fields, which mirror the whole object once for each manager, what a
/// [`Record`] compares. Before anything else is taken from the object.
pub fn condense<K: Resource<DynamicType = ()> + Serialize>(object: &mut K) {
    let hash = ours(object).map(|hash| ManagedFieldsEntry {
        fields_v1: Some(FieldsV1(Value::String(hash))),
        ..ManagedFieldsEntry::default()
    });
    object.meta_mut().managed_fields = hash.map(|entry| vec![entry]);
}

/// Of what an apply sends, identity aside: the server says of no field of it whose it is.
fn hash(mut object: Value) -> String {
    for field in ["apiVersion", "kind"] {
        object.as_object_mut().and_then(|object| object.remove(field));
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !["name", "namespace"].contains(&field.as_str()));
    }
    drop_empty(&mut object);
    // `serde_json` keeps maps sorted, so the same value always has the same text.
    hex::encode(digest(&SHA256, object.to_string().as_bytes()))
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
    use k8s_openapi::api::core::v1::Service;
    use serde_json::json;

    use super::*;

    /// A Service as the server holds it, with its defaults.
    fn held(manager: &str, fields: &Value) -> Service {
        serde_json::from_value(json!({
            "metadata": {
                "name": "demo", "namespace": "team-a", "uid": "uid-1",
                "managedFields": [{ "manager": manager, "operation": "Apply", "fieldsV1": fields }],
            },
            "spec": {
                "clusterIP": "10.0.0.1", "type": "ClusterIP", "selector": { "app": "demo" },
                "ports": [{ "name": "http", "port": 80, "protocol": "TCP", "targetPort": 80 }],
            },
        }))
        .unwrap()
    }

    fn desired() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "demo", "annotations": {} },
            "spec": { "selector": { "app": "demo" }, "ports": [{ "name": "http", "port": 80 }] },
        })
    }

    /// As the server names what [`desired`] holds.
    fn fields() -> Value {
        let port = json!({ ".": {}, "f:name": {}, "f:port": {} });
        json!({ "f:spec": {
            "f:selector": {},
            "f:ports": { "k:{\"port\":80,\"protocol\":\"TCP\"}": port },
        } })
    }

    #[test]
    fn an_object_tells_by_itself_whether_it_is_as_desired() {
        let ours = || held(FIELD_MANAGER, &fields());
        let mut taken = fields();
        taken["f:spec"].as_object_mut().unwrap().remove("f:selector");
        let mut changed = ours();
        changed.spec.as_mut().unwrap().selector = Some([("app".into(), "other".into())].into());
        let mut other_port = desired();
        other_port["spec"]["ports"][0]["port"] = json!(81);
        let cases = [
            ("as it was applied", desired(), ours(), true),
            ("another desired state", other_port, ours(), false),
            ("a field taken by another manager", desired(), held(FIELD_MANAGER, &taken), false),
            ("another value", desired(), changed, false),
            ("applied by another manager only", desired(), held("kubectl", &fields()), false),
        ];
        for (name, desired, mut held, in_place) in cases {
            assert_eq!(Record::new(&desired, &held).is_in_place(), in_place, "{name}");
            condense(&mut held);
            condense(&mut held);
            assert_eq!(Record::new(&desired, &held).is_in_place(), in_place, "{name}, condensed");
        }
    }

    #[test]
    fn an_object_that_was_replaced_is_another() {
        let (record, mut replaced) =
            (Record::new(&desired(), &held("x", &fields())), held("x", &fields()));
        assert_eq!(Record::new(&desired(), &replaced), record);
        replaced.metadata.uid = Some("uid-2".into());
        assert_ne!(Record::new(&desired(), &replaced), record);
    }

    #[test]
    fn items_that_are_their_own_keys_are_found() {
        let fields = json!({ "f:finalizers": { "v:\"a\"": {} } });
        let value = json!({ "finalizers": ["b", "a"], "other": 1 });
        assert_eq!(owned(&value, &fields), json!({ "finalizers": ["a"] }));
    }
}
