//! A link with a name, through the whole path: what its visitors may do, for how long and how many of them.

use std::net::Ipv4Addr;

use api_types::{Access, Agent, ShareLink, ShareToken};
use fixtures::linked;
use http::StatusCode;
use serde_json::json;

use crate::{
    guest::Guest,
    program::{Program, READY},
    system::{PATIENCE, TestSystem, token},
    visitor::{GOOD, Visitor},
};

/// The token of the link `qa`.
fn qa() -> ShareToken {
    fixtures::token(2)
}

fn allowing(access: Access) -> Agent {
    linked(2, |link| link.access = access)
}

/// With the agent's link `qa`, once the gateway knows it; the broker waits for it by itself.
async fn system(program: Program, agent: &Agent) -> TestSystem {
    let system = TestSystem::start(program).await;
    system.apply(agent);
    let mut visitor = Visitor::new(system.gateway.address, GOOD).await;
    let known = async { while visitor.info(&qa()).await != Some(StatusCode::OK) {} };
    tokio::time::timeout(PATIENCE, known).await.expect("the gateway hears of the link");
    system
}

/// By the link `qa`.
async fn arrives(system: &TestSystem) -> Guest {
    let gateway = system.gateway.address;
    let mut guest = Guest::connects_with(gateway, Ipv4Addr::LOCALHOST.into(), &qa(), &[]).await;
    guest.sees(READY.as_bytes()).await;
    guest
}

async fn hears_of(guest: &mut Guest, access: &str) {
    while guest.access != access {
        guest.hears().await.expect("the socket stays open");
    }
}

/// Everything by which a guest could act, by hand: no page of ours would send it. What is typed comes last: once its
/// credit is back, all of it was judged by what the link allows now.
async fn acts(guest: &mut Guest) {
    let credit = guest.credit;
    guest.tells(&json!({ "type": "resize", "cols": 1, "rows": 1 })).await;
    guest.tells(&json!({ "type": "interrupt" })).await;
    guest.sends(b"rm -rf").await;
    while guest.credit < credit + b"rm -rf".len() {
        guest.hears().await.expect("the socket stays open");
    }
}

#[tokio::test]
async fn a_view_link_may_only_look() {
    let system = system(Program::records(), &allowing(Access::View)).await;
    let mut guest = arrives(&system).await;
    assert_eq!(guest.access, "view");
    acts(&mut guest).await;

    // The right changes, and the page that is open has it without a reconnect.
    system.apply(&allowing(Access::Interact));
    hears_of(&mut guest, "interact").await;
    // The broker may hear of it later.
    while system.program.typed().is_empty() {
        guest.types(b"x").await;
        guest.hears().await.expect("the socket stays open");
    }
    system.apply(&allowing(Access::View));
    hears_of(&mut guest, "view").await;
    acts(&mut guest).await;

    let typed = system.program.typed();
    assert!(typed.iter().all(|byte| *byte == b'x'), "{}", typed.escape_ascii());
}

#[tokio::test]
async fn a_change_of_one_link_is_felt_by_its_guests_and_by_no_other() {
    let system = system(Program::echoes(), &allowing(Access::Interact)).await;
    let mut guest = arrives(&system).await;
    let mut other = Guest::arrives(&system).await;
    assert_eq!(token(), fixtures::token(1), "by the default link");

    system.apply(&fixtures::demo());
    let (code, reason) = guest.closed().await;
    assert_eq!(code, 1008, "{reason}");
    other.types(b"still here").await;
    other.sees(b"still here").await;
}

#[tokio::test]
async fn a_guest_that_types_nothing_is_closed_with_the_reason() {
    let idle = |link: &mut ShareLink| link.idle_timeout = "2s".parse().ok();
    let system = system(Program::echoes(), &linked(2, idle)).await;
    let mut guest = arrives(&system).await;
    let (code, reason) = guest.closed().await;
    assert_eq!(code, 1000, "{reason}");
    assert_eq!(reason, "nothing was typed for as long as this link allows");
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn a_link_that_is_full_says_so_until_one_of_its_guests_leaves() {
    let agent = linked(2, |link| link.max_viewers = Some(1));
    let system = system(Program::echoes(), &agent).await;
    let mut guest = arrives(&system).await;
    let mut visitor = Visitor::new(system.gateway.address, GOOD).await;
    let path = format!("/s/{}/terminal", qa().expose());
    let (status, body) = visitor.upgrade(&path).await.unwrap();
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let said = String::from_utf8_lossy(&body).into_owned();
    assert!(said.contains("As many viewers as this link allows are here already"), "{said}");
    guest.types(b"still here").await;
    guest.sees(b"still here").await;
}
