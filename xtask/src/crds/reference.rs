//! A custom resource definition as a page of Markdown: a table for each object of its schema. Pure.

use std::fmt::Write as _;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};

use super::constraints::{self, Items};

const HEADER: &str =
    "<!-- Generated from crates/api-types by `cargo xtask crds`; do not edit. -->\n";

const ABOUT: &str = "Fields in bold are required where the object around them is there. A name such as `contexts[]` is one \
     entry of a list. What\n`kubectl explain` prints is the same text.\n";

/// Fields whose type is Kubernetes' own, whatever object they are in.
const KUBERNETES: [(&str, &str); 10] = [
    ("affinity", "Affinity"),
    ("conditions", "Condition"),
    ("extraEnv", "EnvVar"),
    ("extraVolumeMounts", "VolumeMount"),
    ("extraVolumes", "Volume"),
    ("lifecycle", "Lifecycle"),
    ("podSecurityContext", "PodSecurityContext"),
    ("resources", "ResourceRequirements"),
    ("securityContext", "SecurityContext"),
    ("tolerations", "Toleration"),
];

/// The name of the page of `crd`, such as `agents.md`.
pub(super) fn file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}.md", crd.spec.names.plural)
}

/// The page of `crd`.
pub(super) fn page(crd: &CustomResourceDefinition) -> String {
    let (names, version) = (&crd.spec.names, &crd.spec.versions[0]);
    let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
    let schema = schema.cloned().unwrap_or_default();
    let short = names.short_names.iter().flatten().map(|name| format!("`{name}`"));
    let mut page = format!(
        "{HEADER}\n# {}\n\n{}\n\n`apiVersion: {}/{}`; short name {}. {ABOUT}",
        names.kind,
        text(&schema),
        crd.spec.group,
        version.name,
        short.collect::<Vec<_>>().join(", "),
    );
    page.push_str(&rules(&schema));
    for (name, part) in schema.properties.iter().flatten() {
        section(&mut page, name, part);
    }
    page
}

/// The table of one object, and after it those of the objects in it.
fn section(page: &mut String, path: &str, object: &JSONSchemaProps) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "\n## {path}\n\n{}", text(object));
    page.push_str(&rules(object));
    page.push_str("\n| Field | Type | Meaning |\n|---|---|---|\n");
    let required = object.required.as_deref().unwrap_or_default();
    let properties = || object.properties.iter().flatten();
    for (name, field) in properties() {
        let shown =
            if required.contains(name) { format!("**`{name}`**") } else { format!("`{name}`") };
        let _ = writeln!(page, "| {shown} | {} | {} |", type_of(name, field), meaning(field));
    }
    for (name, field) in properties().filter(|(name, _)| kubernetes(name).is_none()) {
        match field.items() {
            Some(item) if item.properties.is_some() => {
                section(page, &format!("{path}.{name}[]"), item);
            }
            None if field.properties.is_some() => section(page, &format!("{path}.{name}"), field),
            _ => {}
        }
    }
}

fn kubernetes(field: &str) -> Option<&'static str> {
    KUBERNETES.into_iter().find(|(name, _)| *name == field).map(|(_, kind)| kind)
}

fn type_of(name: &str, field: &JSONSchemaProps) -> String {
    match (kubernetes(name), field.items()) {
        (Some(kind), Some(_)) => format!("list of Kubernetes' `{kind}`"),
        (Some(kind), None) => format!("Kubernetes' `{kind}`"),
        (None, _) => constraints::type_of(field),
    }
}

/// Description, default and limits, in a cell of a table.
fn meaning(field: &JSONSchemaProps) -> String {
    let mut sentences = vec![text(field)];
    sentences.extend(field.default.as_ref().map(|default| format!("Default: `{}`.", default.0)));
    sentences.extend(constraints::limits(field));
    if field.properties.is_none() {
        sentences.extend(constraints::messages(field));
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences.join(" ").replace('|', "\\|")
}

/// The rules of a whole object, as a list.
fn rules(object: &JSONSchemaProps) -> String {
    let rules: Vec<_> =
        constraints::messages(object).map(|message| format!("- {message}\n")).collect();
    if rules.is_empty() { String::new() } else { format!("\n{}", rules.concat()) }
}

/// The description in one line.
fn text(schema: &JSONSchemaProps) -> String {
    schema
        .description
        .as_deref()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::paths;

    #[test]
    fn committed_pages_are_up_to_date() {
        for crd in api_types::crds() {
            let file = file_name(&crd);
            let path = paths::repository().join("docs/reference").join(&file);
            let committed = fs::read_to_string(path).unwrap_or_default();
            let fresh = committed == page(&crd);
            assert!(fresh, "docs/reference/{file} is out of date: run `cargo xtask crds`");
        }
    }

    #[test]
    fn each_object_has_a_table_and_kubernetes_own_have_none() {
        let crd = api_types::crds().into_iter().next().unwrap();
        let page = page(&crd);
        for heading in ["## spec", "## spec.share", "## spec.contexts[].git.sync", "## status"] {
            assert!(page.contains(&format!("\n{heading}\n")), "{heading}");
        }
        assert!(!page.contains("## spec.podSpec.affinity"));
        assert!(page.contains("| `resources` | Kubernetes' `ResourceRequirements` |"));
        assert!(page.contains("| **`type`** | string | Source of the content. One of `Text`, "));
    }
}
