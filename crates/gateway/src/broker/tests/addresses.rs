//! That the addresses of the brokers are followed.

use tokio::net::TcpListener;

use super::*;

/// Where nobody listens.
async fn unused() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_opening_is_served_by_the_twin_of_a_broker_that_is_down() {
    let (down, twin) = (unused().await, FakeBroker::start(Manner::Serve).await);
    let name = Name::default();
    name.points_to([down, twin.address]);
    let broker = brokers(&name);
    let viewers = [open(&broker).await.unwrap(), open(&broker).await.unwrap()];
    assert!(viewers.iter().all(|viewer| viewer.served_by == twin.address.to_string()));
}

#[tokio::test]
async fn an_address_that_vanishes_is_used_no_more_but_its_sessions_go_on() {
    let (stays, goes) =
        (FakeBroker::start(Manner::Serve).await, FakeBroker::start(Manner::Serve).await);
    let name = Name::default();
    name.points_to([stays.address, goes.address]);
    let broker = brokers(&name);
    let mut viewers = [open(&broker).await.unwrap(), open(&broker).await.unwrap()];
    assert_eq!([stays.openings(), goes.openings()], [1, 1]);

    name.points_to([stays.address]);
    pass(choice::LOOKUP_AGE_MAX).await;
    // Does not wait for the addresses, but has them looked up.
    let _viewer = open(&broker).await.unwrap();
    broker.pool.looked_up().await;
    let before = goes.openings();
    for _ in 0..4 {
        assert_eq!(open(&broker).await.unwrap().served_by, stays.address.to_string());
    }
    assert_eq!(goes.openings(), before);
    for viewer in &mut viewers {
        assert_eq!(viewer.echo("still here").await, "still here");
    }
}

#[tokio::test]
async fn addresses_are_looked_up_at_once_when_no_known_one_works() {
    let (down, new) = (unused().await, FakeBroker::start(Manner::Serve).await);
    let name = Name::default();
    name.points_to([down]);
    let broker = brokers(&name);
    assert_eq!(open(&broker).await.err(), Some(Code::Unavailable));

    name.points_to([new.address]);
    pass(choice::LOOKUP_AGE_MIN).await;
    assert_eq!(open(&broker).await.unwrap().served_by, new.address.to_string());
}

#[tokio::test]
async fn a_broker_that_goes_away_gets_no_new_session() {
    let (old, new) =
        (FakeBroker::start(Manner::Serve).await, FakeBroker::start(Manner::Serve).await);
    let name = Name::default();
    name.points_to([old.address]);
    let broker = brokers(&name);
    let mut viewers = [open(&broker).await.unwrap(), open(&broker).await.unwrap()];

    old.drain();
    name.points_to([new.address]);
    for viewer in &mut viewers {
        assert_eq!(viewer.echo("after GOAWAY").await, "after GOAWAY");
    }
    pass(choice::LOOKUP_AGE_MIN).await;
    let viewer = attach(&broker, &mut Tried::default()).await.unwrap();
    assert_eq!(viewer.served_by, new.address.to_string());
}

#[tokio::test]
async fn known_addresses_are_used_while_the_name_has_none() {
    let known = FakeBroker::start(Manner::Serve).await;
    let name = Name::default();
    let broker = brokers(&name);
    assert_eq!(open(&broker).await.err(), Some(Code::Unavailable));

    name.points_to([known.address]);
    pass(choice::LOOKUP_AGE_MIN).await;
    drop(open(&broker).await.unwrap());

    name.points_to([]);
    Arc::clone(&broker.pool).look_up().await;
    assert_eq!(open(&broker).await.unwrap().served_by, known.address.to_string());
}

#[tokio::test]
async fn an_ip_address_needs_no_name() {
    let fake = FakeBroker::start(Manner::Serve).await;
    let url = format!("http://{}", fake.address);
    let broker = Broker::new(&url, "broker", None).await.unwrap();
    assert_eq!(open(&broker).await.unwrap().served_by, fake.address.to_string());
}

#[test]
fn an_origin_has_a_host_and_a_port() {
    let destination = |url| destination(&Uri::from_static(url));
    let named = |host: &str, port| Some((host.to_owned(), port));
    assert_eq!(destination("https://broker.system.svc:50051"), named("broker.system.svc", 50051));
    assert_eq!(destination("https://broker"), named("broker", 443));
    assert_eq!(destination("http://[::1]:8080"), named("::1", 8080));
    assert_eq!(destination("ftp://broker"), None);
    assert_eq!(destination("/broker"), None);
}
