use std::time::Duration;

use clap::Parser;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    fake_api::FakeApi,
    fixture::demo,
    lease::{LEASE_DURATION, RENEW_INTERVAL},
};

#[tokio::test(start_paused = true)]
async fn nothing_is_requested_once_the_lease_was_lost() {
    let api = FakeApi::default();
    api.put("agents/demo", &demo());
    let mut candidate = Candidate::new(api.client("me"), "team-a", "controller", "me");
    let role = candidate.acquire(&CancellationToken::new(), || ()).await;
    assert_eq!(role, Role::Leader);

    // The reconcile is in the middle of its writes when another replica takes the lease.
    api.silence("deployments/demo-server");
    let mut lease = api.get("leases/controller").unwrap();
    lease["spec"]["holderIdentity"] = "another".into();
    api.put("leases/controller", &lease);
    let (args, daemon) =
        (Args::parse_from(["controller", "--pod-name", "me"]), Daemon::new("test"));
    let start = tokio::time::Instant::now();
    let ended = lead(
        &args,
        fixture::defaults(),
        &daemon,
        api.client("me"),
        &Metrics::default(),
        &mut candidate,
    )
    .await;
    assert!(matches!(ended, Err(ControllerError::LeaseLost)), "{ended:?}");
    assert_eq!(start.elapsed(), RENEW_INTERVAL);

    let requests = api.take_requests();
    let last: Vec<_> = requests.iter().rev().take(2).collect();
    assert_eq!(last, ["GET leases/controller", "PATCH deployments/demo-server"]);
    api.answer_all();
    tokio::time::sleep(LEASE_DURATION + Duration::from_mins(2)).await;
    assert_eq!(api.take_requests(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_released_in_time_though_the_api_server_is_slow() {
    let api = FakeApi::default();
    api.put("agents/demo", &demo());
    let mut candidate = Candidate::new(api.client("me"), "team-a", "controller", "me");
    candidate.acquire(&CancellationToken::new(), || ()).await;
    // The reconcile is in the middle of its writes, and will be for a minute.
    api.silence("deployments/demo-server");
    let (args, daemon) =
        (Args::parse_from(["controller", "--pod-name", "me"]), Daemon::new("test"));
    let metrics = Metrics::default();
    let (ended, asked) = tokio::join!(
        lead(&args, fixture::defaults(), &daemon, api.client("me"), &metrics, &mut candidate),
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            daemon.shutdown.cancel();
            tokio::time::Instant::now()
        }
    );
    ended.unwrap();
    assert!(asked.elapsed() < daemon::SHUTDOWN_GRACE, "{:?}", asked.elapsed());
    let lease = api.get("leases/controller").unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "");
}
