use std::{cell::Cell, pin::pin};

use super::*;
use crate::fake_api::FakeApi;

fn candidate(api: &FakeApi, identity: &'static str) -> Candidate {
    Candidate::new(api.client(identity), "team-a", "controller", identity)
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_within_one_retry() {
    let (api, shutdown) = (FakeApi::default(), CancellationToken::new());
    let (mut leader, mut follower) = (candidate(&api, "one"), candidate(&api, "two"));
    assert_eq!(leader.acquire(&shutdown, || ()).await, Role::Leader);

    let (role, released) = tokio::join!(follower.acquire(&shutdown, || ()), async {
        sleep(RENEW_DEADLINE).await;
        leader.release().await;
        Instant::now()
    });
    assert_eq!(role, Role::Leader);
    assert!(released.elapsed() <= RETRY_INTERVAL, "{:?}", released.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_follower_leads_once_the_lease_of_a_silent_leader_expired() {
    let (api, shutdown) = (FakeApi::default(), CancellationToken::new());
    let (mut leader, mut follower) = (candidate(&api, "one"), candidate(&api, "two"));
    assert_eq!(leader.acquire(&shutdown, || ()).await, Role::Leader);

    let start = Instant::now();
    assert_eq!(follower.acquire(&shutdown, || ()).await, Role::Leader);
    let waited = start.elapsed();
    assert!((LEASE_DURATION..=LEASE_DURATION + RETRY_INTERVAL).contains(&waited), "{waited:?}");
    leader.keep().await;
}

/// Leads whenever it can, and counts how many lead at the same time.
async fn lead_for_ever(mut candidate: Candidate, leaders: &Cell<u32>, terms: &Cell<u32>) {
    let shutdown = CancellationToken::new();
    loop {
        candidate.acquire(&shutdown, || ()).await;
        assert_eq!(leaders.replace(leaders.get() + 1), 0, "two leaders at {:?}", Instant::now());
        terms.set(terms.get() + 1);
        candidate.keep().await;
        leaders.set(leaders.get() - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn there_are_never_two_leaders_while_replicas_lose_the_api_server_in_turn() {
    let (api, leaders, terms) = (FakeApi::default(), Cell::new(0), Cell::new(0));
    let one = pin!(lead_for_ever(candidate(&api, "one"), &leaders, &terms));
    let two = pin!(async {
        // Beside the other's rhythm of whole seconds.
        sleep(Duration::from_millis(700)).await;
        lead_for_ever(candidate(&api, "two"), &leaders, &terms).await;
    });
    let outages = async {
        for round in 0..60_u64 {
            for cut in ["one", "two"] {
                // Each time at another moment between two renewals.
                sleep(Duration::from_millis(40_000 + 370 * round)).await;
                api.silence(cut);
                sleep(LEASE_DURATION + 2 * RETRY_INTERVAL).await;
                api.answer_all();
            }
        }
    };
    tokio::select! {
        biased;
        () = one => unreachable!("it leads for ever"),
        () = two => unreachable!("it leads for ever"),
        () = outages => {}
    }
    assert!(terms.get() >= 60, "the lease changed hands {} times only", terms.get());
}
