#![allow(
    clippy::needless_pass_by_value,
    clippy::large_stack_arrays,
    reason = "cases are written as literals"
)]

use api_types::{AgentSpec, Condition, LinkName, ShareSpec, ShareToken};
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};
use time::{ext::NumericalDuration, macros::datetime};

use super::*;
use crate::{
    fixture::{agent, demo},
    held::Stage,
    kinds::Child,
    secret::Tokens,
    standby::State,
};

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

/// What a case may vary.
struct Given {
    agent: Agent,
    invalid: Option<Invalid>,
    apply_problem: Option<ApplyProblem>,
    failure: Option<&'static str>,
    deployment: Option<Workload>,
    pods: Vec<Pod>,
    service: bool,
    missing: Vec<Reference>,
    share: Share,
    state: State,
    now: OffsetDateTime,
}

fn given() -> Given {
    Given {
        agent: demo(),
        invalid: None,
        apply_problem: None,
        failure: None,
        deployment: Some(deployment(json!({ "updatedReplicas": 1, "readyReplicas": 1 }))),
        pods: vec![],
        service: true,
        missing: vec![],
        share: Share::Off,
        state: State::Awake,
        now: NOON,
    }
}

fn of(given: &Given) -> AgentStatus {
    status(&Facts {
        agent: &given.agent,
        invalid: given.invalid.as_ref(),
        apply_problem: given.apply_problem.as_ref(),
        failure: given.failure,
        deployment: given.deployment.as_ref(),
        pods: &given.pods.iter().collect::<Vec<_>>(),
        service: given.service,
        missing: &given.missing,
        volumes: &Volumes::default(),
        share: &given.share,
        decision: Decision { state: given.state, idle_since: None, ask: false, next: None },
        warning: None,
        rollout: Rollout::None,
        now: given.now,
    })
}

fn deployment(status: Value) -> Workload {
    let whole = json!({ "metadata": {}, "status": status });
    serde_json::from_value::<Deployment>(whole).unwrap().kept()
}

fn suspended() -> Workload {
    Workload { stage: Stage::Suspended, ..Workload::default() }
}

fn conditions(status: &AgentStatus) -> Vec<String> {
    let short = |c: &Condition| format!("{}={} {}", c.type_, c.status, c.reason);
    status.conditions.iter().map(short).collect()
}

fn ready(status: &AgentStatus) -> Condition {
    status.conditions.iter().find(|one| one.type_ == "Ready").unwrap().clone()
}

fn shared(expires_at: Option<OffsetDateTime>) -> Agent {
    let share = Some(ShareSpec { enabled: true, expires_at, ..ShareSpec::default() });
    agent(AgentSpec { share, ..AgentSpec::default() })
}

fn token() -> ShareToken {
    ShareToken::from_bytes(&[1; 32])
}

/// Of the default link, and a further one of each name.
fn tokens(names: &[&str]) -> Share {
    let further = names.iter().zip(2..).map(|(name, number)| {
        (LinkName::parse(name).unwrap(), ShareToken::from_bytes(&[number; 32]))
    });
    Share::On(Tokens { default: token(), named: further.collect() })
}

#[test]
fn a_running_agent() {
    insta::assert_yaml_snapshot!(of(&Given { agent: shared(None), share: tokens(&[]), ..given() }));
}

#[test]
fn no_status_contains_the_token() {
    let status = of(&Given { agent: shared(None), share: tokens(&[]), ..given() });
    assert!(!serde_json::to_string(&status).unwrap().contains(token().expose()));
}

#[test]
fn the_states_of_a_server() {
    let cases = [
        (
            "running",
            given(),
            [
                "ServerReady=True DeploymentReady",
                "ServerHealthy=True DeploymentHealthy",
                "Suspended=False Active",
                "Ready=True ServerReady",
            ],
        ),
        (
            "starting",
            Given { deployment: Some(deployment(json!({ "updatedReplicas": 1 }))), ..given() },
            [
                "ServerReady=False DeploymentNotReady",
                "ServerHealthy=False DeploymentNotReady",
                "Suspended=False Active",
                "Ready=False Progressing",
            ],
        ),
        (
            "not made yet",
            Given { deployment: None, ..given() },
            [
                "ServerReady=False DeploymentNotReady",
                "ServerHealthy=False DeploymentNotFound",
                "Suspended=False Active",
                "Ready=False Progressing",
            ],
        ),
        (
            "suspended",
            Given { deployment: Some(suspended()), state: State::Suspended, ..given() },
            [
                "ServerReady=False Suspended",
                "ServerHealthy=False DeploymentNotReady",
                "Suspended=True UserRequested",
                "Ready=False Suspended",
            ],
        ),
    ];
    for (name, given, expected) in cases {
        assert_eq!(conditions(&of(&given)), expected, "{name}");
    }
}

#[test]
fn a_mistake_is_reported_while_the_server_goes_on() {
    let invalid = Invalid {
        reason: reason::TEMPLATE_NOT_FOUND,
        field: "spec.templateRef".into(),
        message: "gone".into(),
    };
    let status = of(&Given { invalid: Some(invalid), ..given() });
    assert!(status.ready, "it answers still");
    let ready = ready(&status);
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "TemplateNotFound"));
}

fn secret(name: &str, field: &str) -> Reference {
    let (name, field) = (name.to_owned(), field.to_owned());
    Reference { kind: ReferenceKind::Secret, name, keys: Keys::All, field, optional: false }
}

#[test]
fn all_that_is_missing_is_named_while_the_pod_waits_for_it() {
    let starting = || Some(deployment(json!({ "updatedReplicas": 1 })));
    let bundle =
        Reference { kind: ReferenceKind::ConfigMap, ..secret("ca", "spec.caBundle.configMapRef") };
    let missing = || {
        let credential = secret("keys", "spec.credentials[0].secretRef");
        vec![credential, bundle.clone(), secret("registry", "spec.imagePullSecrets[0]")]
    };
    let waiting = ready(&of(&Given { deployment: starting(), missing: missing(), ..given() }));
    assert_eq!(waiting.reason, "ReferenceNotFound");
    assert_eq!(
        waiting.message,
        "there is no Secret \"keys\" (spec.credentials[0].secretRef), no ConfigMap \"ca\" \
         (spec.caBundle.configMapRef) in this namespace; create what is missing, and the agent starts"
    );
    assert_eq!(ready(&of(&Given { missing: missing(), ..given() })).reason, "ServerReady");

    // Images may be public.
    let missing = vec![secret("registry", "spec.imagePullSecrets[0]")];
    let waiting = ready(&of(&Given { deployment: starting(), missing, ..given() }));
    assert_eq!(waiting.reason, "Progressing");
}

#[test]
fn only_objects_that_exist_are_named() {
    let names = |status: AgentStatus| (status.deployment_name, status.service_name, status.url);
    let none = of(&Given { deployment: None, service: false, ..given() });
    assert_eq!(names(none), (None, None, None));
    let (deployment, service, url) = names(of(&given()));
    assert_eq!((deployment.as_deref(), service.as_deref()), (Some("demo-server"), Some("demo")));
    assert_eq!(url.as_deref(), Some("http://demo.team-a.svc.cluster.local:4096"));
}

#[test]
fn the_object_that_has_the_name_is_named() {
    let problem = ApplyProblem::Conflict { kind: "Service".into(), name: "demo".into() };
    let ready = ready(&of(&Given { apply_problem: Some(problem), ..given() }));
    assert_eq!(ready.reason, "NameConflict");
    assert!(ready.message.starts_with("Service \"demo\" exists"), "{}", ready.message);
}

#[test]
fn the_states_of_a_link() {
    let starting = || Some(deployment(json!({})));
    let on = || tokens(&[]);
    let conflict = ApplyProblem::Conflict { kind: "Secret".into(), name: "demo-share".into() };
    let cases = [
        ("on", Given { agent: shared(None), share: on(), ..given() }, "True Active", true),
        (
            "until later",
            Given { agent: shared(Some(NOON + 1.seconds())), share: on(), ..given() },
            "True Active",
            true,
        ),
        (
            "until now",
            Given { agent: shared(Some(NOON)), share: on(), ..given() },
            "False Expired",
            false,
        ),
        (
            "starting",
            Given { agent: shared(None), share: on(), deployment: starting(), ..given() },
            "False AgentNotReady",
            false,
        ),
        (
            "another's Secret",
            Given { agent: shared(None), share: Share::Failed(conflict), ..given() },
            "False NameConflict",
            false,
        ),
    ];
    for (name, given, expected, is_active) in cases {
        let status = of(&given);
        let expected = format!("ShareReady={expected}");
        assert!(conditions(&status).contains(&expected), "{name}: {:?}", conditions(&status));
        let share = status.share.unwrap();
        assert_eq!(share.active, is_active, "{name}");
        assert_eq!(share.token_lookup.is_some(), matches!(given.share, Share::On(_)), "{name}");
    }
}

#[test]
fn a_link_that_is_off_has_no_condition() {
    let status = of(&given());
    assert_eq!(status.share, None);
    assert!(!conditions(&status).iter().any(|one| one.starts_with("ShareReady")));
}

#[test]
fn a_second_reconcile_changes_nothing_and_a_change_of_truth_moves_the_time() {
    let first = of(&given());
    let mut later = Given { now: NOON + 1.hours(), ..given() };
    later.agent.status = Some(first.clone());
    assert_eq!(of(&later), first);

    later.deployment = None;
    let second = of(&later);
    assert_eq!(since(&second, "ServerReady"), Some(NOON + 1.hours()));
    assert_eq!(since(&second, "Suspended"), Some(NOON));
}

mod links;
mod sleep;
