//! A user's variables and ours.

use api_types::AgentPodSpec;
use k8s_openapi::api::core::v1::EnvVar;
use serde_json::json;

use super::{of, pod, server, variable, with_pod};

#[test]
fn a_users_variable_replaces_ours() {
    let home = EnvVar { name: "HOME".into(), value: Some("/home/me".into()), value_from: None };
    let extra = AgentPodSpec { extra_env: Some(vec![home]), ..AgentPodSpec::default() };
    let objects = of(with_pod(extra));
    assert_eq!(variable(&server(&objects), "HOME").as_deref(), Some("/home/me"));
    for init in pod(&objects).init_containers.unwrap() {
        assert_eq!(variable(&init, "HOME").as_deref(), Some("/home/me"));
    }
}

#[test]
fn a_users_variable_may_extend_ours() {
    let spec = json!({
        "proxy": { "httpsProxy": "http://proxy:3128", "noProxy": "corp.example" },
        "podSpec": {
            "extraEnv": [
                { "name": "PATH", "value": "/opt/bin:$(PATH)" },
                { "name": "NO_PROXY", "value": "$(NO_PROXY),10.0.0.0/8" },
            ],
            "systemContainers": { "openCodeInit": { "extraEnv": [
                { "name": "NO_PROXY", "value": "$(NO_PROXY),mirror" },
            ] } },
        },
    });
    let objects = of(serde_json::from_value(spec).unwrap());
    let own = "/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let server = server(&objects);
    assert_eq!(variable(&server, "PATH"), Some(format!("/opt/bin:{own}")));
    let all = "corp.example,.svc,.cluster.local,localhost,127.0.0.1,::1,10.0.0.0/8";
    assert_eq!(variable(&server, "NO_PROXY").as_deref(), Some(all));
    let init = pod(&objects).init_containers.unwrap().remove(0);
    assert_eq!(variable(&init, "NO_PROXY"), Some(format!("{all},mirror")));
}
