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
/// Init container that writes contexts and configuration.
pub const CONTEXT_INIT: &str = "context-init";
/// Init container that installs plugins.
pub const PLUGIN_INIT: &str = "plugin-init";

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
/// The terminal client's configuration; `OPENCODE_TUI_CONFIG` names it.
pub const TUI_CONFIG_FILE: &str = "/tools/tui.json";

/// Volume of the working directory.
pub const WORKSPACE_VOLUME: &str = "workspace";
/// The working directory where neither Agent nor template names one.
pub const DEFAULT_WORKSPACE_DIR: &str = "/workspace";
/// Where skills are mounted, one folder each.
pub const SKILLS_DIR: &str = "/skills";
/// Where plugins are installed.
pub const PLUGINS_DIR: &str = "/plugins";
/// Where the CA bundle is mounted in every container.
pub const CA_BUNDLE_FILE: &str = "/etc/ssl/certs/custom-ca/tls.crt";
/// Where session data lives when it is kept.
pub const SESSIONS_DIR: &str = "/data/sessions";
/// `OPENCODE_DB` when session data is kept.
pub const SESSIONS_DB: &str = "/data/sessions/opencode.db";

/// The port of `opencode serve` where the Agent names none.
pub const DEFAULT_PORT: u16 = 4096;
/// The name of that port on container and Service; extra ports may not use it.
pub const HTTP_PORT_NAME: &str = "http";
/// The ServiceAccount where neither Agent nor template names one.
pub const DEFAULT_SERVICE_ACCOUNT: &str = "default";

/// Image holding the OpenCode binary, where nothing else is said.
pub const DEFAULT_AGENT_IMAGE: &str = "ghcr.io/kubeopencode/kubeopencode-agent-opencode:latest";
/// Image the agent works in, where nothing else is said.
pub const DEFAULT_EXECUTOR_IMAGE: &str = "ghcr.io/kubeopencode/kubeopencode-agent-devbox:latest";

/// Namespace of the installation.
pub const SERVER_NAMESPACE: &str = "kubeopencode-system";
/// Service and Deployment of the gateway.
pub const SERVER_SERVICE: &str = "kubeopencode-server";
/// Port of [`SERVER_SERVICE`].
pub const SERVER_PORT: u16 = 2746;
/// Service and Deployment of the terminal broker.
pub const BROKER_SERVICE: &str = "kubeopencode-terminal-broker";
/// Port of [`BROKER_SERVICE`].
pub const BROKER_PORT: u16 = 50051;
/// Deployment of the controller.
pub const CONTROLLER_DEPLOYMENT: &str = "kubeopencode-controller";

/// Field manager of everything the controller applies.
pub const FIELD_MANAGER: &str = "kubeopencode-controller";

/// Key of the share Secret that holds the token.
pub const SHARE_TOKEN_KEY: &str = "token";
/// Key of the share Secret that holds the full address, where it is known.
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

/// The ConfigMap of contexts and configuration.
pub fn context_config_map(agent: &str) -> String {
    format!("{agent}-server-context")
}

/// The Secret of the share token.
pub fn share_secret(agent: &str) -> String {
    format!("{agent}-share")
}

/// The Secret of the server's password.
pub fn server_secret(agent: &str) -> String {
    format!("{agent}-server")
}

/// The claim that keeps session data.
pub fn sessions_claim(agent: &str) -> String {
    format!("{agent}-server-sessions")
}

/// The claim that keeps the working directory.
pub fn workspace_claim(agent: &str) -> String {
    format!("{agent}-server-workspace")
}

/// The `index`-th init container that clones a repository.
pub fn git_init(index: usize) -> String {
    format!("git-init-{index}")
}

/// The `index`-th sidecar that follows a repository.
pub fn git_sync(index: usize) -> String {
    format!("git-sync-{index}")
}

/// The `index`-th init container that fetches a URL.
pub fn url_fetch(index: usize) -> String {
    format!("url-fetch-{index}")
}

/// The address of the agent's server inside the cluster.
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
                "demo-server-sessions",
                "demo-server-workspace",
                "http://demo.team-a.svc.cluster.local:4096",
            ]
        );
    }

    #[test]
    fn the_longest_agent_name_breaks_no_derived_name() {
        let agent = "a".repeat(MAX_AGENT_NAME);
        assert!(service(&agent).len() <= 63, "a Service is a DNS label");
        for label in crate::labels::for_agent(&agent).values() {
            assert!(label.len() <= 63, "a label value: {label}");
        }
        for name in [deployment(&agent), context_config_map(&agent), workspace_claim(&agent)] {
            assert!(name.len() <= 253, "a DNS subdomain: {name}");
        }
    }
}
