//! The two CustomResourceDefinitions as they are installed, and the files that
//! hold them. It makes text; writing it is left to the caller.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt as _;

use crate::{Agent, AgentTemplate, schema};

/// First line of every generated file.
const HEADER: &str = "# Generated from crates/api-types by `cargo xtask crds`; do not edit.\n";

/// The integers that a double holds exactly, which is how the API server compares with a bound:
/// 2^63 itself would pass for the largest `i64`.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

/// A time with nine digits of a second and an offset: a text of a megabyte is not searched for one.
const LONGEST_TIME: i64 = 35;

/// Both definitions, in the order in which they are installed.
pub fn crds() -> Vec<CustomResourceDefinition> {
    [Agent::crd(), AgentTemplate::crd()].into_iter().map(finished).collect()
}

/// The name of the file that holds `crd`, such as `agents.kubeopencode.io.yaml`.
pub fn crd_file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}.yaml", crd.metadata.name.as_deref().unwrap_or_default())
}

/// The content of the file that holds `crd`.
pub fn crd_yaml(crd: &CustomResourceDefinition) -> Result<String, serde_yaml_ng::Error> {
    Ok(format!("{HEADER}{}", serde_yaml_ng::to_string(crd)?))
}

fn finished(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let validation = version.schema.as_mut();
        if let Some(schema) = validation.and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            schema.title = None;
            tidy(schema);
        }
    }
    crd
}

/// Removes what the API server does not know, and says in its terms what it ignores.
fn tidy(schema: &mut JSONSchemaProps) {
    bound(schema);
    // A null then means "not set", is dropped, and the default applies.
    schema.nullable = None;
    // The API server knows no unsigned formats; minimum and maximum say it.
    if schema.format.as_deref().is_some_and(|format| format.starts_with("uint")) {
        schema.format = None;
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        tidy(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        tidy(values);
    }
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(tidy);
}

/// The API server ignores the formats of integers, and reads more into `date-time` than Rust does:
/// what it stored would be read by nobody.
fn bound(schema: &mut JSONSchemaProps) {
    if schema.format.as_deref() == Some("date-time") {
        schema.pattern.get_or_insert_with(|| schema::KUBERNETES_TIMESTAMP.to_owned());
        schema.max_length.get_or_insert(LONGEST_TIME);
    }
    let Some((lowest, highest)) = range(schema) else { return };
    schema.minimum = Some(schema.minimum.map_or(lowest, |minimum| minimum.max(lowest)));
    schema.maximum = Some(schema.maximum.map_or(highest, |maximum| maximum.min(highest)));
}

/// What the Rust type of an integer holds.
fn range(schema: &JSONSchemaProps) -> Option<(f64, f64)> {
    if schema.x_kubernetes_int_or_string == Some(true) {
        // A quantity has a pattern, and is kept as text. The other is a port, by number or name.
        let is_quantity = schema.pattern.is_some();
        let port = (1.0, f64::from(u16::MAX));
        return Some(if is_quantity { (-MAX_EXACT, MAX_EXACT) } else { port });
    }
    if schema.type_.as_deref() != Some("integer") {
        return None;
    }
    Some(match schema.format.as_deref() {
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        Some("uint16") => (0.0, f64::from(u16::MAX)),
        Some("uint32") => (0.0, f64::from(u32::MAX)),
        _ => (-MAX_EXACT, MAX_EXACT),
    })
}
