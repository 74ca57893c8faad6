//! A template's settings taken into an agent's. Pure.

use api_types::{AgentSpec, AgentTemplateSpec};

/// The agent's own settings, and the template's where the agent has none. A list
/// that is set replaces the template's, an empty one too; so does an object.
pub fn merge(agent: &AgentSpec, template: Option<&AgentTemplateSpec>) -> AgentSpec {
    let own = agent.clone();
    let Some(template) = template.cloned() else { return own };
    // Both are taken apart field by field: a new field of the template fails to
    // compile here until its meaning is decided.
    let AgentTemplateSpec {
        agent_image,
        executor_image,
        attach_image,
        workspace_dir,
        service_account_name,
        extra_ports,
        command,
        contexts,
        skills,
        plugins,
        config,
        credentials,
        pod_spec,
        ca_bundle,
        proxy,
        image_pull_secrets,
        max_concurrent_tasks,
        quota,
    } = template;

    AgentSpec {
        agent_image: own.agent_image.or(agent_image),
        executor_image: own.executor_image.or(executor_image),
        attach_image: own.attach_image.or(attach_image),
        workspace_dir: own.workspace_dir.or(set(workspace_dir)),
        service_account_name: own.service_account_name.or(set(service_account_name)),
        extra_ports: own.extra_ports.or(extra_ports),
        command: own.command.or(command),
        contexts: own.contexts.or(contexts),
        skills: own.skills.or(skills),
        plugins: own.plugins.or(plugins),
        config: own.config.or(config),
        credentials: own.credentials.or(credentials),
        pod_spec: own.pod_spec.or(pod_spec),
        ca_bundle: own.ca_bundle.or(ca_bundle),
        proxy: own.proxy.or(proxy),
        image_pull_secrets: own.image_pull_secrets.or(image_pull_secrets),
        max_concurrent_tasks: own.max_concurrent_tasks.or(max_concurrent_tasks),
        quota: own.quota.or(quota),
        template_ref: own.template_ref,
        profile: own.profile,
        port: own.port,
        persistence: own.persistence,
        suspend: own.suspend,
        standby: own.standby,
        share: own.share,
    }
}

/// What a template must have and leaves empty says nothing.
fn set(required: String) -> Option<String> {
    Some(required).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use api_types::{AgentPodSpec, LocalRef};

    use super::*;

    fn template() -> AgentTemplateSpec {
        AgentTemplateSpec {
            executor_image: Some("devbox:template".into()),
            workspace_dir: "/template".into(),
            service_account_name: "template".into(),
            config: Some(r#"{"model":"a/b"}"#.parse().unwrap()),
            image_pull_secrets: Some(vec![LocalRef::from("template")]),
            pod_spec: Some(Box::new(AgentPodSpec {
                runtime_class_name: Some("gvisor".into()),
                ..AgentPodSpec::default()
            })),
            ..AgentTemplateSpec::default()
        }
    }

    #[test]
    fn an_agent_without_a_template_is_left_alone() {
        let agent = AgentSpec { profile: Some("reviews".into()), ..AgentSpec::default() };
        assert_eq!(merge(&agent, None), agent);
    }

    #[test]
    fn what_the_agent_leaves_out_comes_from_the_template() {
        let merged = merge(&AgentSpec::default(), Some(&template()));
        let expected = AgentSpec {
            executor_image: Some("devbox:template".into()),
            workspace_dir: Some("/template".into()),
            service_account_name: Some("template".into()),
            config: template().config,
            image_pull_secrets: template().image_pull_secrets,
            pod_spec: template().pod_spec,
            ..AgentSpec::default()
        };
        assert_eq!(merged, expected);
    }

    #[test]
    fn what_the_template_leaves_empty_is_not_set() {
        assert_eq!(
            merge(&AgentSpec::default(), Some(&AgentTemplateSpec::default())),
            AgentSpec::default()
        );
    }

    #[test]
    fn what_the_agent_sets_wins_entirely() {
        let agent = AgentSpec {
            executor_image: Some("devbox:agent".into()),
            workspace_dir: Some("/agent".into()),
            service_account_name: Some("agent".into()),
            config: Some("{}".parse().unwrap()),
            image_pull_secrets: Some(vec![]),
            pod_spec: Some(Box::default()),
            ..AgentSpec::default()
        };
        assert_eq!(merge(&agent, Some(&template())), agent);
    }
}
