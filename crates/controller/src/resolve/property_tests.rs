//! What holds for every spec and every template: how they are merged, and that nothing a user writes is more than
//! a sentence.

use api_types::{AgentSpec, AgentTemplateSpec};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::*;
use crate::{
    desired::{Causes, desired},
    fixture::{agent, defaults, specs},
    secret::Password,
};

/// What an agent says that says only what the template does.
fn as_agent(template: &AgentTemplateSpec) -> AgentSpec {
    AgentSpec { port: None, ..specs::read(&json!(template)) }
}

/// The settings of an agent that a template can have.
fn as_template(agent: &AgentSpec) -> AgentTemplateSpec {
    specs::read_template(&json!(agent))
}

fn of(spec: AgentSpec, template: Option<&AgentTemplateSpec>) -> Result<ResolvedAgent, Invalid> {
    let template = template.map(|spec| AgentTemplate::new("base", spec.clone()));
    resolve(&agent(spec), template.as_ref(), &defaults())
}

/// What the installation says where nobody else does, written as a template.
fn defaults_as_template() -> AgentTemplateSpec {
    AgentTemplateSpec {
        agent_image: Some(defaults().images.agent),
        executor_image: Some(defaults().images.executor),
        workspace_dir: names::DEFAULT_WORKSPACE_DIR.into(),
        service_account_name: names::DEFAULT_SERVICE_ACCOUNT.into(),
        ..AgentTemplateSpec::default()
    }
}

proptest! {
    #[test]
    fn merging_is_idempotent_and_associative(
        a in specs::demanding(), t in specs::template(), u in specs::template(),
    ) {
        let (a, t, u) = (specs::read(&a), specs::read_template(&t), specs::read_template(&u));
        let once = merge(&a, Some(&t));
        prop_assert_eq!(&merge(&once, Some(&t)), &once);
        let of_both = as_template(&merge(&as_agent(&t), Some(&u)));
        prop_assert_eq!(merge(&a, Some(&of_both)), merge(&once, Some(&u)));
        // Whole objects, never field by field.
        prop_assert_eq!(&once.pod_spec, if a.pod_spec.is_some() { &a.pod_spec } else { &t.pod_spec });
        prop_assert_eq!(&once.config, if a.config.is_some() { &a.config } else { &t.config });
    }

    #[test]
    fn defaults_may_come_first_or_last(a in specs::demanding(), t in specs::template()) {
        let (a, t) = (specs::read(&a), specs::read_template(&t));
        let last = of(a.clone(), Some(&t));
        // But for the words that name the template.
        let field = |refused: Invalid| (refused.reason, refused.field);
        prop_assert_eq!(of(merge(&a, Some(&t)), None).map_err(field), last.clone().map_err(field));
        let first = as_template(&merge(&as_agent(&t), Some(&defaults_as_template())));
        prop_assert_eq!(&of(a.clone(), Some(&first)), &last);
        // And without a template, where they are all there is.
        prop_assert_eq!(of(a.clone(), Some(&defaults_as_template())), of(a, None));
    }

    /// Stored before there was a rule against it, or admitted by one that lacks a case.
    #[test]
    fn whatever_can_be_read_is_built_or_refused_with_a_sentence(
        mut spec in specs::demanding(),
        changes in prop::collection::vec((any::<Index>(), leaf()), 1..6),
    ) {
        for (index, value) in changes {
            let mut leaves = vec![];
            collect(&mut spec, &mut leaves);
            if !leaves.is_empty() {
                *leaves.swap_remove(index.index(leaves.len())) = value;
            }
        }
        is_built_or_refused(&spec);
    }
}

#[test]
fn nothing_known_to_mean_harm_is_more_than_a_sentence_anywhere() {
    let count = |spec: &mut Value| {
        let mut leaves = vec![];
        collect(spec, &mut leaves);
        leaves.len()
    };
    let leaves = count(&mut specs::everything());
    assert!(leaves >= 70, "{leaves}");
    for index in 0..leaves {
        for value in HARMFUL {
            let (mut spec, mut leaves) = (specs::everything(), vec![]);
            collect(&mut spec, &mut leaves);
            *leaves.swap_remove(index) = (*value).into();
            is_built_or_refused(&spec);
        }
    }
}

#[track_caller]
fn is_built_or_refused(spec: &Value) {
    let Ok(read) = serde_json::from_str::<AgentSpec>(&spec.to_string()) else { return };
    match of(read, None) {
        Ok(agent) => drop(desired(&agent, &Password::from_bytes(&[7; 32]), Causes::default())),
        Err(Invalid { field, message, .. }) => {
            assert!(field.starts_with("spec.") && !message.is_empty(), "{field} of {spec}");
        }
    }
}

const HARMFUL: &[&str] = &[
    "",
    " ",
    ".",
    "..",
    "/",
    "//",
    "/..",
    "../..",
    "/tools",
    "/workspace",
    "\0",
    "a\nb",
    "-rf",
    "--upload-pack=x",
    "ext::sh",
    "file:///",
    "https://",
    "git@h:",
    "@",
    "@/",
    "[",
    "https://[",
    "$(HOME)",
    "$$",
    "${",
    "%",
    "\u{202e}",
    "\u{200b}",
    "\u{10ffff}",
    "latest@sha256:",
    ":",
    "a:",
    "refs/heads/",
    "{}",
    "tools",
    "credential-0",
    "kubeopencode-config",
    "http",
];

/// Any value at all, most often one that has meant harm somewhere.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(HARMFUL).prop_map(Value::from),
        4 => any::<String>().prop_map(Value::from),
        1 => (1..3_000_usize).prop_map(|length| Value::from("é".repeat(length))),
        1 => any::<i64>().prop_map(Value::from),
    ]
}

/// Strings and numbers, wherever they are.
fn collect<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| collect(field, found)),
        Value::Array(items) => items.iter_mut().for_each(|item| collect(item, found)),
        Value::String(_) | Value::Number(_) => found.push(value),
        Value::Null | Value::Bool(_) => {}
    }
}
