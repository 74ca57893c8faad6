//! Each link has a token of its own: what becomes of one does nothing to the others.

use std::{collections::BTreeMap, time::Duration};

use api_types::{AgentSpec, ShareLink, ShareLinkStatus};
use daemon::clock;
use serde_json::{Value, json};

use super::tests::{TestController, digests, shared};
use crate::requeue::Requeue;

fn with_links(names: &[&str]) -> AgentSpec {
    let mut spec = shared();
    spec.share.as_mut().unwrap().links = links(names);
    spec
}

fn links(names: &[&str]) -> Vec<ShareLink> {
    let link = |name: &&str| ShareLink { name: (*name).to_owned(), ..ShareLink::default() };
    names.iter().map(link).collect()
}

/// Of the share Secret, by key.
fn data(controller: &TestController) -> BTreeMap<String, Value> {
    let secret = controller.api.get("secrets/demo-share").unwrap();
    serde_json::from_value(secret["data"].clone()).unwrap()
}

fn states(controller: &TestController) -> Vec<ShareLinkStatus> {
    controller.agent().status.unwrap().share.unwrap().links
}

fn relink(controller: &TestController, names: &[&str]) {
    controller.edit(|spec| spec.share.as_mut().unwrap().links = links(names));
}

async fn running(names: &[&str]) -> TestController {
    let controller = TestController::of(with_links(names));
    controller.reconcile().await;
    controller
}

#[tokio::test]
async fn a_link_that_comes_gets_a_token_and_one_that_goes_takes_its_own_along() {
    let controller = running(&["qa"]).await;
    let (before, default) = (data(&controller), digests(&controller.agent()));
    assert_eq!(before.keys().collect::<Vec<_>>(), ["qa.token", "token"]);
    assert_eq!(controller.reconcile().await, [""; 0], "an unchanged agent costs no request");

    relink(&controller, &["qa", "ci"]);
    let requests = controller.reconcile().await;
    assert_eq!(requests, ["PATCH secrets/demo-share", "PATCH agents/demo/status"]);
    let both = data(&controller);
    assert_eq!(both.keys().collect::<Vec<_>>(), ["ci.token", "qa.token", "token"]);
    assert!(before.iter().all(|(key, token)| both[key] == *token), "the others keep their tokens");

    relink(&controller, &["ci"]);
    controller.reconcile().await;
    assert_eq!(data(&controller).keys().collect::<Vec<_>>(), ["ci.token", "token"]);
    assert_eq!(states(&controller).len(), 1);
    relink(&controller, &["qa"]);
    controller.reconcile().await;
    assert_ne!(data(&controller)["qa.token"], before["qa.token"], "the old token came back");
    assert_eq!(digests(&controller.agent()), default);
}

#[tokio::test]
async fn deleting_a_key_rotates_its_link_and_no_other() {
    let controller = running(&["qa", "ci"]).await;
    let (before, states_before) = (data(&controller), states(&controller));
    let mut secret = controller.api.get("secrets/demo-share").unwrap();
    secret["data"].as_object_mut().unwrap().remove("qa.token");
    controller.api.put("secrets/demo-share", &secret);
    controller.reconcile().await;

    let after = data(&controller);
    let changed: Vec<_> = after.keys().filter(|key| before[*key] != after[*key]).collect();
    assert_eq!(changed, ["qa.token"]);
    let now = states(&controller);
    assert_ne!(now[0], states_before[0]);
    assert_eq!(now[1], states_before[1]);
}

#[tokio::test]
async fn deleting_the_secret_rotates_every_link() {
    let controller = running(&["qa"]).await;
    let before = data(&controller);
    controller.api.delete("secrets/demo-share");
    controller.reconcile().await;
    let after = data(&controller);
    assert_eq!(after.len(), before.len());
    assert!(before.iter().all(|(key, token)| after[key] != *token), "an old token came back");
}

/// An apply leaves the keys that another manager wrote as well.
#[tokio::test]
async fn the_key_of_a_link_that_is_gone_goes_whoever_wrote_it() {
    let controller = running(&[]).await;
    let mut secret = controller.api.get("secrets/demo-share").unwrap();
    let keys = secret["data"].as_object_mut().unwrap();
    keys.extend([("old.token".to_owned(), json!("eA==")), ("mine".to_owned(), json!("eA=="))]);
    controller.api.put("secrets/demo-share", &secret);
    assert_eq!(controller.reconcile().await, ["PATCH secrets/demo-share"]);
    assert_eq!(data(&controller).keys().collect::<Vec<_>>(), ["mine", "token"]);
}

#[tokio::test]
async fn an_agent_is_reconciled_when_the_first_of_its_links_ends() {
    let controller = TestController::of(with_links(&["qa", "ci"]));
    let hour = Duration::from_hours(1);
    controller.edit(|spec| {
        let share = spec.share.as_mut().unwrap();
        share.expires_at = Some(clock::now() + 2 * hour);
        share.links[1].expires_at = Some(clock::now() + hour);
    });
    let next = controller.reconcile_by(controller.stores()).await.unwrap();
    let Requeue::After(wait) = next else { panic!("{next:?}") };
    assert!(wait <= hour && wait > Duration::from_mins(59), "{wait:?}");
}
