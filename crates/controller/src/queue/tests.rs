use clap::Parser;
use daemon::traces::{Traces, TracesArgs};
use fixtures::{Collector, ReceivedSpan};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};
use tracing::subscriber::set_default;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::{
    fake_api::{FakeApi, NESTED},
    fixture::demo,
};

/// Manifests that an API server may hold though nobody can read or serve them, each with the
/// beginning of the sentence that says so.
fn hostile() -> Vec<(&'static str, Value, &'static str)> {
    let volume = json!({ "name": "v", "secret": { "defaultMode": 3_000_000_000_u32 } });
    let claim = json!({ "metadata": { "creationTimestamp": "9999-12-31T23:59:59Z" }, "spec": {} });
    let plugin = json!({ "name": "p", "options": NESTED });
    let weight = json!({ "weight": i64::MIN, "preference": {} });
    let port = json!({ "preStop": { "tcpSocket": { "port": 1_u64 << 40 } } });
    vec![
        (
            "integer",
            json!({ "maxConcurrentTasks": 3_000_000_000_u32, "share": { "enabled": true } }),
            "spec.maxConcurrentTasks: ",
        ),
        ("port", json!({ "port": 65_536 }), "spec.port: "),
        ("type", json!({ "share": "on" }), "spec.share: "),
        ("time", json!({ "share": { "expiresAt": "soon" } }), "spec.share.expiresAt: "),
        ("variant", json!({ "contexts": [{ "type": "Fax" }] }), "spec.contexts[0].type: "),
        (
            "mode",
            json!({ "podSpec": { "extraVolumes": [volume] } }),
            "spec.podSpec: extraVolumes[0]",
        ),
        (
            "claim",
            json!({ "podSpec": { "extraVolumes": [
                { "name": "v", "ephemeral": { "volumeClaimTemplate": claim } },
            ] } }),
            "spec.podSpec: extraVolumes[0].ephemeral.volumeClaimTemplate.metadata",
        ),
        (
            "weight",
            json!({ "podSpec": { "scheduling": { "affinity": { "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [weight],
            } } } } }),
            "spec.podSpec: scheduling.affinity.nodeAffinity",
        ),
        ("hook", json!({ "podSpec": { "lifecycle": port } }), "spec.podSpec: lifecycle.preStop"),
        ("config", json!({ "config": { "agent": NESTED } }), "spec.config: it cannot be read"),
        ("options", json!({ "plugins": [plugin] }), "spec.plugins[0].options: they cannot be read"),
        ("text", json!("none"), "spec: "),
        (
            "heir",
            json!({ "templateRef": { "name": "base" } }),
            "spec.templateRef: the AgentTemplate",
        ),
    ]
}

fn agent_of(name: &str, spec: &Value) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "team-a", "uid": format!("uid-{name}"), "generation": 1,
            "managedFields": [{ "manager": "kubectl", "fieldsV1": NESTED, "time": "never" }],
        },
        "spec": spec,
        "status": { "share": { "active": true } },
    })
}

/// `Ready` as it is published.
fn ready(api: &FakeApi, agent: &str) -> Option<Condition> {
    let agent = api.get(&format!("agents/{agent}"))?;
    let conditions = agent["status"]["conditions"].clone();
    let conditions: Vec<Condition> = serde_json::from_value(conditions).ok()?;
    conditions.into_iter().find(|condition| condition.type_ == "Ready")
}

/// Works on everything for a while.
async fn worked(api: &FakeApi) {
    let args = Args::parse_from(["controller", "--pod-name", "me"]);
    let metrics = Metrics::default();
    let work = work(
        &args,
        crate::fixture::defaults(),
        api.client("controller"),
        &metrics,
        CancellationToken::new(),
    );
    tokio::select! {
        biased;
        () = work => unreachable!("it works for ever"),
        () = tokio::time::sleep(Duration::from_secs(5)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_agent_says_is_a_problem_of_no_other() {
    let api = FakeApi::default();
    api.put("agents/demo", &demo());
    for (name, spec, _) in hostile() {
        api.put(&format!("agents/{name}"), &agent_of(name, &spec));
    }
    let base = json!({
        "metadata": { "name": "base", "namespace": "team-a" }, "spec": { "workspaceDir": 1 },
    });
    api.put("agenttemplates/base", &base);
    let odd = json!({ "metadata": { "name": "odd", "namespace": "team-a" }, "data": { "a": "!" } });
    api.put("secrets/odd", &odd);
    worked(&api).await;

    assert_eq!(ready(&api, "demo").unwrap().reason, "Progressing");
    assert!(api.get("deployments/demo-server").is_some());
    for (name, _, expected) in hostile() {
        let ready = ready(&api, name).unwrap_or_else(|| panic!("{name} was told nothing"));
        assert!(ready.message.starts_with(expected), "{name}: {}", ready.message);
        assert_eq!(ready.status, "False", "{name}");
        assert_eq!(api.get(&format!("deployments/{name}-server")), None, "{name}");
    }
    let base = api.get("agenttemplates/base").unwrap()["status"]["conditions"][0].clone();
    assert_eq!((&base["status"], &base["reason"]), (&json!("False"), &json!("InvalidSpec")));
    let kept = api.get("agents/integer").unwrap()["status"]["share"]["active"].clone();
    assert_eq!(kept, true, "the link of an agent that cannot be read stays");
}

#[tokio::test(start_paused = true)]
async fn a_template_that_nobody_uses_is_given_a_status_once() {
    let api = FakeApi::default();
    let spec = json!({ "workspaceDir": "/workspace", "serviceAccountName": "default" });
    let base = json!({
        "metadata": { "name": "base", "namespace": "team-a", "generation": 2 }, "spec": spec,
    });
    api.put("agenttemplates/base", &base);
    worked(&api).await;
    let written = api.get("agenttemplates/base").unwrap();
    assert_eq!(written["status"]["observedGeneration"], 2);
    assert_eq!(written["status"]["conditions"][0]["reason"], "Valid");
    assert_eq!(written["spec"], spec);
    api.take_requests();
    worked(&api).await;
    let requests = api.take_requests();
    assert!(requests.iter().all(|request| request.starts_with("GET")), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_was_corrected_is_reconciled() {
    let api = FakeApi::default();
    api.put("agents/demo", &agent_of("demo", &json!({ "port": 65_536 })));
    worked(&api).await;
    assert_eq!(ready(&api, "demo").unwrap().reason, "InvalidSpec");

    let mut corrected = api.get("agents/demo").unwrap();
    corrected["spec"]["port"] = json!(4096);
    api.put("agents/demo", &corrected);
    worked(&api).await;
    assert_eq!(ready(&api, "demo").unwrap().reason, "Progressing");
}

/// The names of what is below `parent`, each with its object.
fn below<'a>(spans: &'a [ReceivedSpan], parent: &'a [u8]) -> impl Iterator<Item = String> + 'a {
    let children = spans.iter().filter(move |received| received.span.parent_span_id == parent);
    children.map(|child| {
        let kind = child.attribute("kubeopencode.object.kind").unwrap_or_default();
        format!("{} {kind}", child.span.name)
    })
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_is_one_trace_from_what_changed_to_the_agents_status() {
    let mut collector = Collector::start().await;
    let otlp_endpoint = Some(format!("http://{}", collector.address));
    let args = TracesArgs { otlp_endpoint, ..TracesArgs::default() };
    let traces = Traces::new("kubeopencode-controller", &args).unwrap().unwrap();
    let recording = set_default(tracing_subscriber::registry().with(traces.layer()));
    let api = FakeApi::default();
    api.put("agents/demo", &demo());
    let secret = json!({
        "metadata": { "name": "token", "namespace": "team-a" }, "data": { "a": "Y2FuYXJ5" },
    });
    api.put("secrets/token", &secret);
    worked(&api).await;
    drop(recording);
    traces.end().await;

    let spans = collector.rest();
    let roots: Vec<_> = spans.iter().filter(|it| it.span.parent_span_id.is_empty()).collect();
    assert!(roots.iter().all(|root| root.span.name == "reconcile"), "{spans:#?}");
    let first = roots.iter().min_by_key(|root| root.span.start_time_unix_nano).unwrap();
    assert_eq!(first.attribute("kubeopencode.agent.name").as_deref(), Some("demo"));
    let written: Vec<_> = below(&spans, &first.span.span_id).collect();
    assert!(written.contains(&"apply Deployment".to_owned()), "{written:?}");
    assert!(written.contains(&"apply Service".to_owned()), "{written:?}");
    assert_eq!(written.last().unwrap(), "publish status Agent", "{written:?}");
    let children = roots.iter().map(|root| below(&spans, &root.span.span_id).count());
    assert_eq!(spans.len(), roots.len() + children.sum::<usize>(), "deeper than two");
    assert!(!format!("{spans:?}").contains("Y2FuYXJ5"));
}
