//! That no connection takes new sessions for ever.

use super::*;

/// More than a connection's age may be.
const LONG: Duration = Duration::from_mins(6);

#[tokio::test]
async fn an_old_connection_is_replaced_and_its_sessions_go_on() {
    let fake = FakeBroker::start(Manner::Serve).await;
    let broker = brokers_at([&fake]);
    let mut old = [open(&broker).await.unwrap(), open(&broker).await.unwrap()];
    let _third = open(&broker).await.unwrap();
    assert_eq!(fake.connections(), 2);

    pass(LONG).await;
    let _new = [open(&broker).await.unwrap(), open(&broker).await.unwrap()];
    assert_eq!(fake.connections(), 4);
    for viewer in &mut old {
        assert_eq!(viewer.echo("still here").await, "still here");
    }
}

#[tokio::test]
async fn sessions_on_replaced_connections_count() {
    let (one, other) =
        (FakeBroker::start(Manner::Serve).await, FakeBroker::start(Manner::Serve).await);
    let broker = brokers_at([&one, &other]);
    let mut viewers = Vec::new();
    for _ in 0..6 {
        viewers.push(open(&broker).await.unwrap());
    }
    viewers.retain(|viewer| viewer.served_by == one.address.to_string());

    pass(LONG).await;
    for _ in 0..9 {
        viewers.push(open(&broker).await.unwrap());
    }
    // Six sessions each.
    assert_eq!([one.openings(), other.openings()], [6, 9]);
}
