//! `kubeoc agent logs`: what a container of an agent's pod printed, as it arrives.

mod choice;

use std::pin::pin;

use anyhow::Context as _;
use api_types::{Agent, names};
use futures::{AsyncBufRead, AsyncBufReadExt};
use kube::api::LogParams;

use crate::{
    Reader,
    cli::LogsOptions,
    cluster::{Cluster, answer},
    exit::Failure,
    state::State,
    write,
};
use choice::{Choice, Run, choose};

pub(crate) async fn run(options: &LogsOptions) -> anyhow::Result<()> {
    let place = &options.target.place;
    let cluster = Cluster::connect(place).await?;
    // What follows may take as long as the container runs.
    copy(answer(place.timeout, open(&cluster, options)).await?).await
}

async fn open(
    cluster: &Cluster,
    options: &LogsOptions,
) -> anyhow::Result<impl AsyncBufRead + use<>> {
    let name = options.target.name.as_str();
    // Before the pods: no pod and no agent are told apart.
    let agent = cluster.get::<Agent>(name).await?;
    let pods = cluster.pods(name).await?;
    let container = options.container.as_deref().unwrap_or(names::SERVER_CONTAINER);
    let run = if options.previous { Run::Previous } else { Run::Current };
    let (pod, container) = match choose(&pods, container, run) {
        Choice::Of { pod, container } => (pod, container),
        other => {
            let State { word, message } = State::of(&agent.object, agent.unreadable.as_deref());
            let state = if message.is_empty() { word } else { message };
            return Err(Failure::NotFound(other.sentence(&state)).into());
        }
    };
    let parameters = LogParams {
        container: Some(container),
        follow: options.follow,
        previous: options.previous,
        tail_lines: options.tail.filter(|lines| *lines >= 0),
        since_seconds: options.since.map(|since| seconds(since.as_secs())),
        ..LogParams::default()
    };
    cluster.logs(&pod, &parameters).await
}

/// The API server takes whole seconds, one at least.
fn seconds(since: u64) -> i64 {
    i64::try_from(since).unwrap_or(i64::MAX).max(1)
}

/// One piece at a time, however long the log. Ends where the reader has gone.
async fn copy(logs: impl AsyncBufRead) -> anyhow::Result<()> {
    let mut logs = pin!(logs);
    loop {
        let piece = logs.fill_buf().await.context("the log was cut off")?;
        if piece.is_empty() {
            return Ok(());
        }
        let length = piece.len();
        if write(piece)? == Reader::Gone {
            return Ok(());
        }
        logs.consume_unpin(length);
    }
}
