//! A gateway whose watch of Agents carries nothing any more, though the API server's kernel
//! acknowledges everything: as behind a proxy that hangs, or a server that was stopped.

use std::{future::pending, time::Duration};

use api_types::{Agent, Namespaces};
use daemon::cluster::{self, READ_DEADLINE};
use fixtures::{agent, demo, published};
use kube::Config;
use serde_json::json;
use share::{Freshness, Links};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::{Instant, pause, resume, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client::{eventually, get},
    test_gateway::{PATIENCE, TestGateway, WRONG, link, token, wrong_token},
};

/// A fake of the API server; only so can it hang in the middle of a watch.
struct ApiServer {
    config: Config,
    /// What it lists; while there is nothing, it does not answer.
    agents: watch::Sender<Option<Vec<Agent>>>,
}

impl ApiServer {
    async fn start(tasks: &TaskTracker) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (agents, listed) = watch::channel(Some(Vec::new()));
        let connections = tasks.clone();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(answer(stream, listed.clone()));
            }
        });
        Self { config: Config::new(url.parse().unwrap()), agents }
    }
}

async fn answer(mut stream: TcpStream, mut listed: watch::Receiver<Option<Vec<Agent>>>) {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(request)) = lines.next_line().await {
        while lines.next_line().await.unwrap().is_some_and(|header| !header.is_empty()) {}
        if request.contains("watch=true") {
            write.write_all(hanging_watch().as_bytes()).await.unwrap();
            pending::<()>().await;
        }
        let Ok(listing) =
            listed.wait_for(Option::is_some).await.map(|agents| listing(agents.as_ref()))
        else {
            return;
        };
        write.write_all(listing.as_bytes()).await.unwrap();
    }
}

fn listing(agents: Option<&Vec<Agent>>) -> String {
    let list = json!({
        "apiVersion": "kubeopencode.io/v1alpha1",
        "kind": "AgentList",
        "metadata": { "resourceVersion": "1" },
        "items": agents,
    })
    .to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{list}", list.len())
}

/// It tells of [`demo`], and stops in the middle of what comes next.
fn hanging_watch() -> String {
    let mut demo = demo();
    demo.metadata.resource_version = Some("2".to_owned());
    // The type first, as the API server writes it: an object before it would have to be buffered.
    let event = format!(r#"{{"type":"ADDED","object":{}}}"#, json!(demo));
    let events = format!("{event}\n{{\"type\":");
    format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{events}\r\n",
        events.len()
    )
}

/// Shared with a token that the watch never told of.
fn later() -> Agent {
    agent("later", "uid-2", published(WRONG, "uid-2"))
}

/// Waits until the links are `wanted`, by a watch that may never have been broken.
async fn wait_until(links: &Links, wanted: Freshness, patience: Duration) {
    let reached = Notify::new();
    let report = async |freshness| {
        if freshness == wanted {
            reached.notify_one();
        }
    };
    let reached = async {
        tokio::select! {
            biased;
            () = reached.notified() => {}
            () = links.report_freshness(Duration::ZERO, report) => {}
        }
    };
    timeout(patience, reached).await.unwrap_or_else(|_| panic!("the links are never {wanted:?}"));
}

#[tokio::test]
async fn a_watch_that_hangs_is_known_to_be_broken_and_what_it_did_not_tell_is_taken_in_later() {
    let (links, end, tasks) = (Links::new(), CancellationToken::new(), TaskTracker::new());
    let api = ApiServer::start(&tasks).await;
    let client = cluster::watching(&api.config, &daemon::Metrics::new("test")).unwrap();
    tasks.spawn(share::follow(client, Namespaces::All, links.clone(), end.clone()));
    let gateway = TestGateway::with(&["--wrong-tokens-per-minute=1"], links.clone()).await;
    eventually("the watch told of a link", || links.find(&token()).is_some()).await;
    let unheard = format!("/s/{}/info", wrong_token().expose());
    assert_eq!(get(&gateway, &unheard).await.status, 404);

    api.agents.send_replace(None);
    // From here the clock jumps whenever nobody has anything to do.
    pause();
    let hangs = Instant::now();
    wait_until(&links, Freshness::Stale, 2 * READ_DEADLINE).await;
    let noticed = hangs.elapsed();
    resume();
    assert!(noticed < READ_DEADLINE + Duration::from_secs(2), "{noticed:?}");
    for _ in 0..3 {
        assert_eq!(get(&gateway, &unheard).await.status, 503, "nor is it counted as wrong");
    }
    assert_eq!(get(&gateway, &link("/info")).await.status, 200);

    api.agents.send_replace(Some(vec![demo(), later()]));
    wait_until(&links, Freshness::Fresh, PATIENCE).await;
    assert_eq!(get(&gateway, &unheard).await.status, 200);
    end.cancel();
}
