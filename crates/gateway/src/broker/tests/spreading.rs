//! That an opening goes where it is served.

use futures::future::join_all;

use super::*;

#[tokio::test]
async fn sessions_spread_evenly() {
    let (one, other) =
        (FakeBroker::start(Manner::Serve).await, FakeBroker::start(Manner::Serve).await);
    let broker = brokers_at([&one, &other]);
    let mut viewers = Vec::new();
    for _ in 0..6 {
        viewers.push(open(&broker).await.unwrap());
    }
    assert_eq!([one.openings(), other.openings()], [3, 3]);
    assert_eq!([one.connections(), other.connections()], [1, 1]);

    viewers.retain(|viewer| viewer.served_by != one.address.to_string());
    for _ in 0..3 {
        viewers.push(open(&broker).await.unwrap());
    }
    assert_eq!([one.openings(), other.openings()], [6, 3]);
}

#[tokio::test]
async fn openings_at_once_share_the_connections() {
    let (one, other) =
        (FakeBroker::start(Manner::Serve).await, FakeBroker::start(Manner::Serve).await);
    let broker = brokers_at([&one, &other]);
    let viewers = join_all((0..10).map(|_| open(&broker))).await;
    assert!(viewers.iter().all(Result::is_ok));
    assert_eq!([one.openings(), other.openings()], [5, 5]);
    assert_eq!([one.connections(), other.connections()], [1, 1]);
}

#[tokio::test]
async fn the_only_replica_has_two_connections() {
    let only = FakeBroker::start(Manner::Serve).await;
    let broker = brokers_at([&only]);
    let viewers = join_all((0..4).map(|_| open(&broker))).await;
    assert!(viewers.iter().all(Result::is_ok));
    assert_eq!(only.connections(), 2);
}

#[tokio::test]
async fn an_opening_that_a_full_broker_refuses_is_served_by_its_twin() {
    let full = FakeBroker::start(Manner::Refuse(Code::ResourceExhausted)).await;
    let twin = FakeBroker::start(Manner::Serve).await;
    let broker = brokers_at([&full, &twin]);
    let viewers = [open(&broker).await.unwrap(), open(&broker).await.unwrap()];
    assert!(full.openings() > 0, "it had the fewest sessions");
    assert!(viewers.iter().all(|viewer| viewer.served_by == twin.address.to_string()));
}

#[tokio::test]
async fn a_broker_that_is_unavailable_is_left_alone_for_a_while() {
    let failing = FakeBroker::start(Manner::Refuse(Code::Unavailable)).await;
    let twin = FakeBroker::start(Manner::Serve).await;
    let broker = brokers_at([&failing, &twin]);
    let mut viewers = Vec::new();
    for _ in 0..4 {
        viewers.push(open(&broker).await.unwrap());
    }
    assert_eq!([failing.openings(), twin.openings()], [1, 4]);

    failing.becomes(Manner::Serve);
    pass(replica::FAILURE_MEMORY).await;
    viewers.push(open(&broker).await.unwrap());
    assert_eq!([failing.openings(), twin.openings()], [2, 4]);
}

#[tokio::test]
async fn an_opening_is_served_by_the_twin_of_a_broker_that_does_not_answer() {
    let (hangs, twin) =
        (FakeBroker::start(Manner::Hang).await, FakeBroker::start(Manner::Serve).await);
    let name = Name::default();
    name.points_to([twin.address]);
    let broker = brokers(&name);
    let _busy = open(&broker).await.unwrap();
    name.points_to([hangs.address, twin.address]);
    Arc::clone(&broker.pool).look_up().await;

    let mut tried = Tried::default();
    tokio::time::pause();
    assert_eq!(attach(&broker, &mut tried).await.err(), Some(Code::Unavailable));
    tokio::time::resume();
    let viewer = attach(&broker, &mut tried).await.unwrap();
    assert_eq!(viewer.served_by, twin.address.to_string());
    assert!(!broker.untried(&tried));
}

#[tokio::test]
async fn a_gateway_connects_to_four_replicas_unless_these_refuse() {
    let fakes = join_all((0..6).map(|_| FakeBroker::start(Manner::Serve))).await;
    let addresses: [_; 6] = std::array::from_fn(|index| fakes[index].address);
    let name = Name::default();
    name.points_to(addresses);
    let broker = brokers(&name);
    let mut viewers = Vec::new();
    for _ in 0..8 {
        viewers.push(open(&broker).await.unwrap());
    }
    let (regular, spare): (Vec<_>, Vec<_>) = fakes.iter().partition(|fake| fake.connections() > 0);
    assert_eq!(regular.iter().map(|fake| fake.openings()).collect::<Vec<_>>(), [2; 4]);

    let full = Manner::Refuse(Code::ResourceExhausted);
    for fake in &regular {
        fake.becomes(full);
    }
    let viewer = open(&broker).await.unwrap();
    assert!(spare.iter().any(|fake| fake.address.to_string() == viewer.served_by));
    assert_eq!(regular.iter().map(|fake| fake.openings()).collect::<Vec<_>>(), [3; 4]);

    for fake in &spare {
        fake.becomes(full);
    }
    assert_eq!(open(&broker).await.err(), Some(Code::ResourceExhausted));
}
