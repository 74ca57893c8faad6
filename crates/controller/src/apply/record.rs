//! What was applied last, in a form that shows whether it is still in place. Pure.
//!
//! The server tracks which fields each manager owns (`metadata.managedFields`), and
//! takes a field away from us when somebody else changes or removes it. So an object
//! is as we left it for as long as our set of fields is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use kube::core::ObjectMeta;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use api_types::names::FIELD_MANAGER;

/// SHA-256.
type Hash = [u8; 32];

/// One object, as it was after it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    uid: Option<String>,
    desired: Hash,
    /// Their hash in hexadecimal digits.
    owned_fields: Option<String>,
}

impl Record {
    /// Of applying `desired`, and of what the server holds of it.
    pub(super) fn new(desired: &Value, held: &ObjectMeta) -> Self {
        Self { uid: held.uid.clone(), desired: hash(desired), owned_fields: owned_fields(held) }
    }
}

/// The fields that the server says are ours by server-side apply.
fn owned_fields(metadata: &ObjectMeta) -> Option<String> {
    let entries = metadata.managed_fields.iter().flatten();
    let mut ours = entries.filter(|entry| is_ours(entry));
    match &ours.next()?.fields_v1.as_ref()?.0 {
        // Condensed before; the server never holds a text there.
        Value::String(hash) => Some(hash.clone()),
        fields => Some(hex::encode(hash(fields))),
    }
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.as_deref().unwrap_or_default().is_empty()
}

/// Leaves of the managed fields, which mirror the whole object once for each manager, what a
/// [`Record`] compares.
pub fn condense(metadata: &mut ObjectMeta) {
    let fields = owned_fields(metadata);
    metadata.managed_fields = fields.map(|hash| {
        vec![ManagedFieldsEntry {
            manager: Some(FIELD_MANAGER.to_owned()),
            operation: Some("Apply".to_owned()),
            fields_v1: Some(FieldsV1(Value::String(hash))),
            ..ManagedFieldsEntry::default()
        }]
    });
}

/// `serde_json` keeps maps sorted, so the same value always has the same text.
fn hash(value: &Value) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, value.to_string().as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn held(manager: &str, fields: Value) -> ObjectMeta {
        ObjectMeta {
            uid: Some("uid-1".into()),
            managed_fields: Some(vec![ManagedFieldsEntry {
                manager: Some(manager.into()),
                operation: Some("Apply".into()),
                fields_v1: Some(FieldsV1(fields)),
                ..ManagedFieldsEntry::default()
            }]),
            ..ObjectMeta::default()
        }
    }

    fn ours(fields: Value) -> ObjectMeta {
        held(FIELD_MANAGER, fields)
    }

    #[test]
    fn each_way_to_move_an_object_is_noticed() {
        let desired = json!({ "spec": { "replicas": 1 } });
        let fields = json!({ "f:spec": { "f:replicas": {} } });
        let record = Record::new(&desired, &ours(fields.clone()));

        let replaced = ObjectMeta { uid: Some("uid-2".into()), ..ours(fields.clone()) };
        let scaled = json!({ "spec": { "replicas": 0 } });
        let cases = [
            ("nothing happened", &desired, ours(fields.clone()), true),
            ("another desired state", &scaled, ours(fields.clone()), false),
            ("a field taken by another manager", &desired, ours(json!({ "f:spec": {} })), false),
            ("recreated", &desired, replaced, false),
            ("applied by another manager only", &desired, held("kubectl", fields), false),
        ];
        for (name, desired, held, same) in cases {
            assert_eq!(Record::new(desired, &held) == record, same, "{name}");
        }
    }

    #[test]
    fn a_condensed_object_compares_as_the_whole_one() {
        let desired = json!({});
        for whole in [ours(json!({ "f:spec": {} })), held("kubectl", json!({ "f:spec": {} }))] {
            let mut condensed = whole.clone();
            condense(&mut condensed);
            condense(&mut condensed);
            assert!(Record::new(&desired, &condensed) == Record::new(&desired, &whole));
        }
        let mut other = ours(json!({ "f:data": {} }));
        condense(&mut other);
        let whole = ours(json!({ "f:spec": {} }));
        assert!(Record::new(&desired, &other) != Record::new(&desired, &whole));
    }
}
