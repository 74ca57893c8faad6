//! Each metric of the gateway, with each value of its labels, is listed in docs/metrics.md.

use std::time::Duration;

use daemon::Metrics;
use fixtures::metrics::assert_documented;
use http::{Method, StatusCode};
use share::{Class, Denial, Links, capacity::Full};
use tokio::time::Instant;
use tracing::Span;

use super::ending::{Ending, Violation};
use crate::{
    broker::Broker,
    error::RequestError,
    limits::{Limit, Refused},
    metrics::{GatewayMetrics, events_lost},
    router::{Methods, route},
};

fn refused(limit: Limit) -> RequestError {
    RequestError::RateLimited(Refused { limit, retry_after: Duration::ZERO })
}

fn errors() -> Vec<RequestError> {
    let limits = [
        Limit::Assets,
        Limit::FailedRequests,
        Limit::WrongTokens,
        Limit::LinkRequests,
        Limit::LinkOpenings,
    ];
    let others = [
        RequestError::NoSuchAddress,
        RequestError::MethodNotAllowed(Methods::Read),
        RequestError::NotWebSocket,
        RequestError::BadHandshake,
        RequestError::ForeignOrigin,
        RequestError::NotJson,
        RequestError::NotWoken,
        RequestError::Evicted,
    ];
    let denied = Denial::ALL.map(RequestError::from).into_iter();
    let full = Full::ALL.map(RequestError::from);
    denied.chain(full).chain(limits.map(refused)).chain(others).collect()
}

fn endings() -> Vec<Ending> {
    let message = String::new;
    let others = [
        Ending::Left,
        Ending::Silent,
        Ending::Stalled,
        Ending::Violation(Violation::Malformed),
        Ending::Dismissed { class: Class::Wait, message: message() },
        Ending::Ended { exit_code: None, message: message() },
        Ending::Closed { message: message() },
        Ending::Refused,
        Ending::Full,
        Ending::Unavailable,
        Ending::Lost { message: None },
        Ending::Draining,
    ];
    Denial::ALL.map(Ending::Denied).into_iter().chain(others).collect()
}

#[tokio::test]
async fn what_the_gateway_exposes_is_documented() {
    let process = Metrics::new("test");
    let metrics = GatewayMetrics::new(&process, &Links::new());
    events_lost(&process);
    Broker::new("http://broker", "broker", None).await.unwrap().report(&process);

    let token = fixtures::token(1);
    let token = token.expose();
    for path in ["", "/info", "/terminal", "/wake"] {
        let method = if path == "/wake" { Method::POST } else { Method::GET };
        metrics.answered(route(&method, &format!("/s/{token}{path}")).name(), StatusCode::OK);
    }
    for path in ["/s/assets/page.js", "/elsewhere"] {
        metrics.answered(route(&Method::GET, path).name(), StatusCode::OK);
    }
    metrics.visited(Ok(()));
    for denial in Denial::ALL {
        metrics.visited(Err(denial));
    }
    for error in errors() {
        metrics.refused(&error);
    }
    let terminal = metrics.terminal();
    terminal.opened(Duration::ZERO, &Span::none());
    terminal.round_trip(Duration::ZERO);
    terminal.revoked(Instant::now());
    for ending in endings() {
        terminal.closed(ending.code(), ending.name());
    }
    let sections = ["Gateway and terminal broker", "Gateway"];
    assert_documented(&process.encode().unwrap(), &sections);
}
