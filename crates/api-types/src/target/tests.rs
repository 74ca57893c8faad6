use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::*;

const AGENT: &str = "agent-uid";

fn owned_by(kind: &str, uid: &str, own_uid: &str) -> ObjectMeta {
    serde_json::from_value(json!({
        "uid": own_uid,
        "ownerReferences": [{ "apiVersion": "v1", "kind": kind, "name": kind, "uid": uid, "controller": true }],
    }))
    .unwrap()
}

fn deployment() -> ObjectMeta {
    owned_by("Agent", AGENT, "deployment-uid")
}

fn replica_set() -> ObjectMeta {
    owned_by("Deployment", "deployment-uid", "set-uid")
}

/// The one ready pod of the agent; a test changes only what it is about.
fn pod() -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": "demo-server-1", "namespace": "team-a", "creationTimestamp": "2026-11-21T12:00:00Z",
            "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "demo-server-5d8", "uid": "set-uid", "controller": true }
            ],
        },
        "spec": { "containers": [
            { "name": "git-sync-0", "ports": [{ "name": "http", "containerPort": 1 }] },
            { "name": "opencode-server", "ports": [{ "name": "extra", "containerPort": 2 }, { "name": "http", "containerPort": 5096 }] },
        ] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] },
    }))
    .unwrap()
}

fn with(change: impl FnOnce(&mut Pod)) -> Pod {
    let mut pod = pod();
    change(&mut pod);
    pod
}

fn choice(pods: &[Pod]) -> Result<String, NoTarget> {
    Target::choose(AGENT, &deployment(), &[replica_set()], pods).map(|target| target.pod)
}

#[test]
fn the_ready_pod_of_the_agent_is_found_with_its_port() {
    let expected = Target { namespace: "team-a".into(), pod: "demo-server-1".into(), port: 5096 };
    assert_eq!(Target::choose(AGENT, &deployment(), &[replica_set()], &[pod()]), Ok(expected));
}

#[test]
fn pods_that_do_not_serve_are_passed_over() {
    let cases = [
        (
            "being deleted",
            with(|pod| pod.metadata.deletion_timestamp = pod.metadata.creation_timestamp.clone()),
        ),
        ("still starting", with(|pod| pod.status.as_mut().unwrap().phase = Some("Pending".into()))),
        (
            "not ready",
            with(|pod| {
                pod.status.as_mut().unwrap().conditions.as_mut().unwrap()[0].status =
                    "False".into();
            }),
        ),
        ("of unknown state", with(|pod| pod.status = None)),
    ];
    for (name, pod) in cases {
        assert_eq!(choice(std::slice::from_ref(&pod)), Err(NoTarget::NoReadyPod), "{name}");
    }
}

#[test]
fn a_labelled_stranger_is_not_taken_for_the_agents_pod() {
    let owner = |change: fn(&mut OwnerReference)| {
        with(|pod| change(&mut pod.metadata.owner_references.as_mut().unwrap()[0]))
    };
    let cases = [
        ("without an owner", with(|pod| pod.metadata.owner_references = None)),
        ("of another ReplicaSet", owner(|owner| owner.uid = "other".into())),
        ("of a Job with the same uid", owner(|owner| owner.kind = "Job".into())),
        ("owned but not controlled", owner(|owner| owner.controller = None)),
    ];
    for (name, pod) in cases {
        assert_eq!(choice(&[pod]), Err(NoTarget::NoReadyPod), "{name}");
    }
}

#[test]
fn a_replica_set_of_another_deployment_leads_nowhere() {
    let foreign = owned_by("Deployment", "other", "set-uid");
    let chosen = Target::choose(AGENT, &deployment(), &[foreign], &[pod()]);
    assert_eq!(chosen, Err(NoTarget::NoReadyPod));
}

#[test]
fn a_deployment_of_an_earlier_agent_of_that_name_leads_nowhere() {
    let old = owned_by("Agent", "earlier-uid", "deployment-uid");
    let chosen = Target::choose(AGENT, &old, &[replica_set()], &[pod()]);
    assert_eq!(chosen, Err(NoTarget::NoDeployment));
}

#[test]
fn the_newest_of_several_pods_wins() {
    let newer = with(|pod| {
        pod.metadata.name = Some("demo-server-0".into());
        let later: Timestamp = "2026-11-21T12:00:01Z".parse().unwrap();
        pod.metadata.creation_timestamp.as_mut().unwrap().0 = later;
    });
    for pods in [[pod(), newer.clone()], [newer, pod()]] {
        assert_eq!(choice(&pods), Ok("demo-server-0".into()));
    }
}

#[test]
fn a_pod_without_a_named_port_serves_on_the_default_one() {
    let plain = with(|pod| pod.spec.as_mut().unwrap().containers[1].ports = None);
    let chosen = Target::choose(AGENT, &deployment(), &[replica_set()], &[plain]);
    assert_eq!(chosen.map(|target| target.port), Ok(4096));
}
