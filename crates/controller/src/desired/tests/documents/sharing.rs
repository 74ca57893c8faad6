//! The first two documents, about share links: what the agents of their examples are beside their links, and what
//! their links allow. How a link is judged is the crate `share`'s.

use time::{OffsetDateTime, macros::datetime};

use super::{super::tokens, *};
use crate::desired::share_secret;

/// Whether it is shared, until when, and with whom.
fn share(agent: &Agent) -> (bool, Option<OffsetDateTime>, Vec<String>) {
    let share = agent.spec.share.clone().unwrap();
    (agent.spec.is_shared(), share.expires_at, share.allowed_ips)
}

#[test]
fn the_quick_start_is_a_link_for_all_and_for_ever() {
    let agent: Agent = example("share-link-quick-start");
    assert_eq!(share(&agent), (true, None, vec![]));
    let identity = resolved(agent, None, &defaults()).identity;
    let secret = share_secret(&identity, &tokens(&[]), None);
    assert_eq!(secret.metadata.name.as_deref(), Some("team-agent-share"));
    assert!(secret.data.unwrap().contains_key("token"));
}

#[test]
fn the_full_example_ends_and_is_for_two_networks() {
    let agent: Agent = example("share-link-full-example");
    let networks = ["10.0.0.0/8", "192.168.1.0/24"].map(str::to_owned).to_vec();
    assert_eq!(share(&agent), (true, Some(datetime!(2026-05-01 0:00 UTC)), networks));
    resolved(agent, None, &defaults());
}

#[test]
fn a_contractors_agent_is_for_the_networks_of_office_and_vpn() {
    let agent: Agent = example("sharing-guide-ip-restriction");
    let networks = ["203.0.113.0/24", "198.51.100.0/24"].map(str::to_owned).to_vec();
    assert_eq!(share(&agent), (true, Some(datetime!(2026-05-01 0:00 UTC)), networks));
    assert_eq!(resolved(agent, None, &defaults()).identity.namespace, "qa");
}

#[test]
fn an_agent_managed_by_gitops_is_shared_without_an_end() {
    let agent: Agent = example("sharing-guide-gitops");
    assert_eq!(share(&agent), (true, None, vec![]));
    let objects = objects(agent, None);
    let metadata = &objects.deployment.metadata;
    let name = (metadata.namespace.as_deref(), metadata.name.as_deref());
    assert_eq!(name, (Some("platform"), Some("team-agent-server")));
    let pod = pod(&objects);
    assert_eq!(pod["serviceAccountName"], "kubeopencode-agent");
    let server = &containers(&pod)["opencode-server"];
    assert_eq!(server["image"], "ghcr.io/kubeopencode/kubeopencode-agent-devbox:latest");
}

#[test]
fn an_agent_for_the_testers_has_the_branch_and_its_key() {
    let agent: Agent = example("sharing-guide-qa-handoff");
    assert_eq!(share(&agent), (true, Some(datetime!(2026-04-20 0:00 UTC)), vec![]));
    let objects = objects(agent, None);
    let key = json!({ "secretKeyRef": { "name": "ai-credentials", "key": "api-key" } });
    let server = &containers(&pod(&objects))["opencode-server"];
    assert_eq!(variable(server, "OPENCODE_API_KEY")["valueFrom"], key);
    assert_eq!(server["workingDir"], "/workspace");

    let job = &objects.config_maps[0].data.as_ref().unwrap()["git-0.json"];
    let job: Value = serde_json::from_str(job).unwrap();
    assert_eq!(job["name"], "codebase");
    assert_eq!(job["repository"], "https://github.com/your-org/your-repo.git");
    assert_eq!(job["reference"], "feature/xyz");
    assert_eq!(job["target"], json!({ "root": "/workspace", "path": "code" }));
}

/// As the Go project writes them; we never read them.
#[test]
fn a_share_secret_says_whose_it_is() {
    let demo = serde_json::from_value(json!({ "metadata": { "name": "demo" }, "spec": {} }));
    let identity = resolved(demo.unwrap(), None, &defaults()).identity;
    let secret = share_secret(&identity, &tokens(&[]), None);
    let annotations = json!(secret.metadata.annotations);
    let expected = json!({ "kubeopencode.io/agent-name": "demo", "kubeopencode.io/agent-namespace": "team-a" });
    assert_eq!(annotations, expected);
}
