//! What controllers hear of who uses which agent.

use std::time::Duration;

use api_types::{Agent, AgentId};
use fixtures::{demo, token};
use terminal_proto::v1::{
    ActivitySnapshot, AgentActivity, AgentIdentity, Open, watch_activity_response::Event,
};
use tonic::Code;

use crate::test_broker::{TestBroker, Watch, agent, open, soon};

fn activity(agent: &Agent, terminals: u32) -> AgentActivity {
    let AgentId { namespace, name, uid } = AgentId::of(agent);
    AgentActivity { agent: Some(AgentIdentity { namespace, name, uid }), terminals }
}

#[tokio::test]
async fn a_watch_begins_with_all_terminals_and_goes_on_with_each_change() {
    let mut broker = TestBroker::start().await;
    let first = broker.attach(open()).await.unwrap();
    let first_exec = broker.pods.exec().await;
    let mut watch = Watch::begin(broker.controller().await).await.unwrap();
    let snapshot = Event::Snapshot(ActivitySnapshot { agents: vec![activity(&demo(), 1)] });
    assert_eq!(watch.next().await, snapshot);

    let second = Open { token: token(2).expose().to_owned(), ..open() };
    let _second = broker.attach(second).await.unwrap();
    assert_eq!(watch.next().await, Event::Activity(activity(&agent(2), 1)));
    drop(first);
    first_exec.hears_of_leaving().await;
    assert_eq!(watch.next().await, Event::Activity(activity(&demo(), 0)));
}

#[tokio::test]
async fn a_controller_that_does_not_read_holds_up_nobody_and_reads_merged_changes_later() {
    let mut broker = TestBroker::start().await;
    let mut slow = Watch::begin(broker.slow_controller().await).await.unwrap();
    let mut watch = broker.watch().await;
    for _ in 0..40 {
        let viewer = broker.attach(open()).await.unwrap();
        let exec = broker.pods.exec().await;
        drop(viewer);
        exec.hears_of_leaving().await;
        while watch.next().await != Event::Activity(activity(&demo(), 0)) {}
    }
    let second = Open { token: token(2).expose().to_owned(), ..open() };
    let _second = broker.attach(second).await.unwrap();
    let mut read = 0;
    while slow.next().await != Event::Activity(activity(&agent(2), 1)) {
        read += 1;
    }
    assert!(read < 40, "{read} of 80 changes were queued");
}

#[tokio::test]
async fn watches_are_bounded() {
    let broker = TestBroker::start().await;
    let controller = broker.controller().await;
    let mut watches = Vec::new();
    for _ in 0..16 {
        watches.push(Watch::begin(controller.clone()).await.unwrap());
    }
    let refused = Watch::begin(controller).await.err().unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_watch_ends_with_the_broker() {
    let broker = TestBroker::start().await;
    let mut watch = broker.watch().await;
    let _silent = broker.watch().await;
    broker.daemon.shutdown.cancel();
    broker.daemon.tasks.close();
    assert_eq!(watch.end_or_next().await.unwrap(), None);
    soon(Duration::from_secs(2), broker.daemon.tasks.wait()).await;
}
