//! Objects as they are stored, for scripts. Pure.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::stored::{Kind, Stored};

/// The top fields of an object.
type Manifest = BTreeMap<String, Box<RawValue>>;

/// What kubectl takes as the name of any object.
pub(super) fn name<K: Kind>(stored: &Stored<K>) -> String {
    format!("{}.{}/{}\n", K::kind(&()).to_lowercase(), K::group(&()), stored.name())
}

/// Indented, unless an object is nested more deeply than can be read as a tree.
pub(super) fn json(objects: &[Manifest], is_list: bool) -> anyhow::Result<String> {
    let text = match trees(objects) {
        Ok(trees) => serde_json::to_string_pretty(&whole(trees, is_list))?,
        Err(_deep) => serde_json::to_string(&List::of(objects, is_list))?,
    };
    Ok(text + "\n")
}

pub(super) fn yaml(objects: &[Manifest], is_list: bool) -> anyhow::Result<String> {
    let trees = trees(objects).context("an object is nested too deeply for YAML; use -o json")?;
    Ok(serde_yaml_ng::to_string(&whole(trees, is_list))?)
}

fn trees(objects: &[Manifest]) -> serde_json::Result<Vec<Value>> {
    let tree = |object: &Manifest| {
        let fields = object.iter().map(|(key, text)| Ok((key.clone(), text.get().parse()?)));
        fields.collect::<serde_json::Result<_>>().map(Value::Object)
    };
    objects.iter().map(tree).collect()
}

/// The object that was named, or a list as kubectl prints one.
fn whole(mut trees: Vec<Value>, is_list: bool) -> Value {
    if !is_list && trees.len() == 1 {
        return trees.remove(0);
    }
    json!({
        "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": trees,
    })
}

/// The same from texts.
#[derive(Serialize)]
#[serde(untagged)]
enum List<'a> {
    One(&'a Manifest),
    #[serde(rename_all = "camelCase")]
    Many {
        api_version: &'static str,
        kind: &'static str,
        items: &'a [Manifest],
    },
}

impl<'a> List<'a> {
    fn of(objects: &'a [Manifest], is_list: bool) -> Self {
        match objects {
            [one] if !is_list => Self::One(one),
            items => Self::Many { api_version: "v1", kind: "List", items },
        }
    }
}

#[cfg(test)]
mod tests {
    use api_types::Agent;

    use super::*;

    fn stored(config: &str) -> Stored<Agent> {
        let text = format!(
            r#"{{"metadata":{{"name":"demo","managedFields":[{{}}]}},"spec":{{"config":{config}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn one_object_is_printed_whole_but_for_its_managed_fields() {
        let objects = [stored(r#"{"model":"x"}"#).manifest().unwrap()];
        insta::assert_snapshot!(yaml(&objects, false).unwrap(), @r"
        apiVersion: kubeopencode.io/v1alpha1
        kind: Agent
        metadata:
          name: demo
        spec:
          config:
            model: x
        ");
        assert_eq!(name(&stored("{}")), "agent.kubeopencode.io/demo\n");
    }

    #[test]
    fn what_may_be_many_is_a_list_even_of_one() {
        let objects = [stored("{}").manifest().unwrap()];
        let list: Value = json(&objects, true).unwrap().parse().unwrap();
        assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("List"), &json!("Agent")));
        let none: Value = json(&[], true).unwrap().parse().unwrap();
        assert_eq!(none["items"], json!([]));
    }

    #[test]
    fn depth_costs_the_indentation_and_nothing_else() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
        let objects = [stored(&deep).manifest().unwrap()];
        let text = json(&objects, false).unwrap();
        assert!(text.contains(&deep), "{text}");
        assert!(json(&objects, true).unwrap().contains(r#""kind":"List""#));
        let error = yaml(&objects, false).unwrap_err().to_string();
        assert_eq!(error, "an object is nested too deeply for YAML; use -o json");
    }
}
