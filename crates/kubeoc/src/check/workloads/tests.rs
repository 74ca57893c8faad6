use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::*;
use crate::{
    check::finding::Level,
    cluster::Seen,
    installation::{COMPONENTS, Component},
};

fn deployment(component: Component, image: &str, available: i32) -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": component.name },
        "spec": {
            "replicas": 2,
            "selector": {},
            "template": {
                "metadata": { "labels": { "app": component.name } },
                "spec": { "containers": [{ "name": "main", "image": image }] },
            },
        },
        "status": { "availableReplicas": available },
    }))
    .unwrap()
}

fn slice(ready: bool) -> EndpointSlice {
    let endpoint = json!({ "addresses": ["10.0.0.1"], "conditions": { "ready": ready } });
    serde_json::from_value(
        json!({ "addressType": "IPv4", "endpoints": [endpoint], "metadata": {} }),
    )
    .unwrap()
}

pub(super) fn well() -> Vec<Workload> {
    let workload = |component: Component| Workload {
        component,
        deployment: Seen::Known(Some(deployment(component, &format!("x:{OWN_VERSION}"), 2))),
        pods: Seen::Known(vec![]),
        slices: component.has_service.then(|| Seen::Known(vec![slice(true)])),
    };
    COMPONENTS.map(workload).into()
}

/// The worst finding about the gateway, as `change` leaves it.
fn worst(change: impl FnOnce(&mut Workload)) -> Finding {
    let mut workload = well().swap_remove(1);
    change(&mut workload);
    let rank = |finding: &Finding| match finding.level {
        Level::Ok => 0,
        Level::Unknown => 1,
        Level::Warning => 2,
        Level::Failed => 3,
    };
    one(&workload, "system").into_iter().max_by_key(rank).unwrap()
}

#[test]
fn an_installation_that_is_well_is_told_to_be() {
    let findings = judge(&facts(well()));
    assert_eq!(findings.len(), 8);
    assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:?}");
}

#[test]
fn each_fault_of_a_deployment_or_a_service_is_told() {
    let gateway = COMPONENTS[1];
    let with = |image: &str, available| Seen::Known(Some(deployment(gateway, image, available)));
    let own = format!("x:{OWN_VERSION}");
    let cases = [
        (worst(|it| it.deployment = Seen::Known(None)), Level::Failed, "is not in namespace"),
        (worst(|it| it.deployment = with(&own, 0)), Level::Failed, "0 of 2 replicas"),
        (worst(|it| it.deployment = with(&own, 1)), Level::Warning, "1 of 2 replicas"),
        (worst(|it| it.deployment = with("x:9.8.7", 2)), Level::Warning, "is version 9.8.7"),
        (worst(|it| it.deployment = with("x:latest", 2)), Level::Warning, "cannot be told"),
        (worst(|it| it.slices = Some(Seen::Known(vec![]))), Level::Failed, "no endpoint"),
        (
            worst(|it| it.slices = Some(Seen::Known(vec![slice(false)]))),
            Level::Failed,
            "no endpoint",
        ),
        (worst(|it| it.pods = Seen::Unknown("list pods".into())), Level::Unknown, "list pods"),
    ];
    for (finding, level, says) in cases {
        assert_eq!(finding.level, level, "{finding:?}");
        assert!(finding.message.contains(says), "{finding:?}");
    }
    let scaled = worst(|it| {
        let Seen::Known(Some(deployment)) = &mut it.deployment else { panic!() };
        deployment.spec.as_mut().unwrap().replicas = Some(0);
    });
    assert_eq!(scaled.message, "is scaled to 0");
}

#[test]
fn each_fault_of_a_pod_is_told_with_what_mends_it() {
    let container = |state: &Value, last: &Value, restarts: i32| {
        json!({ "containerStatuses": [{
            "name": "gateway", "image": "x:1", "imageID": "", "ready": false,
            "restartCount": restarts, "state": state, "lastState": last,
        }] })
    };
    let waiting = |reason: &str| json!({ "waiting": { "reason": reason, "message": "as it is" } });
    let ended = |reason: &str| json!({ "terminated": { "reason": reason, "exitCode": 137 } });
    let none = json!({});
    let cases = [
        (container(&waiting("ImagePullBackOff"), &none, 0), Level::Failed, "imagePullSecrets"),
        (container(&waiting("CrashLoopBackOff"), &ended("Error"), 3), Level::Failed, "--previous"),
        (container(&waiting("CreateContainerConfigError"), &none, 0), Level::Failed, "describe"),
        (container(&waiting("ContainerCreating"), &none, 0), Level::Warning, "describe"),
        (container(&none, &ended("OOMKilled"), 1), Level::Failed, "resources.limits.memory"),
        (container(&none, &ended("Error"), 1), Level::Warning, "--previous"),
        (
            json!({ "conditions": [{
                "type": "PodScheduled", "status": "False", "message": "no node fits",
            }] }),
            Level::Failed,
            "describe",
        ),
    ];
    for (status, level, fix) in cases {
        let pod = json!({ "metadata": { "name": "gateway-1" }, "status": status });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let finding = worst(|it| it.pods = Seen::Known(vec![pod]));
        assert_eq!(finding.level, level, "{finding:?}");
        assert!(finding.fix.as_ref().unwrap().contains(fix), "{finding:?}");
    }
}
