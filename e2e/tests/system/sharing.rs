//! Who may use a link, and that it is dead the moment its owner takes it back.

use std::time::Duration;

use anyhow::{Context, Result};
use api_types::condition;
use e2e::{agents, cluster::Space, guest::at_work, http, kubeoc, waiting};
use serde_json::json;
use tokio::time::Instant;

#[tokio::test]
async fn taking_a_link_back_closes_the_open_page_within_a_second_and_kills_the_token() -> Result<()>
{
    let space = Space::new("unshare").await?;
    let (token, guest) = at_work(&space, "brief", &[]).await?;

    let revoked = Instant::now();
    agents::patch(&space, "brief", json!({ "spec": { "share": { "enabled": false } } })).await?;
    guest.says("This link no longer works", Duration::from_secs(5)).await?;
    let took = revoked.elapsed();
    assert!(took <= Duration::from_secs(1), "the page closed only after {took:?}");
    assert_eq!(http::get(&format!("/s/{token}/info"), &[]).await?.status, 404);

    kubeoc::unshare(&space, "brief").await?;
    let second = kubeoc::share(&space, "brief", &[]).await?;
    assert_ne!(second, token);
    assert_eq!(http::get(&format!("/s/{token}"), &[]).await?.status, 404);
    assert_eq!(http::get(&format!("/s/{second}"), &[]).await?.status, 200);
    space.delete().await
}

#[tokio::test]
async fn the_info_tells_name_namespace_and_access_and_no_more() -> Result<()> {
    let space = Space::new("info").await?;
    agents::ready(&space, "modest", json!({})).await?;
    let token = kubeoc::share(&space, "modest", &[]).await?;
    let answer = http::get(&format!("/s/{token}/info"), &[]).await?;
    let info: serde_json::Value = serde_json::from_str(&answer.body)?;
    let expected = json!({ "name": "modest", "namespace": space.name, "access": "interact" });
    assert_eq!(info, expected);
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers.get(name).context(name)?, value);
    }
    space.delete().await
}

#[tokio::test]
async fn an_expired_link_and_a_wrong_one_are_answered_alike() -> Result<()> {
    let space = Space::new("expiry").await?;
    agents::ready(&space, "late", json!({})).await?;
    let token = kubeoc::share(&space, "late", &["--expires-in", "5s"]).await?;
    let path = format!("/s/{token}");
    let (expired, _) = waiting::until("the link has expired", Duration::from_secs(20), || async {
        let answer = http::get(&path, &[]).await?;
        Ok((answer.status == 404).then_some(answer))
    })
    .await?;
    let wrong = http::get(&format!("/s/{}", "w".repeat(43)), &[]).await?;

    assert_eq!(without_date(expired), without_date(wrong));
    let agent = agents::wait(&space, "late", "expired", |agent| {
        agents::condition_of(agent, condition::SHARE_READY).is_some_and(|(_, why)| why == "Expired")
    });
    Box::pin(agent).await?;
    space.delete().await
}

fn without_date(mut answer: http::Answer) -> http::Answer {
    answer.headers.remove("date");
    answer
}

#[tokio::test]
async fn a_client_outside_the_allowed_networks_is_refused() -> Result<()> {
    let space = Space::new("networks").await?;
    agents::ready(&space, "picky", json!({})).await?;
    let token = kubeoc::share(&space, "picky", &["--allowed-ips", "192.0.2.0/24"]).await?;
    for path in [format!("/s/{token}"), format!("/s/{token}/info"), format!("/s/{token}/terminal")]
    {
        assert_eq!(http::get(&path, &[]).await?.status, 403, "{path}");
    }
    // Nobody trusts a header that any client can write.
    let forged = http::get(&format!("/s/{token}"), &[("x-forwarded-for", "192.0.2.7")]).await?;
    assert_eq!(forged.status, 403);
    space.delete().await
}
