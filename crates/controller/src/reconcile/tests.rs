use api_types::{AgentSpec, Condition, ShareSpec, ShareToken, labels};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
};
use kube::runtime::{
    reflector::{Lookup, Store, store},
    watcher::Event,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::{
    contents::Contents,
    fake_api::FakeApi,
    fixture::{agent, defaults},
    kinds::Child,
    secret::{FreshTokens, share_tokens},
    stores::PodIndex,
};

/// A controller that reconciles the agent `demo` once for each call.
pub(super) struct TestController {
    pub(super) api: FakeApi,
    pub(super) contents: Contents,
    pub(super) defaults: Defaults,
    pub(super) activities: Activities,
    applier: Applier,
}

impl TestController {
    pub(super) fn of(spec: AgentSpec) -> Self {
        let api = FakeApi::default();
        api.put("agents/demo", &agent(spec));
        Self {
            applier: Applier::new(api.client("controller")),
            contents: Contents::default(),
            defaults: defaults(),
            activities: Activities::default(),
            api,
        }
    }

    /// Gives the requests that it took, in their order.
    pub(super) async fn reconcile(&self) -> Vec<String> {
        self.reconcile_by(self.stores()).await.unwrap();
        self.api.take_requests()
    }

    /// By caches that may be behind.
    pub(super) async fn reconcile_by(&self, stores: Stores) -> Result<Requeue, ControllerError> {
        let (client, applier) = (self.api.client("controller"), self.applier.clone());
        let (defaults, activities) = (self.defaults.clone(), self.activities.clone());
        let reconciler = Reconciler::new(client, stores, applier, defaults, None, activities);
        let agent = self.api.get("agents/demo").unwrap().to_string();
        // On the heap, as the queue has it: it is larger than a stack frame should be.
        Box::pin(reconciler.reconcile(&serde_json::from_str(&agent).unwrap())).await
    }

    /// The condition of this type, as it is published.
    pub(super) fn condition(&self, type_: &str) -> Option<Condition> {
        let conditions = self.agent().status?.conditions;
        conditions.into_iter().find(|condition| condition.type_ == type_)
    }

    /// Reason and message of `Ready`.
    pub(super) fn ready(&self) -> (String, String) {
        let ready = self.condition(condition::READY).unwrap();
        (ready.reason, ready.message)
    }

    pub(super) fn agent(&self) -> Agent {
        serde_json::from_value(self.api.get("agents/demo").unwrap()).unwrap()
    }

    pub(super) fn edit(&self, change: impl FnOnce(&mut AgentSpec)) {
        let mut agent = self.agent();
        change(&mut agent.spec);
        agent.metadata.generation = agent.metadata.generation.map(|generation| generation + 1);
        self.api.put("agents/demo", &agent);
    }

    pub(super) fn replicas(&self) -> Value {
        self.api.get("deployments/demo-server").unwrap()["spec"]["replicas"].clone()
    }

    pub(super) fn token(&self) -> ShareToken {
        let secret: Secret =
            serde_json::from_value(self.api.get("secrets/demo-share").unwrap()).unwrap();
        share_tokens(Some(&secret.kept()), [], &FreshTokens::from_bytes(&[0; 32])).default
    }

    /// What the watches would have delivered by now, but of Services.
    fn without_services(&self) -> Stores {
        Stores { services: held::<Service>(vec![]), ..self.stores() }
    }

    /// What the watches would have delivered by now.
    pub(super) fn stores(&self) -> Stores {
        let is_share =
            |secret: &Value| !secret["metadata"]["labels"][labels::SHARE_TOKEN].is_null();
        let (shares, secrets) = self.api.all("secrets").into_iter().partition(is_share);
        let pods = self.api.all("pods");
        Stores {
            agents: filled(self.api.all("agents")),
            templates: filled(self.api.all("agenttemplates")),
            deployments: held::<Deployment>(self.api.all("deployments")),
            services: held::<Service>(self.api.all("services")),
            config_maps: held::<ConfigMap>(self.api.all("configmaps")),
            claims: held::<PersistentVolumeClaim>(self.api.all("persistentvolumeclaims")),
            secrets: held::<Secret>(secrets),
            shares: held::<Secret>(shares),
            pods: filled(pods.clone()),
            pods_of: indexed(pods),
            contents: self.contents.clone(),
            templates_changed: Arc::default(),
        }
    }
}

/// As the watches leave them.
fn held<K: Child>(objects: Vec<Value>) -> Store<Held<K>> {
    cache(objects, |object| Held::of(&serde_json::from_value::<K>(object).unwrap()))
}

fn filled<K>(objects: Vec<Value>) -> Store<K>
where
    K: Lookup<DynamicType = ()> + Clone + DeserializeOwned + 'static,
{
    cache(objects, |object| serde_json::from_value(object).unwrap())
}

fn cache<K>(objects: Vec<Value>, read: impl Fn(Value) -> K) -> Store<K>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    let (store, mut writer) = store();
    writer.apply_watcher_event(&Event::Init);
    for object in objects {
        writer.apply_watcher_event(&Event::InitApply(read(object)));
    }
    writer.apply_watcher_event(&Event::InitDone);
    store
}

fn indexed(pods: Vec<Value>) -> PodIndex {
    let index = PodIndex::default();
    for pod in pods {
        index.note(&Event::Apply(serde_json::from_value(pod).unwrap()));
    }
    index
}

pub(super) fn shared() -> AgentSpec {
    let share = Some(ShareSpec { enabled: true, ..ShareSpec::default() });
    AgentSpec { share, ..AgentSpec::default() }
}

#[tokio::test]
async fn a_new_agent_gets_its_objects_in_the_order_of_their_needs_and_its_status_last() {
    let config = Some(r#"{"model":"a/b"}"#.parse().unwrap());
    let controller = TestController::of(AgentSpec { config, ..shared() });
    let expected = [
        "PATCH secrets/demo-share",
        "PATCH secrets/demo-server",
        "PATCH configmaps/demo-server-context",
        "PATCH deployments/demo-server",
        "PATCH services/demo",
        "PATCH agents/demo/status",
    ];
    assert_eq!(controller.reconcile().await, expected);
    for _ in 0..1000 {
        assert_eq!(controller.reconcile().await, [""; 0], "an unchanged agent costs no request");
    }
}

/// The API server refuses to create an object whose name is taken: it need not be asked first.
#[tokio::test]
async fn an_object_that_no_watch_tells_of_is_adopted_if_it_is_ours_and_else_left_alone() {
    let controller = TestController::of(AgentSpec::default());
    controller.reconcile().await;
    let owned = controller.api.get("services/demo").unwrap();
    let mut foreign = owned.clone();
    foreign["metadata"]["ownerReferences"] = json!([]);
    for (there, reason) in [(owned, "Progressing"), (foreign, "NameConflict")] {
        let controller = TestController::of(AgentSpec::default());
        controller.api.put("services/demo", &there);
        let there = controller.api.get("services/demo").unwrap();
        let first = controller.reconcile_by(controller.without_services()).await;
        let requests = controller.api.take_requests();
        assert!(requests.contains(&"PATCH services/demo".to_owned()), "{requests:?}");
        assert_eq!(controller.api.get("services/demo").unwrap(), there, "{reason}");
        assert_eq!(first.is_err(), reason != "NameConflict", "ours is known the next time");
        let _ = controller.reconcile_by(controller.without_services()).await;
        let changed = controller.api.get("services/demo").unwrap() != there;
        assert_eq!(changed, reason != "NameConflict");
        assert_eq!(controller.ready().0, reason);
    }
}

#[tokio::test]
async fn suspending_and_resuming_scale_the_deployment_and_leave_the_share_alone() {
    let controller = TestController::of(shared());
    controller.reconcile().await;
    let share = || (controller.api.get("secrets/demo-share"), digests(&controller.agent()));
    let (running, before) = (controller.replicas(), share());

    for (suspend, replicas) in [(true, json!(0)), (false, running)] {
        controller.edit(|spec| spec.suspend = suspend);
        let requests = controller.reconcile().await;
        assert_eq!(requests, ["PATCH deployments/demo-server", "PATCH agents/demo/status"]);
        assert_eq!(controller.replicas(), replicas);
        assert_eq!(controller.agent().status.unwrap().suspended, suspend);
        assert_eq!(share(), before);
    }
}

#[tokio::test]
async fn deleting_the_share_secret_rotates_the_token() {
    let controller = TestController::of(shared());
    controller.reconcile().await;
    let (token, digests_before) = (controller.token(), digests(&controller.agent()));

    controller.api.delete("secrets/demo-share");
    let requests = controller.reconcile().await;
    let expected =
        ["GET secrets/demo-share", "PATCH secrets/demo-share", "PATCH agents/demo/status"];
    assert_eq!(requests, expected);

    let rotated = controller.token();
    assert!(rotated != token, "the old token came back");
    let published =
        Some(rotated.lookup().to_string()).zip(Some(rotated.proof("uid-1").to_string()));
    assert_eq!(digests(&controller.agent()), published);
    assert_ne!(digests_before, published);
}

#[tokio::test]
async fn turning_the_link_off_deletes_its_secret_before_the_status_says_so() {
    let controller = TestController::of(shared());
    controller.reconcile().await;
    controller.edit(|spec| spec.share = None);
    let requests = controller.reconcile().await;
    assert_eq!(requests, ["DELETE secrets/demo-share", "PATCH agents/demo/status"]);
    assert_eq!(digests(&controller.agent()), None);
}

/// The two digests of the token that the status publishes.
pub(super) fn digests(agent: &Agent) -> Option<(String, String)> {
    let share = agent.status.as_ref()?.share.as_ref()?;
    share.token_lookup.clone().zip(share.token_proof.clone())
}
