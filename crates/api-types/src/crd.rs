//! The two CustomResourceDefinitions as they are installed, and the files that
//! hold them. It makes text; writing it is left to the caller.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt as _;

use crate::{Agent, AgentTemplate};

/// First line of every generated file.
const HEADER: &str = "# Generated from crates/api-types by `cargo xtask crds`; do not edit.\n";

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

/// Removes what the API server does not know.
fn tidy(schema: &mut JSONSchemaProps) {
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
