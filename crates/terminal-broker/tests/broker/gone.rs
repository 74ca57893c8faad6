//! A controller that is gone without a word, as when its node dies.

use std::{net::SocketAddr, time::Duration};

use fixtures::{Cable, asleep, token};
use share::Links;
use terminal_proto::v1::{WakeRequest, watch_activity_response::Event};
use tokio::time::{advance, pause, resume};
use tonic::{
    Code,
    transport::{Endpoint, Identity},
};

use crate::{
    pod::V5,
    test_broker::{Client, TestBroker, Watch, agent},
};

async fn controller(broker: &TestBroker, address: SocketAddr) -> Client {
    let (certificate, key) = broker.authority.issue("kubeopencode-controller");
    let tls = broker.tls().identity(Identity::from_pem(certificate, key));
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    Client::new(endpoint.tls_config(tls).unwrap().connect().await.unwrap())
}

#[tokio::test]
async fn a_controller_that_is_gone_without_a_word_is_noticed_within_25_s() {
    let broker = TestBroker::start_with(Links::with([asleep(), agent(2)]), V5, &[]).await;
    let cable = Cable::to(broker.url.trim_start_matches("https://").parse().unwrap()).await;
    let mut watch = Watch::begin(controller(&broker, cable.address).await).await.unwrap();
    assert!(matches!(watch.next().await, Event::Snapshot(_)));
    let watching = |number: usize| {
        let line = format!("controllers_watching {number}\n");
        broker.daemon.metrics.encode().unwrap().contains(&line)
    };
    assert!(watching(1));

    cable.cut();
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
