//! Counts what the clients of the API server ask, and how that is answered. It changes no request.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::metrics::ApiRequests;

/// What a request is called that kube gave no verb.
const NO_VERB: &str = "other";

/// Around a client's transport.
#[derive(Clone, Debug)]
pub(super) struct CountRequests(pub(super) ApiRequests);

impl<S> Layer<S> for CountRequests {
    type Service = Counted<S>;

    fn layer(&self, transport: S) -> Counted<S> {
        Counted { transport, requests: self.0.clone() }
    }
}

/// A transport whose requests are counted.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    transport: S,
    requests: ApiRequests,
}

impl<S, A, B> Service<Request<A>> for Counted<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.transport.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        // kube's own words, such as "patch_status": so there are few of them.
        let verb = request.extensions().get::<&'static str>().copied().unwrap_or(NO_VERB);
        let response = self.transport.call(request);
        Answer { response, verb, asked: Instant::now(), requests: self.requests.clone() }
    }
}

pin_project! {
    /// The answer to come.
    pub(super) struct Answer<F> {
        #[pin]
        response: F,
        verb: &'static str,
        asked: Instant,
        requests: ApiRequests,
    }
}

impl<F, B, E> Future for Answer<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = ready!(this.response.poll(context));
        let status = answer.as_ref().ok().map(Response::status);
        this.requests.answered(this.verb, outcome(status), this.asked.elapsed());
        Poll::Ready(answer)
    }
}

/// What an answer comes to; `None` is no answer.
fn outcome(status: Option<StatusCode>) -> &'static str {
    match status {
        None => "no_answer",
        Some(StatusCode::NOT_FOUND) => "not_found",
        Some(StatusCode::CONFLICT) => "conflict",
        Some(StatusCode::GONE) => "gone",
        Some(StatusCode::TOO_MANY_REQUESTS) => "throttled",
        Some(status) if status.is_client_error() => "refused",
        Some(status) if status.is_server_error() => "server_error",
        Some(_) => "ok",
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, io};

    use fixtures::metrics as documented;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::{Metrics, tls::Certificates};

    async fn count(metrics: &Metrics, verb: Option<&'static str>, status: Option<u16>) {
        let transport = service_fn(move |_: Request<()>| {
            ready(match status {
                Some(status) => Ok(Response::builder().status(status).body(()).unwrap()),
                None => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            })
        });
        let mut request = Request::new(());
        if let Some(verb) = verb {
            request.extensions_mut().insert(verb);
        }
        let counted = CountRequests(metrics.api_requests()).layer(transport);
        let _ = counted.oneshot(request).await;
    }

    #[tokio::test]
    async fn a_request_is_counted_by_its_verb_and_by_what_it_came_to() {
        let metrics = Metrics::new("test");
        count(&metrics, Some("patch_status"), Some(200)).await;
        count(&metrics, Some("patch_status"), Some(200)).await;
        count(&metrics, Some("exec"), Some(101)).await;
        count(&metrics, None, None).await;
        let page = metrics.encode().unwrap();
        for line in [
            "kubeopencode_api_requests_total{verb=\"patch_status\",outcome=\"ok\"} 2",
            "kubeopencode_api_requests_total{verb=\"exec\",outcome=\"ok\"} 1",
            "kubeopencode_api_requests_total{verb=\"other\",outcome=\"no_answer\"} 1",
            "kubeopencode_api_request_seconds_count{verb=\"patch_status\"} 2",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }

    #[tokio::test]
    async fn what_every_program_exposes_is_documented() {
        let metrics = Metrics::new("test");
        metrics.listener("share");
        for status in [200, 404, 409, 410, 429, 403, 500] {
            count(&metrics, Some("get"), Some(status)).await;
        }
        count(&metrics, Some("get"), None).await;
        let folder = fixtures::Authority::generate().folder("peer");
        let (certificates, _reload) = Certificates::load(folder.path()).await.unwrap();
        certificates.report_ends(&metrics);
        documented::assert_documented(&metrics.encode().unwrap(), &[documented::EVERY_PROGRAM]);
    }

    #[test]
    fn each_kind_of_answer_has_its_word() {
        let words = [200, 101, 400, 403, 404, 409, 410, 422, 429, 500, 503]
            .map(|status| outcome(StatusCode::from_u16(status).ok()));
        let expected = [
            "ok",
            "ok",
            "refused",
            "refused",
            "not_found",
            "conflict",
            "gone",
            "refused",
            "throttled",
            "server_error",
            "server_error",
        ];
        assert_eq!(words, expected);
    }
}
