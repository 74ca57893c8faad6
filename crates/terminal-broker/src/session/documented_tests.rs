//! Each metric of the broker, with each value of its labels, is listed in docs/metrics.md.

use std::time::Duration;

use api_types::NoTarget;
use daemon::Metrics;
use fixtures::metrics::assert_documented;
use share::{Denial, Links, capacity::Full};
use tokio::time::Instant;
use tracing::Span;

use super::WakeRefusal;
use crate::{
    closing::{End, Lost, Refusal, Violation},
    exec::ExecError,
    metrics::{BrokerMetrics, Direction},
    target::FindError,
};

fn ends() -> Vec<End> {
    let others = [
        End::Exited(0),
        End::Draining,
        End::Lost(Lost::Broken),
        End::Closed,
        End::Idle,
        End::ViewerLeft,
        End::ViewerCut,
        End::Violation(Violation::Size),
    ];
    Denial::ALL.map(End::Denied).into_iter().chain(others).collect()
}

fn refusals() -> Vec<Refusal> {
    let others = [
        Refusal::Violation(Violation::Size),
        Refusal::Late,
        Refusal::Unreachable,
        Refusal::Draining,
    ];
    let denied = Denial::ALL.map(Refusal::from).into_iter();
    denied.chain(Full::ALL.map(Refusal::from)).chain(others).collect()
}

fn wake_refusals() -> Vec<WakeRefusal> {
    let others = [
        WakeRefusal::Violation(Violation::ClientAddress),
        WakeRefusal::NoController,
        WakeRefusal::Late,
        WakeRefusal::Full,
        WakeRefusal::Draining,
    ];
    Denial::ALL.map(WakeRefusal::from).into_iter().chain(others).collect()
}

/// Why a pod starts no terminal.
fn not_started() -> [&'static str; 8] {
    let cluster = || kube::Error::LinesCodecMaxLineLengthExceeded;
    let request = kube::core::request::Error::Validation(String::new());
    [
        FindError::NoTarget(NoTarget::NoDeployment).category(),
        FindError::NoTarget(NoTarget::NoReadyPod).category(),
        FindError::Cluster(cluster()).category(),
        FindError::Late.category(),
        ExecError::Refused(cluster()).category(),
        ExecError::Request(request).category(),
        ExecError::NotJoined(Lost::Ended).category(),
        ExecError::Late.category(),
    ]
}

#[tokio::test]
async fn what_the_broker_exposes_is_documented() {
    let process = Metrics::new("test");
    let links = Links::new();
    let metrics = process.register(|registry| BrokerMetrics::register(registry, &links));
    metrics.opened(Duration::ZERO, &Span::none());
    metrics.round_trip(Duration::ZERO);
    metrics.revoked(Instant::now());
    metrics.bytes(Direction::Input);
    metrics.bytes(Direction::Output);
    for end in ends() {
        metrics.closed(end);
    }
    for refusal in refusals() {
        metrics.refused(refusal);
    }
    for reason in not_started() {
        metrics.not_started(reason);
    }
    for result in ["awake", "woken"] {
        metrics.wake(result);
    }
    for refusal in wake_refusals() {
        metrics.wake(refusal.category());
    }
    let sections = ["Gateway and terminal broker", "Terminal broker"];
    assert_documented(&process.encode().unwrap(), &sections);
}
