//! What the API server of a real cluster refuses by the policies of an installation, and lets pass. The whole table of cases is
//! that of the chart's tests (`e2e/chart/policies.yaml`): here are the built-in controllers, who make what it imitates there.

use anyhow::{Context, Result, ensure};
use api_types::{labels, names};
use e2e::{
    cluster::{PATIENCE, Space, client_as},
    waiting,
};
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingAdmissionPolicy,
    authorization::v1::SubjectAccessReview,
    core::v1::{Namespace, Pod, ServiceAccount},
    rbac::v1::RoleBinding,
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, PostParams},
};
use serde_json::{Value, json};

/// The account of somebody with Kubernetes' own role edit, in the test's namespace.
const EDITOR: &str = "editor";

async fn settle_editor(space: &Space) -> Result<()> {
    let account: ServiceAccount =
        serde_json::from_value(json!({ "metadata": { "name": EDITOR } }))?;
    space.api().create(&PostParams::default(), &account).await?;
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": { "name": EDITOR },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit" },
        "subjects": [{ "kind": "ServiceAccount", "name": EDITOR, "namespace": space.name }],
    }))?;
    space.api().create(&PostParams::default(), &binding).await?;
    Ok(())
}

fn pod(labels: &Value, user: u64) -> Result<Pod> {
    Ok(serde_json::from_value(json!({
        "metadata": { "name": "any", "labels": labels },
        "spec": {
            "securityContext": { "runAsUser": user, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "any", "image": "any",
                "securityContext": {
                    "allowPrivilegeEscalation": false, "runAsNonRoot": user > 0,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    }))?)
}

/// Creates it without persisting; `Some` is the message of a refusal.
async fn refusal(pods: Api<Pod>, pod: &Pod) -> Result<Option<String>> {
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    match pods.create(&dry_run, pod).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(Some(status.message)),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn nobody_but_an_agents_controllers_makes_a_pod_with_its_label() -> Result<()> {
    let space = Space::new("pretender").await?;
    settle_editor(&space).await?;
    let editor = client_as(EDITOR, &space.name).await?;
    let pods = || Api::<Pod>::namespaced(editor.clone(), &space.name);
    let own = pod(&json!({ "app": "own" }), 1000)?;
    // The role arrives a moment after it was bound.
    let allowed = waiting::until("a pod of the editor's own", PATIENCE, || async {
        Ok(refusal(pods(), &own).await?.is_none().then_some(()))
    });
    allowed.await?;
    let pretender = pod(&json!({ labels::AGENT: "demo" }), 1000)?;
    let said = refusal(pods(), &pretender).await?.context("was taken")?;
    ensure!(said.contains("'kubeopencode-pods'") && said.ends_with("leave it out"), "{said}");
    space.delete().await
}

/// Whoever may edit a namespace may run pods with its ServiceAccounts anyway, and need not be granted it anew.
#[tokio::test]
async fn whoever_may_edit_a_namespace_may_use_its_service_accounts_in_agents() -> Result<()> {
    let space = Space::new("user").await?;
    settle_editor(&space).await?;
    let review: SubjectAccessReview = serde_json::from_value(json!({
        "spec": {
            "user": format!("system:serviceaccount:{}:{EDITOR}", space.name),
            "resourceAttributes": {
                "namespace": space.name, "resource": "serviceaccounts", "name": "robot", "verb": "use",
            },
        },
    }))?;
    let reviews: Api<SubjectAccessReview> = Api::all(space.client.clone());
    let allowed = waiting::until("the editor may use it", PATIENCE, || async {
        let review = reviews.create(&PostParams::default(), &review).await?;
        Ok(review.status.is_some_and(|status| status.allowed).then_some(()))
    });
    allowed.await?;
    space.delete().await
}

#[tokio::test]
async fn the_api_server_finds_no_mistake_in_the_policies() -> Result<()> {
    let client = e2e::cluster::client().await?;
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client);
    let ours = ListParams::default().labels(&format!("{}={}", labels::PART_OF, labels::PRODUCT));
    let checked = waiting::until("all policies are checked", PATIENCE, || async {
        let all = policies.list(&ours).await?.items;
        let is_checked = |policy: &ValidatingAdmissionPolicy| {
            policy.status.as_ref().is_some_and(|status| status.observed_generation.is_some())
        };
        Ok(all.iter().all(is_checked).then_some(all))
    });
    let (all, _) = checked.await?;
    assert_eq!(all.len(), 3);
    for policy in all {
        let checking = policy.status.as_ref().and_then(|status| status.type_checking.as_ref());
        let warnings = checking.and_then(|checking| checking.expression_warnings.as_ref());
        ensure!(warnings.is_none(), "{}: {warnings:?}", policy.name_any());
    }
    Ok(())
}

#[tokio::test]
async fn the_systems_namespace_takes_restricted_pods_only() -> Result<()> {
    let client = e2e::cluster::client().await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = namespaces.get(names::SERVER_NAMESPACE).await?;
    let enforced = namespace.labels().get("pod-security.kubernetes.io/enforce");
    assert_eq!(enforced.map(String::as_str), Some("restricted"));
    let pods = || Api::<Pod>::namespaced(client.clone(), names::SERVER_NAMESPACE);
    assert_eq!(refusal(pods(), &pod(&json!({}), 1000)?).await?, None);
    let said = refusal(pods(), &pod(&json!({}), 0)?).await?.context("was taken")?;
    ensure!(said.contains("violates PodSecurity \"restricted:latest\""), "{said}");
    Ok(())
}
