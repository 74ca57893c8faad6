//! Every name derived from an agent's: what existing users, scripts and
//! dashboards rely on. No other crate may spell one out.

/// An Agent's name is also its Service's, which must be a DNS label
/// (RFC 1035), and a label value; both end at 63 characters. No derived name is
/// bound more tightly: the longer ones are subdomains of up to 253 characters.
pub const MAX_AGENT_NAME: usize = 63;

/// The container that runs `opencode serve`.
pub const SERVER_CONTAINER: &str = "opencode-server";

/// Init container that copies the OpenCode binary to [`TOOLS_DIR`].
pub const OPENCODE_INIT: &str = "opencode-init";
/// Init container that copies our own static tools to [`TOOLS_DIR`].
pub const TERMINAL_INIT: &str = "terminal-init";

/// Volume of binaries and configuration, shared by the pod's containers.
pub const TOOLS_VOLUME: &str = "tools";
/// Where [`TOOLS_VOLUME`] is mounted.
pub const TOOLS_DIR: &str = "/tools";
/// The OpenCode binary.
pub const OPENCODE_BINARY: &str = "/tools/opencode";
/// Our own tools, one static binary.
pub const AGENT_TOOLS_BINARY: &str = "/tools/agent-tools";
/// OpenCode's configuration; `OPENCODE_CONFIG` names it.
pub const CONFIG_FILE: &str = "/tools/opencode.json";
/// The configuration of OpenCode's terminal UI; `OPENCODE_TUI_CONFIG` names it.
pub const TUI_CONFIG_FILE: &str = "/tools/tui.json";
/// The system's trusted certificates and those of the agent's caBundle.
pub const JOINED_CA_FILE: &str = "/tools/ca-bundle.crt";

/// Init container that writes contexts.
pub const CONTEXT_INIT: &str = "context-init";
/// Init containers that clone repositories are named by it and their index.
pub const GIT_INIT_PREFIX: &str = "git-init-";
/// Containers that keep repositories up to date are named by it and the index of their init container.
pub const GIT_SYNC_PREFIX: &str = "git-sync-";
/// Init containers that download URLs are named by it and their index.
pub const URL_FETCH_PREFIX: &str = "url-fetch-";
/// Init container that installs plugins.
pub const PLUGIN_INIT: &str = "plugin-init";

/// The names of our own volumes begin with it; some older ones do not.
pub const VOLUME_PREFIX: &str = "kubeopencode-";

/// Volume of the agent's ConfigMaps: configuration, texts, and what the init containers are to do.
pub const CONFIG_VOLUME: &str = "kubeopencode-config";
/// Where [`CONFIG_VOLUME`] is mounted in init containers.
pub const CONFIG_DIR: &str = "/etc/kubeopencode/config";
/// Volume of contexts that are mounted outside the working directory.
pub const CONTEXT_VOLUME: &str = "kubeopencode-contexts";
/// Where [`CONTEXT_VOLUME`] is mounted in init containers.
pub const CONTEXT_DIR: &str = "/etc/kubeopencode/contexts";
/// Volumes of ConfigMaps that a user names as contexts: this and the context's index.
pub const CONFIG_MAP_VOLUME_PREFIX: &str = "kubeopencode-context-";
/// Where those volumes are mounted in context-init, each by its index.
pub const CONFIG_MAP_DIR: &str = "/etc/kubeopencode/config-maps";
/// Volumes of repositories outside the working directory: this and the index of their init container.
pub const GIT_VOLUME_PREFIX: &str = "kubeopencode-git-";
/// Where such a volume is mounted in git-init and git-sync.
pub const GIT_DIR: &str = "/etc/kubeopencode/git";
/// Volumes of Secrets for git and URLs: this and the name of the container.
pub const ACCESS_VOLUME_PREFIX: &str = "kubeopencode-access-";
/// Where such a volume is mounted in the container that uses it.
pub const ACCESS_DIR: &str = "/etc/kubeopencode/access";
/// Writable space of our own containers.
pub const SCRATCH_VOLUME: &str = "kubeopencode-scratch";
/// Where [`SCRATCH_VOLUME`] is mounted, each container at a folder of its own; their HOME.
pub const SCRATCH_DIR: &str = "/tmp";
/// Volume of plugins.
pub const PLUGINS_VOLUME: &str = "kubeopencode-plugins";
/// Where [`PLUGINS_VOLUME`] is mounted.
pub const PLUGINS_DIR: &str = "/plugins";
/// The folder of skills, one folder for each entry of the list.
pub const SKILLS_DIR: &str = "/skills";
/// Volume of the user's CA certificates.
pub const CA_VOLUME: &str = "kubeopencode-ca";
/// Where [`CA_VOLUME`] is mounted in every container.
pub const CA_DIR: &str = "/etc/ssl/certs/custom-ca";
/// The user's CA certificates; `CUSTOM_CA_CERT_PATH` names them.
pub const CA_FILE: &str = "/etc/ssl/certs/custom-ca/tls.crt";
/// Volume of OpenCode's sessions, where they are persistent.
pub const SESSIONS_VOLUME: &str = "kubeopencode-sessions";
/// Where [`SESSIONS_VOLUME`] is mounted.
pub const SESSIONS_DIR: &str = "/data/sessions";
/// The sessions' database; `OPENCODE_DB` names it.
pub const SESSIONS_DATABASE: &str = "/data/sessions/opencode.db";
/// The document of contexts without a path of their own, in the working directory.
pub const CONTEXT_DOCUMENT: &str = ".kubeopencode/context.md";
/// Volumes of credentials are named by it and their index in the list.
pub const CREDENTIAL_VOLUME_PREFIX: &str = "credential-";

/// Volume of the working directory.
pub const WORKSPACE_VOLUME: &str = "workspace";
/// The default working directory.
pub const DEFAULT_WORKSPACE_DIR: &str = "/workspace";

/// The default port of `opencode serve`.
pub const DEFAULT_PORT: u16 = 4096;
/// The name of that port on container and Service; reserved.
pub const HTTP_PORT_NAME: &str = "http";
/// The default ServiceAccount.
pub const DEFAULT_SERVICE_ACCOUNT: &str = "default";

/// Default image with the OpenCode binary.
pub const DEFAULT_AGENT_IMAGE: &str = "ghcr.io/kubeopencode/kubeopencode-agent-opencode:latest";
/// Default image that an agent runs in.
pub const DEFAULT_EXECUTOR_IMAGE: &str = "ghcr.io/kubeopencode/kubeopencode-agent-devbox:latest";

/// Namespace of the installation.
pub const SERVER_NAMESPACE: &str = "kubeopencode-system";
/// Service and Deployment of the gateway.
pub const SERVER_SERVICE: &str = "kubeopencode-server";
/// Port of [`SERVER_SERVICE`].
pub const SERVER_PORT: u16 = 2746;
/// Service and Deployment of the terminal broker.
pub const BROKER_SERVICE: &str = "kubeopencode-terminal-broker";
/// Port on which the terminal broker serves gRPC.
pub const BROKER_PORT: u16 = 50051;
/// Deployment of the controller.
pub const CONTROLLER_DEPLOYMENT: &str = "kubeopencode-controller";

/// Field manager of everything the controller applies.
pub const FIELD_MANAGER: &str = "kubeopencode-controller";

/// Key of the share Secret that holds the token.
pub const SHARE_TOKEN_KEY: &str = "token";
/// Key of the share Secret that holds the link's URL, where it is known.
pub const SHARE_URL_KEY: &str = "url";
/// Key of the server Secret that holds the password of `opencode serve`.
pub const SERVER_PASSWORD_KEY: &str = "password";

/// The Deployment that runs the agent's server.
pub fn deployment(agent: &str) -> String {
    format!("{agent}-server")
}

/// The Service in front of the agent's server.
pub fn service(agent: &str) -> String {
    agent.to_owned()
}

/// The first ConfigMap of contexts and configuration.
pub fn context_config_map(agent: &str) -> String {
    format!("{agent}-server-context")
}

/// Further ConfigMaps of contexts, where they do not fit into the first, numbered from 1.
pub fn further_context_config_map(agent: &str, number: usize) -> String {
    format!("{}-{number}", context_config_map(agent))
}

/// The PersistentVolumeClaim of the sessions.
pub fn sessions_claim(agent: &str) -> String {
    format!("{agent}-server-sessions")
}

/// The PersistentVolumeClaim of the working directory.
pub fn workspace_claim(agent: &str) -> String {
    format!("{agent}-server-workspace")
}

/// The Secret of the share token.
pub fn share_secret(agent: &str) -> String {
    format!("{agent}-share")
}

/// The key of the share Secret with the token of a link; `None` is the default link.
pub fn link_token_key(link: Option<&crate::LinkName>) -> String {
    link_key(link, SHARE_TOKEN_KEY)
}

/// The key of the share Secret with the URL of a link, where it is known.
pub fn link_url_key(link: Option<&crate::LinkName>) -> String {
    link_key(link, SHARE_URL_KEY)
}

/// The name of the terminal that all see who come by a link; `None` is the default link.
pub fn link_terminal(link: Option<&crate::LinkName>) -> String {
    // With a prefix, so that no name makes one link another's.
    link.map_or_else(|| crate::DEFAULT_LINK.to_owned(), |link| format!("link-{link}"))
}

fn link_key(link: Option<&crate::LinkName>, key: &str) -> String {
    link.map_or_else(|| key.to_owned(), |link| format!("{link}.{key}"))
}

/// The name of the link whose token has this key, if it is the key of one beside the default link.
pub fn link_of_token_key(key: &str) -> Option<crate::LinkName> {
    let (name, key) = key.split_once('.')?;
    if key == SHARE_TOKEN_KEY { crate::LinkName::parse(name).ok() } else { None }
}

/// The Secret of the server's password.
pub fn server_secret(agent: &str) -> String {
    format!("{agent}-server")
}

/// The URL of the agent's server inside the cluster.
pub fn server_url(agent: &str, namespace: &str, port: u16) -> String {
    format!("http://{}.{namespace}.svc.cluster.local:{port}", service(agent))
}

/// The path of a share link on the gateway, `/s/{token}`.
pub fn share_path(token: &crate::ShareToken) -> String {
    format!("/s/{}", token.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_names_are_those_that_users_know() {
        let derived = [
            deployment("demo"),
            service("demo"),
            context_config_map("demo"),
            share_secret("demo"),
            server_secret("demo"),
            further_context_config_map("demo", 1),
            sessions_claim("demo"),
            workspace_claim("demo"),
            server_url("demo", "team-a", DEFAULT_PORT),
        ];
        assert_eq!(
            derived,
            [
                "demo-server",
                "demo",
                "demo-server-context",
                "demo-share",
                "demo-server",
                "demo-server-context-1",
                "demo-server-sessions",
                "demo-server-workspace",
                "http://demo.team-a.svc.cluster.local:4096",
            ]
        );
    }

    #[test]
    fn each_link_has_keys_of_its_own() {
        let qa = crate::LinkName::parse("qa").unwrap();
        let keys = |link| (link_token_key(link), link_url_key(link));
        assert_eq!(keys(None), ("token".into(), "url".into()));
        assert_eq!(keys(Some(&qa)), ("qa.token".into(), "qa.url".into()));
        assert_eq!(link_of_token_key("qa.token"), Some(qa));
        for key in ["token", "qa.url", "QA.token", ".token", "a.b.token", "default.token"] {
            assert_eq!(link_of_token_key(key), None, "{key}");
        }
    }

    #[test]
    fn each_link_has_a_terminal_of_its_own() {
        let longest = "x".repeat(63);
        for name in ["qa", "link-qa", &longest] {
            let link = crate::LinkName::parse(name).unwrap();
            assert_eq!(link_terminal(Some(&link)), format!("link-{name}"));
        }
        assert_eq!(link_terminal(None), "default");
    }

    #[test]
    fn the_longest_agent_name_breaks_no_derived_name() {
        let agent = "a".repeat(MAX_AGENT_NAME);
        assert!(service(&agent).len() <= 63, "a Service is a DNS label");
        for label in crate::labels::for_agent(&agent).values() {
            assert!(label.len() <= 63, "a label value: {label}");
        }
        for name in [deployment(&agent), context_config_map(&agent)] {
            assert!(name.len() <= 253, "a DNS subdomain: {name}");
        }
    }
}
