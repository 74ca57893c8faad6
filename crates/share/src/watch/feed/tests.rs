use std::{
    cell::RefCell,
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use fixtures::{agent, demo, published, token};
use futures::stream::{self, BoxStream};
use http::{Request, Response};
use kube::client::Body;
use serde_json::json;
use tower_test::mock;

use super::*;
use crate::watch::Freshness;

type Item = watcher::Result<Event<ObservedAgent>>;

fn object(agent: &Agent) -> ObservedAgent {
    serde_json::from_value(serde_json::to_value(agent).unwrap()).unwrap()
}

fn other() -> Agent {
    agent("other", "uid-2", published(2, "uid-2"))
}

fn listing(agents: &[Agent]) -> Vec<Item> {
    let each = agents.iter().map(|agent| Event::InitApply(object(agent)));
    [Event::Init].into_iter().chain(each).chain([Event::InitDone]).map(Ok).collect()
}

fn failure() -> Item {
    Err(watcher::Error::NoResourceVersion)
}

fn quiet_after(items: Vec<Item>) -> BoxStream<'static, Item> {
    stream::iter(items).chain(stream::pending()).boxed()
}

/// Feeds from each of `streams` in turn until all is quiet for a minute.
async fn fed(links: &Links, streams: Vec<BoxStream<'static, Item>>) {
    fed_of(links, None, streams).await;
}

async fn fed_of(links: &Links, namespace: Option<&str>, streams: Vec<BoxStream<'static, Item>>) {
    let streams = RefCell::new(VecDeque::from(streams));
    let open = || streams.borrow_mut().pop_front().unwrap_or_else(|| stream::pending().boxed());
    let quiet = tokio::time::sleep(Duration::from_mins(1));
    tokio::select! {
        biased;
        () = keep_fed(links, namespace, open) => unreachable!("it feeds for ever"),
        () = quiet => {}
    }
}

#[tokio::test(start_paused = true)]
async fn events_open_and_close_links() {
    let links = Links::new();
    assert!(!links.is_watching());

    let mut events = listing(&[demo()]);
    events.push(Ok(Event::Apply(object(&other()))));
    events.push(Ok(Event::Delete(object(&demo()))));
    fed(&links, vec![quiet_after(events)]).await;

    assert!(links.is_watching());
    assert!(links.find(&token(1)).is_none());
    assert!(links.find(&token(2)).is_some());
}

#[tokio::test(start_paused = true)]
async fn half_a_listing_changes_nothing() {
    let links = Links::with([demo()]);
    let half = vec![Ok(Event::Init), Ok(Event::InitApply(object(&other()))), failure()];
    fed(&links, vec![stream::iter(half).boxed()]).await;

    assert!(links.find(&token(1)).is_some(), "an outage revokes nothing");
    assert!(links.find(&token(2)).is_none());
    assert_eq!(links.freshness(Duration::from_mins(1)), Freshness::Fresh);
    assert_eq!(links.freshness(Duration::from_secs(59)), Freshness::Stale);
}

#[tokio::test(start_paused = true)]
async fn an_agent_deleted_during_an_outage_is_revoked_by_the_next_listing() {
    let links = Links::new();
    let mut before = listing(&[demo(), other()]);
    before.push(failure());
    let unreachable = stream::iter([failure()]).boxed();
    fed(&links, vec![stream::iter(before).boxed(), unreachable, quiet_after(listing(&[other()]))])
        .await;

    assert!(links.find(&token(1)).is_none());
    assert!(links.find(&token(2)).is_some());
    assert!(links.is_watching());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_back_is_met_within_two_seconds_however_long_it_was_gone() {
    let links = Links::new();
    let tried = RefCell::new(vec![Instant::now()]);
    let open = || {
        tried.borrow_mut().push(Instant::now());
        stream::iter([failure()])
    };
    let gone = tokio::time::sleep(Duration::from_mins(10));
    tokio::select! {
        biased;
        () = keep_fed(&links, None, open) => unreachable!("it feeds for ever"),
        () = gone => {}
    }
    let tried = tried.into_inner();
    assert!((300..1200).contains(&tried.len()), "{} tries", tried.len());
    let longest = tried.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    assert!(longest <= Duration::from_secs(2), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_cannot_be_read_closes_its_own_link_only() {
    let links = Links::new();
    let mut unreadable = serde_json::to_value(demo()).unwrap();
    unreadable["spec"]["share"]["expiresAt"] = json!("next week");
    let mut events = listing(&[demo(), other()]);
    events.push(Ok(Event::Apply(serde_json::from_value(unreadable).unwrap())));
    fed(&links, vec![quiet_after(events)]).await;

    assert!(links.find(&token(1)).is_none());
    assert!(links.find(&token(2)).is_some());
    assert!(links.is_watching());
}

/// Of `team-b`.
fn elsewhere() -> Agent {
    let mut agent = agent("elsewhere", "uid-3", published(3, "uid-3"));
    agent.metadata.namespace = Some("team-b".into());
    agent
}

#[tokio::test(start_paused = true)]
async fn links_are_known_once_each_namespace_was_listed_and_each_list_is_of_its_own() {
    const GRACE: Duration = Duration::from_mins(10);
    let links = Links::new();
    links.begin(&"team-a,team-b".parse().unwrap());
    fed_of(&links, Some("team-a"), vec![quiet_after(listing(&[demo(), other()]))]).await;
    assert_eq!(links.freshness(GRACE), Freshness::Starting, "team-b was not listed");
    assert!(!links.is_watching());
    fed_of(&links, Some("team-b"), vec![quiet_after(listing(&[elsewhere()]))]).await;
    assert_eq!(links.freshness(GRACE), Freshness::Fresh);

    links.broke(Some("team-b"), Instant::now());
    fed_of(&links, Some("team-a"), vec![quiet_after(listing(&[other()]))]).await;
    assert_eq!(links.find(&token(1)), None, "it is gone");
    assert!(links.find(&token(2)).is_some() && links.find(&token(3)).is_some());
    assert!(!links.is_watching(), "a link that is not known may be of team-b");
    assert_eq!(links.freshness(Duration::from_mins(1)), Freshness::Fresh);
    assert_eq!(links.freshness(Duration::from_secs(59)), Freshness::Stale);

    fed_of(&links, Some("team-b"), vec![quiet_after(listing(&[]))]).await;
    assert!(links.is_watching());
    assert_eq!(links.find(&token(3)), None);
    assert!(links.find(&token(2)).is_some());
}

/// An API server that lists of each path one Agent, and what it was asked.
async fn asked_for(namespaces: &str, links: &Links) -> BTreeSet<String> {
    let (service, mut api) = mock::pair::<Request<Body>, Response<Body>>();
    let client = Client::new(service, "default");
    let feeding =
        follow(client, namespaces.parse().unwrap(), links.clone(), CancellationToken::new());
    let mut asked = BTreeSet::new();
    // Whose watches hang.
    let mut open = Vec::new();
    let answering = async {
        while let Some((request, reply)) = api.next_request().await {
            let path = request.uri().path().to_owned();
            if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                asked.insert(format!("{path}?watch"));
                open.push(reply);
                continue;
            }
            let agent = if path.contains("team-b") { elsewhere() } else { demo() };
            let list = json!({ "metadata": { "resourceVersion": "1" }, "items": [agent] });
            asked.insert(path);
            reply.send_response(Response::new(Body::from(list.to_string().into_bytes())));
        }
    };
    tokio::select! {
        biased;
        () = feeding => unreachable!("it feeds for ever"),
        () = answering => {}
        () = tokio::time::sleep(Duration::from_secs(5)) => {}
    }
    asked
}

#[tokio::test(start_paused = true)]
async fn only_the_namespaces_that_are_named_are_asked_for() {
    let of = |namespaces: &[&str]| -> BTreeSet<String> {
        let path = |namespace| {
            let folder = "/apis/kubeopencode.io/v1alpha1/namespaces";
            let path = format!("{folder}/{namespace}/agents");
            [format!("{path}?watch"), path]
        };
        namespaces.iter().flat_map(path).collect()
    };
    let links = Links::new();
    assert_eq!(asked_for("team-a", &links).await, of(&["team-a"]));
    assert!(links.is_watching() && links.find(&token(1)).is_some());

    let links = Links::new();
    assert_eq!(asked_for("team-a,team-b", &links).await, of(&["team-a", "team-b"]));
    assert!(links.is_watching());
    assert!(links.find(&token(1)).is_some() && links.find(&token(3)).is_some());

    let whole = "/apis/kubeopencode.io/v1alpha1/agents";
    let asked = asked_for("", &Links::new()).await;
    assert_eq!(asked, [whole.to_owned(), format!("{whole}?watch")].into());
}
