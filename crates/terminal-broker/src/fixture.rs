//! Sessions without a cluster, for tests.

use http::{Request, Response};
use kube::{Client, client::Body, runtime::events::Reporter};
use prometheus_client::registry::Registry;
use share::{Links, audit::audit, capacity::Limits};

use crate::{metrics::BrokerMetrics, session::Sessions};

/// Sessions whose Events nobody writes.
pub(crate) fn sessions() -> (Sessions, BrokerMetrics) {
    let (service, _api) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let reporter = Reporter { controller: "broker".into(), instance: None };
    let metrics = BrokerMetrics::register(&mut Registry::default(), &Links::new());
    let client = Client::new(service, "default");
    let (audit, _writer) = audit(client, reporter, metrics.events_lost());
    (Sessions::new(Limits::DEFAULT, audit, metrics.clone()), metrics)
}
