//! Judges manifests as an API server would, from the generated definitions
//! alone: unknown fields, then the schema, then the rules in CEL.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use jsonschema::{Draft, ValidationError, error::ValidationErrorKind, paths::LocationSegment};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::cel::{CompiledSchema, Validator, apply_defaults, compile_schema};
use serde::Deserialize;
use serde_json::Value;

/// A manifest that must be refused, and the path that the refusal must name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    pub(crate) name: String,
    pub(crate) names: String,
    pub(crate) manifest: Value,
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Every manifest of a folder of fixtures, with the name of its file.
pub(crate) fn manifests(folder: &str) -> Vec<(String, Value)> {
    let files = std::fs::read_dir(fixtures().join(folder)).unwrap();
    let read = |path: PathBuf| {
        let manifest = serde_yaml_ng::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), manifest)
    };
    files.map(|file| read(file.unwrap().path())).collect()
}

/// The schema of one kind, and what checks it.
struct Judge {
    schema: Value,
    structure: jsonschema::Validator,
    rules: CompiledSchema,
}

/// By kind; compiled once, since that takes most of a test's time.
static JUDGES: LazyLock<BTreeMap<String, Judge>> = LazyLock::new(|| {
    let judge = |crd: CustomResourceDefinition| {
        let validation = crd.spec.versions[0].schema.as_ref().unwrap();
        let schema = serde_json::to_value(validation.open_api_v3_schema.as_ref().unwrap()).unwrap();
        let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
        let structure = options.build(&schema).unwrap();
        let rules = compile_schema(&with_null_for_none(&schema));
        (crd.spec.names.kind, Judge { schema, structure, rules })
    };
    api_types::crds().into_iter().map(judge).collect()
});

/// What was before is an optional to the API server, and null to this library where nothing was.
fn with_null_for_none(schema: &Value) -> Value {
    let rules = schema.to_string().replace("oldSelf.hasValue()", "oldSelf != null");
    serde_json::from_str(&rules).unwrap()
}

fn judge_of(manifest: &Value) -> &'static Judge {
    &JUDGES[manifest["kind"].as_str().unwrap()]
}

/// What the server stores: `manifest` with the schema's defaults filled in.
pub(crate) fn defaulted(manifest: &Value) -> Value {
    apply_defaults(&judge_of(manifest).schema, manifest)
}

/// Every objection to `manifest`, each as "path: text"; none if it is accepted.
pub(crate) fn objections(manifest: &Value) -> Vec<String> {
    objections_to_update(None, manifest)
}

/// The same where it replaces `old`, if there is one.
pub(crate) fn objections_to_update(old: Option<&Value>, manifest: &Value) -> Vec<String> {
    let judge = judge_of(manifest);
    let stored = defaulted(manifest);
    let mut found = Vec::new();
    for (name, part) in manifest.as_object().unwrap() {
        if !["apiVersion", "kind", "metadata"].contains(&name.as_str()) {
            unknown_fields(&judge.schema["properties"][name], part, name, &mut found);
        }
    }
    found.extend(judge.structure.iter_errors(&stored).map(|error| described(&error)));
    // Rules assume a sound structure; the API server skips them otherwise, too.
    if found.is_empty()
        && let Err(errors) = Validator::new().validate_compiled(&judge.rules, &stored, old)
    {
        found.extend(errors.as_slice().iter().map(ToString::to_string));
    }
    found
}

fn unknown_fields(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = format!("{path}.{name}");
                let known = schema["properties"].get(name);
                match known.or_else(|| schema.get("additionalProperties")) {
                    Some(schema) => unknown_fields(schema, field, &path, found),
                    None => found.push(format!("{path}: unknown field")),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                unknown_fields(&schema["items"], item, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn described(error: &ValidationError<'_>) -> String {
    let mut path = String::new();
    for segment in error.instance_path() {
        path = match segment {
            LocationSegment::Property(name) if path.is_empty() => name.into_owned(),
            LocationSegment::Property(name) => format!("{path}.{name}"),
            LocationSegment::Index(index) => format!("{path}[{index}]"),
        };
    }
    if let ValidationErrorKind::Required { property: Value::String(name) } = error.kind() {
        path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
    }
    format!("{path}: {error}")
}
