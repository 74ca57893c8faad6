//! Pieces of schema that attributes cannot say. Used by the types here only.

use schemars::{
    Schema,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Value, json};

use crate::quantity::LONGEST;

/// Addresses that are fetched, or nothing.
pub(crate) const URL_OR_EMPTY: &str = r"^(https?://[^\s/]+\S*)?$";
/// Names of objects in the same namespace: DNS subdomains (RFC 1123).
pub(crate) const SUBDOMAIN: &str =
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// The same, or nothing.
pub(crate) const SUBDOMAIN_OR_EMPTY: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$";
/// Keys of a ConfigMap or Secret, or nothing.
pub(crate) const DATA_KEY_OR_EMPTY: &str = r"^[-._a-zA-Z0-9]*$";
/// An absolute path of a directory other than the root, or nothing; a colon would split it.
pub(crate) const ABSOLUTE_PATH: &str = r"^(/[^:]+)?$";
/// A path that a container can mount, or nothing.
pub(crate) const MOUNT_PATH: &str = r"^[^:]*$";
/// What git and its transports take as one argument, and never as an option.
pub(crate) const GIT_ARGUMENT: &str = r"^[^-\s]\S*$";
/// The same, or nothing.
pub(crate) const GIT_ARGUMENT_OR_EMPTY: &str = r"^([^-\s]\S*)?$";
/// Go's notation for durations, as in `1h30m`.
pub(crate) const DURATION: &str = r"^([0-9]{1,9}(\.[0-9]{1,9})?(ns|us|µs|ms|s|m|h))+$";
/// RFC 3339 with every part in its range; the day is checked by the format.
pub(crate) const TIMESTAMP: &str = concat!(
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?",
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
);
/// The times inside Kubernetes' own types: their range ends a day before the year 9999 does.
pub(crate) const KUBERNETES_TIMESTAMP: &str = concat!(
    r"^([0-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-[0-9]{2}-[0-9]{2}",
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?",
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
);

/// Numbers with an optional suffix, the notation of Kubernetes' quantities. Its exponents have two
/// digits here: one of nine is a number of as many, which the API server computes for ever.
/// `quantity::is_bounded` says the same.
const QUANTITY: &str = concat!(
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))",
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?[0-9]{1,2}))?$"
);

/// Drops the descriptions inside an embedded Kubernetes type: with them the
/// resource would outgrow the annotation in which `kubectl apply` keeps it.
/// Quantities get the pattern and the length that their generated schema lacks.
pub(crate) fn bare(schema: &mut Schema) {
    transform_subschemas(&mut Bare, schema);
}

struct Bare;

impl Transform for Bare {
    fn transform(&mut self, schema: &mut Schema) {
        if schema.get("description").is_some_and(Value::is_string) {
            schema.remove("description");
        }
        if let Some(values) = schema.get_mut("additionalProperties") {
            constrain_quantity(values);
        }
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            // A port is the other thing that is a number or a name.
            let quantities = properties.iter_mut().filter(|(name, _)| *name != "port");
            quantities.for_each(|(_, property)| constrain_quantity(property));
        }
        transform_subschemas(self, schema);
    }
}

fn constrain_quantity(schema: &mut Value) {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        schema["pattern"] = json!(QUANTITY);
        schema["maxLength"] = json!(LONGEST);
    }
}

/// Any JSON object, kept as it is. It has one manager: keeping track of each field's costs the API
/// server the square of the depth, minutes for an object of a megabyte.
pub(crate) fn any_object(_: &mut schemars::SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// Any JSON value, kept as it is.
pub(crate) fn any_value(_: &mut schemars::SchemaGenerator) -> Schema {
    schemars::json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
}

/// A quantity written as a string, which is the only way where a size is asked for.
pub(crate) fn size(_: &mut schemars::SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string", "maxLength": LONGEST })
}

/// Sets the default `size` of a claim, which differs from claim to claim.
pub(crate) fn sized(schema: &mut Schema, default: &str) {
    if let Some(size) = schema.pointer_mut("/properties/size") {
        size["default"] = json!(default);
    }
}
