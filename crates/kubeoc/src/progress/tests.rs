use std::collections::BTreeMap;

use api_types::Condition;
use fixtures::{changed, condition};
use k8s_openapi::{
    ByteString,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use super::*;

const UID: &str = "uid-1";

fn token() -> ShareToken {
    fixtures::token(1)
}

/// Shared, ready, and observed by the controller.
fn demo() -> Agent {
    changed(|agent| {
        agent.metadata.generation = Some(2);
        let status = agent.status.as_mut().unwrap();
        status.observed_generation = Some(2);
        status.share.as_mut().unwrap().active = true;
        status.conditions =
            vec![condition(SHARE_READY, "True", reason::ACTIVE, "Share link is active")];
    })
}

fn with_status(change: impl FnOnce(&mut AgentStatus)) -> Agent {
    let mut agent = demo();
    change(agent.status.as_mut().unwrap());
    agent
}

fn secret(token: &str) -> Secret {
    let data = BTreeMap::from([("token".to_owned(), ByteString(token.as_bytes().to_vec()))]);
    Secret { data: Some(data), ..Secret::default() }
}

fn not_ready(message: &str) -> Vec<Condition> {
    vec![
        condition(READY, "False", reason::PROGRESSING, message),
        condition(SHARE_READY, "False", reason::AGENT_NOT_READY, "the agent is not ready"),
    ]
}

#[test]
fn a_link_works_once_all_agree_on_its_token() {
    let progress = progress(&demo(), Some(&secret(token().expose())), None);
    assert!(matches!(progress, Progress::Active(active) if active == token()));
}

#[test]
fn what_is_missing_is_named() {
    let held = || Some(secret(token().expose()));
    let unobserved = with_status(|status| status.observed_generation = Some(1));
    let unpublished = with_status(|status| status.share = None);
    let taken = with_status(|status| {
        status.share = None;
        status.conditions =
            vec![condition(READY, "False", reason::NAME_CONFLICT, "demo-share is not ours.")];
    });
    let unreported = with_status(|status| status.conditions.clear());
    let starting = with_status(|status| status.conditions = not_ready("pulling the image"));
    let silent = with_status(|status| status.conditions = not_ready(""));
    let copied = with_status(|status| {
        status.share.as_mut().unwrap().token_proof = Some(token().proof("uid-2").to_string());
    });
    let no_status = Agent { status: None, ..demo() };

    let cases = vec![
        (no_status, held(), "the controller to observe the change"),
        (unobserved, held(), "the controller to observe the change"),
        (unpublished, held(), "the controller to create the link"),
        (taken, None, "the controller to create the link; the agent: demo-share is not ours"),
        (demo(), None, "the Secret demo-share"),
        (demo(), Some(secret("short")), "a token in the Secret"),
        (demo(), Some(secret(&"A".repeat(43))), "the controller to publish the new token"),
        (copied, held(), "the controller to publish the new token"),
        (unreported, held(), "the controller to report the state of the link"),
        (starting, held(), "the agent to be ready: pulling the image"),
        (silent, held(), "the agent to be ready: Progressing"),
    ];
    for (agent, secret, expected) in cases {
        match progress(&agent, secret.as_ref(), None) {
            Progress::Waiting(what) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn an_expired_link_is_not_waited_for() {
    let expired = with_status(|status| {
        status.conditions =
            vec![condition(SHARE_READY, "False", reason::EXPIRED, "expired yesterday")];
    });
    let held = secret(token().expose());
    assert_eq!(explanation(&expired, Some(&held), None).as_deref(), Some("expired yesterday"));
    let progress = progress(&expired, Some(&held), None);
    assert!(matches!(progress, Progress::Stuck(cause) if cause == "expired yesterday"));
}

#[test]
fn a_secret_of_the_same_name_may_belong_to_another_agent() {
    let owned_by = |uid: &str| {
        let owner = OwnerReference { uid: uid.into(), ..OwnerReference::default() };
        let metadata = ObjectMeta { owner_references: Some(vec![owner]), ..ObjectMeta::default() };
        Secret { metadata, ..Secret::default() }
    };
    assert!(belongs_to(&owned_by(UID), &demo()));
    assert!(!belongs_to(&owned_by("uid-2"), &demo()));
    assert!(!belongs_to(&Secret::default(), &demo()));
}

#[test]
fn a_link_is_active_only_with_the_token_that_was_published() {
    assert!(is_active(&demo(), None, &token()));
    assert!(
        !is_active(&demo(), None, &ShareToken::from_bytes(&[2; 32])),
        "the token before this one"
    );
    let starting = with_status(|status| status.share.as_mut().unwrap().active = false);
    assert!(!is_active(&starting, None, &token()));
}

#[test]
fn the_state_of_a_link_is_explained_in_the_controllers_words() {
    let held = secret(token().expose());
    assert_eq!(explanation(&demo(), Some(&held), None).as_deref(), Some("Share link is active"));
    assert_eq!(share_reason(&demo()).as_deref(), Some("Active"));
    let starting = with_status(|status| status.conditions = not_ready("pulling the image"));
    let expected = "waiting for the agent to be ready: pulling the image";
    assert_eq!(explanation(&starting, Some(&held), None).as_deref(), Some(expected));
}

/// [`demo`] with the link `qa`, and the Secret that holds its token.
fn with_qa(active: bool) -> (Agent, Secret, LinkName) {
    let mut agent = demo();
    let linked = fixtures::linked(2, |_| ());
    agent.spec = linked.spec;
    let share = agent.status.as_mut().unwrap().share.as_mut().unwrap();
    share.links = linked.status.unwrap().share.unwrap().links;
    share.links[0].active = active;
    let mut held = secret(token().expose());
    let of_qa = ByteString(fixtures::token(2).expose().as_bytes().to_vec());
    held.data.as_mut().unwrap().insert("qa.token".to_owned(), of_qa);
    (agent, held, LinkName::parse("qa").unwrap())
}

#[test]
fn a_link_with_a_name_has_its_own_token_and_state() {
    let (agent, held, qa) = with_qa(true);
    let found = progress(&agent, Some(&held), Some(&qa));
    assert!(matches!(found, Progress::Active(token) if token == fixtures::token(2)));
    assert!(is_active(&agent, Some(&qa), &fixtures::token(2)));
    assert!(!is_active(&agent, Some(&qa), &token()), "the default link's token");

    let (agent, held, qa) = with_qa(false);
    assert!(!is_active(&agent, Some(&qa), &fixtures::token(2)));
    assert!(matches!(progress(&agent, Some(&held), Some(&qa)), Progress::Stuck(_)));
    let none = LinkName::parse("none").unwrap();
    assert!(matches!(progress(&agent, Some(&held), Some(&none)), Progress::Waiting(_)));
}
