//! `kubeoc agent suspend` and `resume`: change `spec.suspend`, and wait until it has taken effect.

use std::cell::RefCell;

use anyhow::Context as _;
use api_types::{Agent, condition::READY};
use futures::StreamExt;
use kube::ResourceExt;

use crate::{
    cli::ScaleOptions,
    cluster::{Cluster, within},
    exit::Failure,
    now, patch, print, report_wait,
    state::{PENDING, STARTING, State, asleep_since},
    stored::Stored,
};

/// What a command waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Suspended,
    Ready,
}

pub(crate) async fn suspend(options: &ScaleOptions) -> anyhow::Result<()> {
    run(options, Goal::Suspended).await
}

pub(crate) async fn resume(options: &ScaleOptions) -> anyhow::Result<()> {
    run(options, Goal::Ready).await
}

async fn run(options: &ScaleOptions, goal: Goal) -> anyhow::Result<()> {
    let place = &options.target.place;
    let cluster = Cluster::connect(place).await?;
    let waiting_for = RefCell::new("the API server".to_owned());
    // On the heap: an Agent is large, and so is what waits for one.
    let work = Box::pin(async {
        let patched = change(&cluster, &options.target.name, goal).await?;
        if options.no_wait { Ok(()) } else { wait(&cluster, &patched, goal, &waiting_for).await }
    });
    within(place.timeout, work, || waiting_for.borrow().clone()).await?;
    let agent = format!("{}/{}", cluster.namespace, options.target.name);
    print(&match (goal, options.no_wait) {
        (Goal::Suspended, false) => format!("Agent {agent} is suspended\n"),
        (Goal::Ready, false) => format!("Agent {agent} is ready\n"),
        (Goal::Suspended, true) => format!("Agent {agent} is to be suspended\n"),
        (Goal::Ready, true) => format!("Agent {agent} is to be resumed\n"),
    })
}

async fn change(cluster: &Cluster, name: &str, goal: Goal) -> anyhow::Result<Stored<Agent>> {
    match goal {
        Goal::Suspended => cluster.patch(name, &patch::suspend()).await,
        Goal::Ready => {
            let patched = cluster.patch(name, &patch::resume()).await?;
            match patched.object.status.as_ref().and_then(asleep_since) {
                Some(since) => cluster.patch(name, &patch::wake(now(), since)?).await,
                None => Ok(patched),
            }
        }
    }
}

async fn wait(
    cluster: &Cluster,
    patched: &Stored<Agent>,
    goal: Goal,
    waiting_for: &RefCell<String>,
) -> anyhow::Result<()> {
    let mut agents = cluster.watch_agent(patched.name());
    while let Some(agent) = agents.next().await {
        let agent = agent?.filter(|agent| agent.object.uid() == patched.object.uid());
        let agent = agent.context(Failure::NotFound("the agent was deleted".to_owned()))?;
        match missing(&agent, patched.object.metadata.generation, goal) {
            None => return Ok(()),
            Some(what) => report_wait(waiting_for, what),
        }
    }
    anyhow::bail!("the API server ended the watch")
}

/// What is missing until the goal of `generation` is reached.
fn missing(agent: &Stored<Agent>, generation: Option<i64>, goal: Goal) -> Option<String> {
    let observed = agent.object.status.as_ref();
    let observed = observed.filter(|observed| observed.observed_generation >= generation);
    let Some(observed) = observed else {
        return Some("the controller to observe the change".to_owned());
    };
    let state = State::of(&agent.object, agent.unreadable.as_deref());
    match goal {
        Goal::Suspended if observed.suspended => None,
        Goal::Suspended => Some(match state.word.as_str() {
            READY | STARTING | PENDING => "the controller to stop the agent's pod".to_owned(),
            _ => format!("the controller to stop the agent's pod: {}", state.message),
        }),
        Goal::Ready if state.word == READY => None,
        Goal::Ready => Some(format!("the agent to be ready: {}", state.message)),
    }
}

#[cfg(test)]
mod tests;
