//! What a context of type Runtime tells the agent about where it runs. Pure.

use std::fmt::Write;

use api_types::names;

use crate::resolve::ResolvedAgent;

/// Markdown. No value of a Secret, and nothing that changes while the pod runs.
pub(super) fn text(agent: &ResolvedAgent) -> String {
    let id = &agent.identity;
    let mut text = format!(
        "You run as the agent {:?} in the namespace {:?} of a Kubernetes cluster, in a pod that KubeOpenCode manages.\n\n",
        id.name, id.namespace
    );
    let kept = |is_kept: bool| {
        if is_kept {
            "it is kept when the pod is restarted"
        } else {
            "it is lost when the pod is replaced: push what must last"
        }
    };
    let workspace = agent.persistence.workspace.is_some() || agent.has_own_workspace();
    let mut line = |line: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {line}");
    };
    line(&format!("Working directory: {} ({})", agent.workspace_dir, kept(workspace)));
    let sessions = if agent.persistence.sessions.is_some() { "kept" } else { "lost" };
    line(&format!("Your sessions are {sessions} when the pod is replaced."));
    let url = names::server_url(&id.name, &id.namespace, agent.port);
    line(&format!("Your server listens on port {}; inside the cluster it is {url}", agent.port));
    for port in &agent.extra_ports {
        let (name, number, protocol) = (&port.name, port.port, port.protocol.as_str());
        line(&format!(
            "Port {number}/{protocol} ({name}) of this pod is open at the same address."
        ));
    }
    if agent.proxy.is_some() {
        line(
            "Requests to the outside go through a proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY are set.",
        );
    }
    if agent.ca_source.is_some() {
        line(&format!("Certificates of a private authority are trusted: {}", names::CA_FILE));
    }
    line("A person may watch and use your terminal in a browser at any time.");
    text
}
