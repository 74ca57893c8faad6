//! A shared agent for tests, and sessions without a cluster.

use api_types::{Agent, AgentSpec, AgentStatus, ShareSpec, ShareStatus, ShareToken};
use http::{Request, Response};
use kube::{Client, client::Body, core::ObjectMeta, runtime::events::Reporter};
use prometheus_client::registry::Registry;
use share::{audit::audit, capacity::Limits};

use crate::{metrics::BrokerMetrics, session::Sessions};

pub(crate) fn token() -> ShareToken {
    ShareToken::from_bytes(&[1; 32])
}

/// Ready, and open to anybody with [`token`].
pub(crate) fn demo() -> Agent {
    let share = ShareStatus {
        token_lookup: Some(token().lookup().to_string()),
        token_proof: Some(token().proof("uid-1").to_string()),
        ..ShareStatus::default()
    };
    Agent {
        metadata: ObjectMeta {
            name: Some("demo".into()),
            namespace: Some("team-a".into()),
            uid: Some("uid-1".into()),
            ..ObjectMeta::default()
        },
        spec: AgentSpec {
            share: Some(ShareSpec { enabled: true, ..ShareSpec::default() }),
            ..AgentSpec::default()
        },
        status: Some(AgentStatus { ready: true, share: Some(share), ..AgentStatus::default() }),
    }
}

/// Sessions whose Events nobody writes.
pub(crate) fn sessions() -> (Sessions, BrokerMetrics) {
    let (service, _api) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let reporter = Reporter { controller: "broker".into(), instance: None };
    let metrics = BrokerMetrics::register(&mut Registry::default());
    let client = Client::new(service, "default");
    let (audit, _writer) = audit(client, reporter, metrics.events_lost());
    (Sessions::new(Limits::DEFAULT, audit, metrics.clone()), metrics)
}
