use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock::Handle;

use super::*;

type ApiServer = Handle<http::Request<Body>, http::Response<Body>>;

fn candidate() -> (Candidate, ApiServer) {
    let (service, server) = tower_test::mock::pair();
    (Candidate::new(Client::new(service, "system"), "system", "controller", "me"), server)
}

/// Answers one request, and gives its method and body.
async fn answer(server: &mut ApiServer, code: u16, body: Value) -> (String, Value) {
    let asked = timeout(2 * LEASE_DURATION, server.next_request()).await;
    let (request, respond) = asked.expect("a request in time").expect("a request");
    let method = request.method().to_string();
    let sent = request.into_body().collect_bytes().await.unwrap();
    let body = Body::from(serde_json::to_vec(&body).unwrap());
    respond.send_response(http::Response::builder().status(code).body(body).unwrap());
    (method, serde_json::from_slice(&sent).unwrap_or(Value::Null))
}

fn held_by(holder: &str, version: u32) -> Value {
    json!({
        "metadata": { "name": "controller", "resourceVersion": version.to_string() },
        "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15 },
    })
}

fn failure(reason: &str, code: u16) -> Value {
    json!({ "kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": "" })
}

#[tokio::test]
async fn the_first_replica_creates_the_lease_and_leads() {
    let (mut candidate, mut server) = candidate();
    let shutdown = CancellationToken::new();
    let mut answers = 0;
    let (role, created) = tokio::join!(candidate.acquire(&shutdown, || answers += 1), async {
        answer(&mut server, 404, failure("NotFound", 404)).await;
        answer(&mut server, 201, held_by("me", 2)).await
    });
    assert_eq!((role, answers), (Role::Leader, 1));
    assert_eq!(created.0, "POST");
    assert_eq!(created.1["spec"]["holderIdentity"], "me");
}

#[tokio::test(start_paused = true)]
async fn a_silent_leader_is_replaced_after_its_lease_and_not_before() {
    let (mut candidate, mut server) = candidate();
    let (start, shutdown) = (Instant::now(), CancellationToken::new());
    let (role, ()) = tokio::join!(candidate.acquire(&shutdown, || ()), async {
        loop {
            let (method, _) = answer(&mut server, 200, held_by("other", 2)).await;
            if method == "PUT" {
                break;
            }
        }
    });
    assert_eq!(role, Role::Leader);
    assert!(start.elapsed() >= LEASE_DURATION, "{:?}", start.elapsed());
    assert!(start.elapsed() <= LEASE_DURATION + RETRY_INTERVAL, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_stops_before_its_lease_ends() {
    let (mut candidate, mut server) = candidate();
    candidate.observe(serde_json::from_value(held_by("me", 2)).unwrap());
    let start = Instant::now();
    tokio::select! {
        () = candidate.keep() => {}
        () = async { loop { answer(&mut server, 500, failure("InternalError", 500)).await; } } => {}
    }
    assert!(start.elapsed() < LEASE_DURATION, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_lease_was_taken_stops_at_once() {
    let (mut candidate, mut server) = candidate();
    candidate.observe(serde_json::from_value(held_by("me", 2)).unwrap());
    let start = Instant::now();
    let ((), (method, _)) =
        tokio::join!(candidate.keep(), answer(&mut server, 200, held_by("other", 3)));
    assert_eq!(method, "GET");
    assert_eq!(start.elapsed(), RENEW_INTERVAL);
}

#[tokio::test]
async fn a_released_lease_names_nobody() {
    let (mut candidate, mut server) = candidate();
    candidate.observe(serde_json::from_value(held_by("me", 2)).unwrap());
    let ((), (method, body)) =
        tokio::join!(candidate.release(), answer(&mut server, 200, held_by("", 3)));
    assert_eq!((method.as_str(), &body["spec"]["holderIdentity"]), ("PUT", &json!("")));
    assert_eq!(body["metadata"]["resourceVersion"], "2", "somebody else's stays theirs");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_until_the_deadline() {
    let (mut candidate, mut server) = candidate();
    candidate.observe(serde_json::from_value(held_by("me", 2)).unwrap());
    let start = Instant::now();
    tokio::select! {
        biased;
        () = candidate.keep() => panic!("one renewal that works is enough"),
        () = async {
            // The first is refused and the second has no answer, once in each interval.
            for _ in 0..3 {
                answer(&mut server, 500, failure("InternalError", 500)).await;
                let (_request, _unanswered) = server.next_request().await.unwrap();
                answer(&mut server, 200, held_by("me", 2)).await;
                answer(&mut server, 200, held_by("me", 2)).await;
            }
        } => {}
    }
    // After 5 s the refusal, after 2 s more the silence, and after 2.5 s of that the renewal.
    assert_eq!(start.elapsed(), Duration::from_millis(3 * 9_500));
}

/// The leader may have renewed it just before it was read.
#[tokio::test(start_paused = true)]
async fn the_silence_of_a_leader_begins_with_the_answer_that_told_of_it() {
    let (mut candidate, mut server) = candidate();
    let (start, shutdown) = (Instant::now(), CancellationToken::new());
    let slow = Duration::from_secs(8);
    let (role, ()) = tokio::join!(candidate.acquire(&shutdown, || ()), async {
        let (_, respond) = server.next_request().await.unwrap();
        sleep(slow).await;
        let body = Body::from(held_by("other", 2).to_string().into_bytes());
        respond.send_response(http::Response::new(body));
        while answer(&mut server, 200, held_by("other", 2)).await.0 != "PUT" {}
    });
    assert_eq!(role, Role::Leader);
    assert!(start.elapsed() >= slow + LEASE_DURATION, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_released_though_its_last_renewal_was_not_waited_for() {
    let (mut candidate, mut server) = candidate();
    candidate.observe(serde_json::from_value(held_by("me", 2)).unwrap());
    let ((), (method, body)) = tokio::join!(candidate.release(), async {
        answer(&mut server, 409, failure("Conflict", 409)).await;
        answer(&mut server, 200, held_by("me", 3)).await;
        answer(&mut server, 200, held_by("", 4)).await
    });
    assert_eq!((method.as_str(), &body["spec"]["holderIdentity"]), ("PUT", &json!("")));
    assert_eq!(body["metadata"]["resourceVersion"], "3");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_asked_for_just_before_the_end_is_released_too() {
    let (mut candidate, mut server) = candidate();
    let shutdown = CancellationToken::new();
    let (role, _claim) = tokio::join!(candidate.acquire(&shutdown, || ()), async {
        answer(&mut server, 404, failure("NotFound", 404)).await;
        let claim = server.next_request().await.unwrap();
        shutdown.cancel();
        claim
    });
    assert_eq!(role, Role::Follower);
    let ((), (method, body)) = tokio::join!(candidate.release(), async {
        answer(&mut server, 200, held_by("me", 2)).await;
        answer(&mut server, 200, held_by("", 3)).await
    });
    assert_eq!((method.as_str(), &body["spec"]["holderIdentity"]), ("PUT", &json!("")));
}
