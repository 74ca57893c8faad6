//! Whose value a mistake is, where an agent has a template: the path of its field is the same in both. Pure.

use api_types::{Agent, AgentSpec, AgentTemplate};
use kube::ResourceExt;

use super::Invalid;

/// A mistake that the agent without its template would not have.
pub(super) fn of_template(invalid: Invalid, agent: &Agent, template: &AgentTemplate) -> Invalid {
    let name = template.name_any();
    let Invalid { message, .. } = &invalid;
    let message = if sets(&agent.spec, &invalid.field) {
        format!("{message} (AgentTemplate {name:?} has the other value)")
    } else {
        format!("{message} (the value is in AgentTemplate {name:?}: correct it there)")
    };
    Invalid { message, ..invalid }
}

/// Whether the agent has the field itself, and so nothing of its template's. What a template cannot have is its own.
fn sets(spec: &AgentSpec, field: &str) -> bool {
    let field = field.strip_prefix("spec.").unwrap_or(field);
    match field.split(['.', '[', ' ']).next().unwrap_or_default() {
        "caBundle" => spec.ca_bundle.is_some(),
        "config" => spec.config.is_some(),
        "contexts" => spec.contexts.is_some(),
        "credentials" => spec.credentials.is_some(),
        "extraPorts" => spec.extra_ports.is_some(),
        "plugins" => spec.plugins.is_some(),
        "podSpec" => spec.pod_spec.is_some(),
        "skills" => spec.skills.is_some(),
        "workspaceDir" => spec.workspace_dir.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        fixture::{agent, defaults, specs},
        resolve::resolve,
    };

    fn sentence(mut own: Value, mut template: Value) -> String {
        own["templateRef"] = json!({ "name": "base" });
        template["serviceAccountName"] = json!("robot");
        if template["workspaceDir"].is_null() {
            template["workspaceDir"] = json!("/workspace");
        }
        let template = AgentTemplate::new("base", specs::read_template(&template));
        let refused = resolve(&agent(specs::read(&own)), Some(&template), &defaults());
        refused.unwrap_err().sentence()
    }

    #[test]
    fn what_is_wrong_in_the_template_is_corrected_there() {
        let volumes = json!({ "extraVolumes": [{ "name": "tools", "emptyDir": {} }] });
        let cases = [
            (json!({ "podSpec": volumes }), "spec.podSpec.extraVolumes[0].name: "),
            (json!({ "workspaceDir": "/tools" }), "spec.workspaceDir: "),
            (json!({ "plugins": [{ "name": "../x" }] }), "spec.plugins[0].name: "),
            (json!({ "caBundle": {} }), "spec.caBundle: "),
            (json!({ "contexts": [{ "type": "Text" }] }), "spec.contexts[0].text: "),
            (json!({ "extraPorts": [{ "name": "web", "port": 4096 }] }), "spec.extraPorts: "),
        ];
        for (template, field) in cases {
            let said = sentence(json!({}), template);
            assert!(said.starts_with(field), "{said}");
            let end = "(the value is in AgentTemplate \"base\": correct it there)";
            assert!(said.ends_with(end), "{said}");
        }
    }

    #[test]
    fn what_is_wrong_in_the_agent_is_the_agents() {
        let plugins = json!({ "plugins": [{ "name": "../x" }] });
        let said = sentence(plugins.clone(), plugins.clone());
        assert!(!said.contains("base"), "{said}");
        let said = sentence(plugins, json!({ "podSpec": {} }));
        assert!(!said.contains("base"), "{said}");
    }

    #[test]
    fn what_only_contradicts_the_template_names_it_too() {
        let text = |path: &str| json!([{ "type": "Text", "text": "t", "mountPath": path }]);
        let key =
            json!({ "name": "c", "secretRef": { "name": "s", "key": "k" }, "mountPath": "/a" });
        let said = sentence(json!({ "credentials": [key] }), json!({ "contexts": text("/a") }));
        assert_eq!(
            said,
            "spec.credentials[0] \"c\": /a is used already, by spec.contexts[0].mountPath: \
             choose another path (AgentTemplate \"base\" has the other value)"
        );
    }
}
