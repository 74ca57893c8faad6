//! What controllers that watch are told, in the words of the contract.

use api_types::AgentId;
use futures::{Stream, stream};
use terminal_proto::v1::{
    ActivitySnapshot, AgentActivity, AgentIdentity, WatchActivityResponse,
    watch_activity_response::Event as Told,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::activity::{Event, Overrun, Watcher};

/// What `watcher` reads until the shutdown, or until it is cut off for reading too slowly. Nothing is
/// read ahead of what the connection takes.
pub(super) fn responses(
    watcher: Watcher,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<WatchActivityResponse, Status>> + Send {
    stream::unfold(Some(watcher), move |watcher| {
        let shutdown = shutdown.clone();
        async move {
            let mut watcher = watcher?;
            match shutdown.run_until_cancelled(watcher.next()).await? {
                Ok(event) => Some((Ok(response(event)), Some(watcher))),
                Err(Overrun) => Some((Err(Status::resource_exhausted(OVERRUN)), None)),
            }
        }
    })
}

const OVERRUN: &str = "the watch is read too slowly; begin another one";

fn response(event: Event) -> WatchActivityResponse {
    let told = match event {
        Event::Snapshot(agents) => {
            let agents = agents.into_iter().map(|(agent, terminals)| activity(agent, terminals));
            Told::Snapshot(ActivitySnapshot { agents: agents.collect() })
        }
        Event::Terminals(agent, terminals) => Told::Activity(activity(agent, terminals)),
        Event::Wake(agent) => Told::Wake(identity(agent)),
    };
    WatchActivityResponse { event: Some(told) }
}

fn activity(agent: AgentId, terminals: u32) -> AgentActivity {
    AgentActivity { agent: Some(identity(agent)), terminals }
}

fn identity(agent: AgentId) -> AgentIdentity {
    let AgentId { namespace, name, uid } = agent;
    AgentIdentity { namespace, name, uid }
}
