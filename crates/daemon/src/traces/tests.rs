use std::{
    io,
    sync::{Arc, Mutex},
    time::Instant,
};

use fixtures::{Authority, Collector, ReceivedSpan};
use http::HeaderMap;
use opentelemetry::trace::TraceId;
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter as _},
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tracing::{Level, Span, info_span};
use tracing_subscriber::{fmt, layer::SubscriberExt};

use super::*;
use crate::TracedTimes;

const PROGRAM: &str = "kubeopencode-test";

fn to(url: String) -> TracesArgs {
    TracesArgs { otlp_endpoint: Some(url), ratio: 1.0, ..TracesArgs::default() }
}

fn traces(args: &TracesArgs) -> Traces {
    Traces::new(PROGRAM, args).unwrap().expect("an endpoint")
}

/// Does `work` where spans are recorded by `traces`.
fn recorded<T>(traces: &Traces, work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(traces.layer()), work)
}

fn visit() -> Span {
    info_span!(target: TARGET, parent: None, "GET", http.route = "/s/{token}")
}

fn named<'a>(spans: &'a [ReceivedSpan], name: &str) -> &'a ReceivedSpan {
    spans.iter().find(|received| received.span.name == name).unwrap()
}

#[tokio::test]
async fn what_is_on_the_list_reaches_the_collector_and_nothing_else_does() {
    let mut collector = Collector::start().await;
    let traces = traces(&to(format!("http://{}", collector.address)));
    recorded(&traces, || {
        let root = visit();
        let verdict = info_span!(
            target: TARGET, parent: &root, "verdict",
            kubeopencode.outcome = "denied", otel.status_code = "ERROR",
            otel.status_description = "/s/a-token", token = "a-token"
        );
        verdict.in_scope(|| tracing::info!(target: TARGET, "a line with a-token"));
        info_span!(parent: &root, "a library's").in_scope(|| tracing::error!("a-token"));
    });
    traces.end().await;

    let spans = collector.spans(|spans| spans.len() == 2).await;
    let (root, verdict) = (named(&spans, "GET"), named(&spans, "verdict"));
    assert_eq!(root.service, PROGRAM);
    assert_eq!(root.attribute("http.route").as_deref(), Some("/s/{token}"));
    assert_eq!(verdict.attribute("kubeopencode.outcome").as_deref(), Some("denied"));
    assert_eq!(verdict.span.parent_span_id, root.span.span_id);
    assert!(!format!("{spans:?}").contains("a-token"), "{spans:#?}");
    assert!(verdict.span.events.is_empty() && verdict.span.attributes.len() == 1);
    assert!(collector.rest().is_empty());
}

#[tokio::test]
async fn a_time_points_at_its_trace_where_that_is_recorded() {
    let mut collector = Collector::start().await;
    let traces = traces(&to(format!("http://{}", collector.address)));
    let metrics = crate::Metrics::new(PROGRAM);
    let times = metrics.register(|registry| {
        TracedTimes::register(registry, "visit", "Visits", [1.0, 2.0].into_iter())
    });
    times.observe(Duration::from_millis(1500), &Span::none());
    recorded(&traces, || times.observe(Duration::from_millis(500), &visit()));
    traces.end().await;

    let spans = collector.spans(|spans| spans.len() == 1).await;
    let id = TraceId::from_bytes(spans[0].span.trace_id.as_slice().try_into().unwrap());
    let page = metrics.encode().unwrap();
    let line = |bound: &str| {
        let begin = format!("kubeopencode_visit_seconds_bucket{{le=\"{bound}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&begin)).unwrap().to_owned()
    };
    assert_eq!(line("1.0"), format!("1 # {{trace_id=\"{id}\"}} 0.5"));
    assert_eq!(line("2.0"), "2");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Does `work` with logs of every level and no exporter, as a process without an endpoint.
    fn of<T>(&self, work: impl FnOnce() -> T) -> T {
        let lines = self.clone();
        let logs = fmt::layer().with_ansi(false).with_writer(move || lines.clone());
        let logs = crate::telemetry::sealed(logs.with_filter(LevelFilter::TRACE)).boxed();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(vec![logs]), work)
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn without_an_endpoint_nothing_is_set_up_and_no_span_is_made() {
    for endpoint in [None, Some(String::new())] {
        let args = TracesArgs { otlp_endpoint: endpoint, ..TracesArgs::default() };
        assert!(Traces::new(PROGRAM, &args).unwrap().is_none());
    }
    Lines::default().of(|| {
        let span = visit();
        assert!(span.is_disabled(), "a span is made for nobody");
        assert!(tracing::enabled!(Level::TRACE), "logs are there");
        let mut headers = HeaderMap::new();
        inject(&span, &mut headers);
        assert!(headers.is_empty());
    });
}

#[tokio::test]
async fn a_trace_goes_on_where_its_headers_arrive_and_so_does_the_decision_not_to_record_it() {
    let mut collector = Collector::start().await;
    let args = to(format!("http://{}", collector.address));
    let recording = traces(&args);
    let dropping = traces(&TracesArgs { sampler_kind: Sampler::AlwaysOff, ..args.clone() });
    let (mut headers, mut unrecorded) = (HeaderMap::new(), HeaderMap::new());
    recorded(&recording, || inject(&visit(), &mut headers));
    recorded(&dropping, || inject(&visit(), &mut unrecorded));
    assert_eq!(headers["traceparent"].to_str().unwrap().len(), 55);
    assert!(unrecorded["traceparent"].to_str().unwrap().ends_with("-00"), "{unrecorded:?}");

    let there = traces(&args);
    recorded(&there, || {
        for headers in [&headers, &unrecorded] {
            adopt(&info_span!(target: TARGET, parent: None, "Attach"), headers);
        }
        let hostile = HeaderMap::from_iter([(
            http::HeaderName::from_static("traceparent"),
            http::HeaderValue::from_static("00-zz-zz-01"),
        )]);
        adopt(&info_span!(target: TARGET, parent: None, "alone"), &hostile);
    });
    recording.end().await;
    there.end().await;
    dropping.end().await;

    let spans = collector.spans(|spans| spans.len() >= 3).await;
    let (root, attach) = (named(&spans, "GET"), named(&spans, "Attach"));
    assert_eq!(attach.span.parent_span_id, root.span.span_id);
    assert_eq!(attach.span.trace_id, root.span.trace_id);
    assert!(named(&spans, "alone").span.parent_span_id.is_empty());
    assert!(spans.len() == 3 && collector.rest().is_empty(), "one that nobody wanted: {spans:#?}");
}

#[tokio::test]
async fn an_https_collector_must_be_of_the_authority_that_was_named() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::generate();
    let folder = authority.folder("unused");
    let mut collector = Collector::start_tls(authority.issue("localhost")).await;
    let url = format!("https://localhost:{}", collector.address.port());
    let stranger = Authority::generate().folder("unused");
    for (certificates, expected) in [(&stranger, 0), (&folder, 1)] {
        let certificate = Some(certificates.path().join("ca.crt"));
        let traces = traces(&TracesArgs { certificate, ..to(url.clone()) });
        recorded(&traces, visit);
        traces.end().await;
        assert_eq!(collector.rest().len(), expected);
    }
    let missing = TracesArgs { certificate: Some("/no/such".into()), ..to(url) };
    assert!(matches!(Traces::new(PROGRAM, &missing), Err(TracesError::Certificate { .. })));
}

/// On a runtime of one thread, as every process has, which nothing may hold up.
#[tokio::test]
async fn a_collector_that_is_down_or_never_answers_does_not_hold_up_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for address in [closed, silent.local_addr().unwrap()] {
        let traces = traces(&to(format!("http://{address}")));
        let started = Instant::now();
        // More than the queue holds: those that do not fit are dropped at once.
        recorded(&traces, || (0..10_000).for_each(|_| drop(visit())));
        traces.end().await;
        let took = started.elapsed();
        assert!(took < FLUSH_DEADLINE + Duration::from_secs(2), "{address}: {took:?}");
    }
    // Somebody tried.
    let (mut tried, _) = silent.accept().await.unwrap();
    assert_ne!(tried.read(&mut [0; 64]).await.unwrap(), 0);
}

/// Fails as long as it is told to.
#[derive(Debug, Default)]
struct Failing(Arc<Mutex<bool>>);

impl opentelemetry_sdk::trace::SpanExporter for Failing {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let fails = *self.0.lock().unwrap();
        if fails { Err(OTelSdkError::InternalFailure("refused".into())) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_collector_that_fails_is_logged_once_and_once_more_when_it_works_again() {
    let (lines, fails) = (Lines::default(), Arc::new(Mutex::new(true)));
    let runtime = tokio::runtime::Handle::current();
    let exporter = export::Exporter::new(Failing(Arc::clone(&fails)), runtime);
    let failed = |spans| lines.of(|| exporter.report(spans, &Err(OTelSdkError::AlreadyShutdown)));
    (0..5).for_each(|_| failed(3));
    assert_eq!(lines.text().lines().count(), 1, "{}", lines.text());
    lines.of(|| (0..5).for_each(|_| exporter.report(1, &Ok(()))));
    assert_eq!(lines.text().lines().count(), 2, "{}", lines.text());
    assert!(lines.text().contains("lost=15"), "{}", lines.text());

    assert!(exporter.export(Vec::new()).await.is_err());
    *fails.lock().unwrap() = false;
    assert!(exporter.export(Vec::new()).await.is_ok());
}

#[test]
fn the_guide_names_every_attribute_that_is_exported() {
    let guide = include_str!("../../../../docs/guides/tracing.md");
    for attribute in ATTRIBUTES {
        assert!(guide.contains(&format!("`{attribute}`")), "docs/guides/tracing.md: {attribute}");
    }
}
