use http::Request;
use http_body_util::BodyExt;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{self, Instant, timeout},
};

use super::*;
use crate::socket;

type Build = fn(&Config, &Metrics) -> Result<Client, kube::Error>;
const CLIENTS: [Build; 2] = [watching, acting];

/// Reached over TCP only by what runs in real time: the clock is paused by each test once the
/// server has what it will not answer.
struct ApiServer {
    listener: TcpListener,
    config: Config,
}

impl ApiServer {
    async fn new(scheme: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let mut config = Config::new(url.parse().unwrap());
        config.accept_invalid_certs = true;
        Self { listener, config }
    }

    /// A connection, once its first bytes are there.
    async fn asked(&self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        stream
    }

    /// How long `client` waits for the answer that never comes.
    async fn patience(&self, build: Build) -> Duration {
        let client = build(&self.config, &Metrics::new("test")).unwrap();
        let wedge = async {
            let stream = self.asked().await;
            time::pause();
            stream
        };
        let start = Instant::now();
        let (_stream, answer) = tokio::join!(wedge, client.request_text(request()));
        answer.unwrap_err();
        time::resume();
        start.elapsed()
    }
}

#[tokio::test]
async fn a_watch_that_was_cut_off_is_noticed_well_before_an_exec() {
    let server = ApiServer::new("http").await;
    for (patience, dead_after) in [(WATCHING, 9), (ACTING, 25)] {
        let stream = tcp(patience.gone).oneshot(server.config.cluster_url.clone()).await.unwrap();
        let options = socket::keep_alive(&SockRef::from(stream.inner()));
        assert_eq!(options, (patience.gone, Some(Duration::from_secs(dead_after))));
    }
}

fn request() -> Request<Vec<u8>> {
    Request::get("/version").body(Vec::new()).unwrap()
}

fn assert_about(measured: Duration, expected: Duration) {
    assert!(measured >= expected && measured < expected + Duration::from_secs(2), "{measured:?}");
}

#[tokio::test]
async fn a_server_that_shakes_no_hands_is_given_up() {
    let server = ApiServer::new("https").await;
    for build in CLIENTS {
        assert_about(server.patience(build).await, CONNECT_DEADLINE);
    }
}

#[tokio::test]
async fn a_server_that_takes_a_request_and_never_answers_is_given_up() {
    let server = ApiServer::new("http").await;
    for build in CLIENTS {
        assert_about(server.patience(build).await, READ_DEADLINE);
    }
}

#[tokio::test]
async fn an_answer_that_stops_midway_ends_for_a_watch_but_not_for_an_exec() {
    let server = ApiServer::new("http").await;
    for (build, ends) in [(watching as Build, true), (acting, false)] {
        let client = build(&server.config, &Metrics::new("test")).unwrap();
        let begin = async {
            let mut stream = server.asked().await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
            stream
        };
        let request = Request::get("/version").body(Body::empty()).unwrap();
        let (_stream, answer) = tokio::join!(begin, client.send(request));
        let mut body = answer.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");

        time::pause();
        let stopped = Instant::now();
        let rest = timeout(Duration::from_hours(1), body.frame()).await;
        assert_eq!(matches!(rest, Ok(Some(Err(_)))), ends, "{rest:?}");
        if ends {
            assert_about(stopped.elapsed(), READ_DEADLINE);
        }
        time::resume();
    }
}
