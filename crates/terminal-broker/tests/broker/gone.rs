//! A controller that is gone without a word, as when its node dies.

use std::{net::SocketAddr, time::Duration};

use fixtures::{asleep, token};
use share::Links;
use terminal_proto::v1::{WakeRequest, watch_activity_response::Event};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::{advance, pause, resume},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{
    Code,
    transport::{Endpoint, Identity},
};

use crate::{
    pod::V5,
    test_broker::{Client, TestBroker, Watch, agent},
};

/// Listens at an address from which one connection leads to `target`. Once it is `cut` nothing
/// passes any more, and neither end is told: a FIN would tell.
async fn cable(target: SocketAddr, cut: CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        let _ = cut.run_until_cancelled(copy_bidirectional(&mut near, &mut far)).await;
        std::future::pending::<()>().await;
    });
    address
}

async fn controller(broker: &TestBroker, address: SocketAddr) -> Client {
    let (certificate, key) = broker.authority.issue("kubeopencode-controller");
    let tls = broker.tls().identity(Identity::from_pem(certificate, key));
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    Client::new(endpoint.tls_config(tls).unwrap().connect().await.unwrap())
}

#[tokio::test]
async fn a_controller_that_is_gone_without_a_word_is_noticed_within_25_s() {
    let broker = TestBroker::start_with(Links::with([asleep(), agent(2)]), V5, &[]).await;
    let cut = CancellationToken::new();
    let target = broker.url.trim_start_matches("https://").parse().unwrap();
    let address = cable(target, cut.clone()).await;
    let mut watch = Watch::begin(controller(&broker, address).await).await.unwrap();
    assert!(matches!(watch.next().await, Event::Snapshot(_)));
    let watching = |number: usize| {
        let line = format!("controllers_watching {number}\n");
        broker.daemon.metrics.encode().unwrap().contains(&line)
    };
    assert!(watching(1));

    cut.cancel();
    // From here only the test moves the clock.
    pause();
    let mut passed = Duration::ZERO;
    while !watching(0) && passed < Duration::from_mins(1) {
        let step = Duration::from_millis(250);
        advance(step).await;
        passed += step;
    }
    resume();
    let expected = Duration::from_secs(24)..Duration::from_secs(27);
    assert!(expected.contains(&passed), "{passed:?}");

    let wake = WakeRequest {
        token: token(1).expose().to_owned(),
        client_address: "203.0.113.9".to_owned(),
    };
    let refused = broker.client().await.wake(wake).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("no controller"), "nobody is left to ask: {refused:?}");
}
