//! Label and annotation keys, and the label sets of what we create.

use std::collections::BTreeMap;

/// The agent an object belongs to.
pub const AGENT: &str = "kubeopencode.io/agent";
/// On an Agent: the template it uses.
pub const AGENT_TEMPLATE: &str = "kubeopencode.io/agent-template";
/// `"true"` on a user's Secret: agents may use it, where the controller goes by it (`--agent-secrets labelled`).
pub const FOR_AGENTS: &str = "kubeopencode.io/for-agents";
/// `"true"` on the Secrets that hold share tokens.
pub const SHARE_TOKEN: &str = "kubeopencode.io/share-token";

/// Annotations of those Secrets, for other tools: whose link it is. Nothing here reads them.
pub const SHARE_AGENT_NAME: &str = "kubeopencode.io/agent-name";
/// The namespace beside [`SHARE_AGENT_NAME`].
pub const SHARE_AGENT_NAMESPACE: &str = "kubeopencode.io/agent-namespace";

/// The well-known labels of `app.kubernetes.io`.
pub const NAME: &str = "app.kubernetes.io/name";
pub const INSTANCE: &str = "app.kubernetes.io/instance";
pub const COMPONENT: &str = "app.kubernetes.io/component";
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub const PART_OF: &str = "app.kubernetes.io/part-of";
pub const VERSION: &str = "app.kubernetes.io/version";

/// Value of [`NAME`] on an agent's objects.
pub const SERVER_NAME: &str = "kubeopencode-server";
/// Value of [`COMPONENT`] on an agent's objects.
pub const SERVER_COMPONENT: &str = "server";
/// Value of [`MANAGED_BY`].
pub const MANAGER: &str = "kubeopencode";
/// Value of [`PART_OF`] on everything of an installation.
pub const PRODUCT: &str = "kubeopencode";
/// Value of [`MANAGED_BY`] on the Secrets of the installation's certificates.
pub const CERTIFICATES_MANAGER: &str = "kubeoc";

/// Annotation on an Agent: when a client was last known to be connected (RFC 3339). Clients that
/// are not seen otherwise set it; it keeps an Agent with standby awake, and wakes one that sleeps.
pub const LAST_CONNECTION_ACTIVE: &str = "kubeopencode.io/last-connection-active";

/// Annotation on a pod: SHA-256 of the contexts and the configuration it was started with.
pub const CONTEXT_HASH: &str = "kubeopencode.io/context-hash";

/// Annotation on a pod: a digest of the user's ConfigMaps and Secrets it was started with, as far as it uses them.
pub const REFERENCES_HASH: &str = "kubeopencode.io/references-hash";

/// Annotation on a Deployment: a digest of the server's password. On its pods: of the one for which they were restarted.
pub const PASSWORD_HASH: &str = "kubeopencode.io/password-hash";

/// Annotation on a pod: the commits for which it was restarted, by repository.
pub const GIT_REVISION: &str = "kubeopencode.io/git-revision";

/// The labels of every object made for an agent. Apply them after the user's,
/// which must not override them.
pub fn for_agent(agent: &str) -> BTreeMap<String, String> {
    let mut labels = selector(agent);
    labels.insert(COMPONENT.to_owned(), SERVER_COMPONENT.to_owned());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    labels
}

/// The labels that pick an agent's pods: of [`for_agent`] those that may never
/// change, because a Deployment's selector cannot.
pub fn selector(agent: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (NAME.to_owned(), SERVER_NAME.to_owned()),
        (INSTANCE.to_owned(), agent.to_owned()),
        (AGENT.to_owned(), agent.to_owned()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_objects_carry_five_labels() {
        let expected = [
            ("app.kubernetes.io/component", "server"),
            ("app.kubernetes.io/instance", "demo"),
            ("app.kubernetes.io/managed-by", "kubeopencode"),
            ("app.kubernetes.io/name", "kubeopencode-server"),
            ("kubeopencode.io/agent", "demo"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(for_agent("demo"), BTreeMap::from(expected));
    }

    #[test]
    fn the_selector_picks_what_the_labels_mark() {
        let labels = for_agent("demo");
        assert!(selector("demo").iter().all(|(key, value)| labels.get(key) == Some(value)));
    }
}
