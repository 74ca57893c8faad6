//! What makes another apply of an object unnecessary. Pure.

use serde_json::Value;

use crate::{
    held::{Digest, Held, hash},
    kinds::Child,
};

/// One object, as it is compared with what is desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    uid: Box<str>,
    /// Of what is desired, and of what the server holds of ours.
    desired: Digest,
    held: Option<Digest>,
}

impl Record {
    pub(super) fn new<K: Child>(desired: &Value, held: &Held<K>) -> Self {
        Self { uid: held.uid.clone(), desired: hash(desired.clone()), held: held.ours }
    }

    /// Whether the object tells by itself that it is as desired, also after a restart. Of some it
    /// cannot be told: the server writes `0.5` of a processor as `500m`.
    pub(super) fn is_in_place(&self) -> bool {
        self.held == Some(self.desired)
    }
}

#[cfg(test)]
mod tests {
    use api_types::names::FIELD_MANAGER;
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
        for (name, desired, held, in_place) in cases {
            let record = Record::new(&desired, &Held::of(&held));
            assert_eq!(record.is_in_place(), in_place, "{name}");
        }
    }

    #[test]
    fn an_object_that_was_replaced_is_another() {
        let record = |held: &Service| Record::new(&desired(), &Held::of(held));
        let (before, mut replaced) = (held("x", &fields()), held("x", &fields()));
        assert_eq!(record(&replaced), record(&before));
        replaced.metadata.uid = Some("uid-2".into());
        assert_ne!(record(&replaced), record(&before));
    }
}
