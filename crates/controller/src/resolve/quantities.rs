//! Quantities that would keep the API server busy for ever, were they passed on. The definitions
//! refuse them, but an agent or its template may be older than those. Pure.

use api_types::{AgentSpec, quantity};

use super::Invalid;
use crate::refusal::shorten;

/// What is quoted of a quantity, in characters.
const LONGEST_QUOTE: usize = 40;
/// What is named of a field, in characters: resources have names of any length.
const LONGEST_PATH: usize = 200;

/// Whatever in the spec is a quantity by its type.
pub(super) fn check(spec: &AgentSpec) -> Result<(), Invalid> {
    let mut first = None;
    let visited = quantity::visit(spec, &mut |path, text| {
        if first.is_none() && !quantity::is_bounded(text) {
            first = Some(refused(path, text));
        }
    });
    // What cannot be searched is not passed on either.
    visited.map_err(|error| Invalid::spec("spec", error.to_string()))?;
    first.map_or(Ok(()), Err)
}

fn refused(path: &str, text: &str) -> Invalid {
    let quote = shorten(text, LONGEST_QUOTE);
    let message = format!(
        "{quote:?} is no quantity of at most 32 characters whose exponent has at most two digits: \
         write it as in 500m, 2, 4Gi or 1e9"
    );
    Invalid::spec(shorten(&format!("spec.{path}"), LONGEST_PATH), message)
}

#[cfg(test)]
mod tests {
    use api_types::{Agent, AgentTemplate, condition::reason};
    use serde_json::{Value, json};

    use crate::{
        fixture::{agent, defaults, specs},
        resolve::resolve,
    };

    const ENDLESS: [&str; 4] = ["1e999999999", "1E-999999999", "+.5e1000", "1e9e9"];

    /// Each field, and a spec whose every other quantity is sound.
    fn fields(value: &str) -> Vec<(&'static str, Value)> {
        let divisor = json!({ "resource": "limits.cpu", "divisor": value });
        let env = json!([{ "name": "A", "value": "1e999999999" }, { "name": "B", "valueFrom": { "resourceFieldRef": divisor } }]);
        let claim = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": value } } });
        let volume = |source: Value| {
            let mut volume = source;
            volume["name"] = json!("v");
            json!({ "podSpec": { "extraVolumes": [{ "name": "u", "emptyDir": { "sizeLimit": "1.5Gi" } }, volume] } })
        };
        let items = json!([{ "path": "a", "resourceFieldRef": divisor }]);
        vec![
            (
                "spec.podSpec.resources.limits.cpu",
                json!({ "podSpec": { "resources": { "limits": { "cpu": value, "memory": "4Gi" } } } }),
            ),
            (
                "spec.podSpec.resources.requests.example.com/gpu",
                json!({ "podSpec": { "resources": { "requests": { "example.com/gpu": value } } } }),
            ),
            (
                "spec.podSpec.extraVolumes[1].emptyDir.sizeLimit",
                volume(json!({ "emptyDir": { "sizeLimit": value } })),
            ),
            (
                "spec.podSpec.extraVolumes[1].ephemeral.volumeClaimTemplate.spec.resources.requests.storage",
                volume(json!({ "ephemeral": { "volumeClaimTemplate": { "spec": claim } } })),
            ),
            (
                "spec.podSpec.extraVolumes[1].projected.sources[0].downwardAPI.items[0].resourceFieldRef.divisor",
                volume(
                    json!({ "projected": { "sources": [{ "downwardAPI": { "items": items } }] } }),
                ),
            ),
            (
                "spec.podSpec.extraEnv[1].valueFrom.resourceFieldRef.divisor",
                json!({ "podSpec": { "extraEnv": env } }),
            ),
            (
                "spec.podSpec.systemContainers.gitSync.extraEnv[1].valueFrom.resourceFieldRef.divisor",
                json!({ "podSpec": { "systemContainers": { "gitSync": { "extraEnv": env } } } }),
            ),
            (
                "spec.persistence.sessions.size",
                json!({ "persistence": { "sessions": { "size": value } } }),
            ),
            (
                "spec.persistence.workspace.size",
                json!({ "persistence": { "workspace": { "size": value } } }),
            ),
        ]
    }

    fn refusal(agent: &Agent) -> Option<(&'static str, String)> {
        let refused = resolve(agent, None, &defaults()).err();
        refused.map(|invalid| (invalid.reason, invalid.field))
    }

    #[test]
    fn an_endless_quantity_is_refused_by_the_name_of_its_field() {
        for value in ENDLESS {
            for (field, spec) in fields(value) {
                let expected = Some((reason::INVALID_SPEC, field.to_owned()));
                assert_eq!(refusal(&agent(specs::read(&spec))), expected, "{value}");
            }
        }
    }

    #[test]
    fn every_other_quantity_is_kept() {
        for value in ["1", "0.5", "+1", "1.5Gi", "1e3", "2E6", "100m", "1E", "-1", "1e-3"] {
            for (_, spec) in fields(value) {
                assert_eq!(refusal(&agent(specs::read(&spec))), None, "{value}: {spec}");
            }
        }
    }

    #[test]
    fn so_is_one_of_the_template() {
        let (field, mut spec) = fields("1e999999999").remove(0);
        spec["workspaceDir"] = json!("/w");
        spec["serviceAccountName"] = json!("a");
        let template = AgentTemplate::new("base", specs::read_template(&spec));
        let agent = agent(specs::read(&json!({ "templateRef": { "name": "base" } })));
        let refused = resolve(&agent, Some(&template), &defaults()).unwrap_err();
        assert_eq!((refused.reason, refused.field.as_str()), (reason::INVALID_SPEC, field));
        assert!(refused.message.ends_with("AgentTemplate \"base\": correct it there)"));
    }

    /// The same texts where they are no quantities.
    #[test]
    fn other_texts_may_look_like_anything() {
        let labels = json!({ "sizeLimit": "1e999999999", "divisor": "1e999999999" });
        let spec = json!({ "podSpec": { "labels": labels, "scheduling": { "nodeSelector": labels } }, "config": { "limits": { "cpu": "1e999999999" } } });
        assert_eq!(refusal(&agent(specs::read(&spec))), None);
    }

    #[test]
    fn the_sentence_says_what_to_write_and_is_short() {
        let resources = json!({ "limits": { "x".repeat(100_000): "9".repeat(100_000) } });
        let spec = specs::read(&json!({ "podSpec": { "resources": resources } }));
        let sentence = resolve(&agent(spec), None, &defaults()).unwrap_err().sentence();
        assert!(sentence.starts_with("spec.podSpec.resources.limits.xxx"), "{sentence}");
        assert!(sentence.ends_with("write it as in 500m, 2, 4Gi or 1e9"), "{sentence}");
        assert!(sentence.len() < 500, "{}", sentence.len());
    }
}
