//! Tells what happened to terminals: a log line at once, and an Event on the Agent when the cluster takes
//! it. It must never hold up a session, and knows links only by the start of a digest.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Resource as _,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use api_types::Agent;

use crate::{closing::End, metrics::BrokerMetrics, sessions::Facts};

/// Events that may wait for the cluster; one more is dropped, its log line stays.
const QUEUED_EVENTS: usize = 256;
/// How long the cluster may take for one Event.
const EVENT_DEADLINE: Duration = Duration::from_secs(5);
/// How long the last Events may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where sessions report to. A clone is the same journal.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    queue: mpsc::Sender<Entry>,
    metrics: BrokerMetrics,
}

/// What Events come out of.
pub(crate) struct Writer {
    queue: mpsc::Receiver<Entry>,
    client: Client,
    reporter: Reporter,
    metrics: BrokerMetrics,
}

/// One Event to be.
#[derive(Debug)]
struct Entry {
    reason: &'static str,
    action: &'static str,
    note: String,
    agent: ObjectReference,
}

/// What a session came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub(crate) end: End,
    pub(crate) duration: Duration,
    pub(crate) input_bytes: u64,
    pub(crate) output_bytes: u64,
}

/// A journal, and the writer of its Events, which somebody must run.
pub(crate) fn journal(
    client: Client,
    reporter: Reporter,
    metrics: BrokerMetrics,
) -> (Journal, Writer) {
    let (sender, queue) = mpsc::channel(QUEUED_EVENTS);
    let journal = Journal { queue: sender, metrics: metrics.clone() };
    (journal, Writer { queue, client, reporter, metrics })
}

impl Journal {
    pub(crate) fn opened(&self, facts: &Facts, agent_uid: &str) {
        let (link, client, session) = (facts.link_id(), facts.client, facts.id);
        tracing::info!(%session, agent = %facts.agent, link, %client, "terminal opened");
        let note = format!("Link {link} was opened from {client}, session {session}");
        self.publish("TerminalOpened", "OpenTerminal", note, reference(facts, agent_uid));
    }

    pub(crate) fn closed(&self, facts: &Facts, agent_uid: &str, sum: Sum) {
        let (link, client, session) = (facts.link_id(), facts.client, facts.id);
        let Sum { input_bytes, output_bytes, .. } = sum;
        let (reason, seconds) = (sum.end.category(), sum.duration.as_secs());
        tracing::info!(
            %session, agent = %facts.agent, link, %client, reason, seconds, input_bytes, output_bytes,
            "terminal closed"
        );
        let note = format!(
            "Link {link} from {client}, session {session}: {reason} after {seconds} s, \
             {input_bytes} bytes typed, {output_bytes} bytes shown"
        );
        self.publish("TerminalClosed", "CloseTerminal", note, reference(facts, agent_uid));
    }

    fn publish(
        &self,
        reason: &'static str,
        action: &'static str,
        note: String,
        agent: ObjectReference,
    ) {
        if self.queue.try_send(Entry { reason, action, note, agent }).is_err() {
            self.metrics.event_lost();
        }
    }
}

fn reference(facts: &Facts, agent_uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some(Agent::api_version(&()).into_owned()),
        kind: Some(Agent::kind(&()).into_owned()),
        namespace: Some(facts.agent.namespace.clone()),
        name: Some(facts.agent.name.clone()),
        uid: Some(agent_uid.to_owned()),
        ..ObjectReference::default()
    }
}

impl Writer {
    /// Writes until the last journal is gone, and not much longer than `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let too_late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::pin!(too_late);
        loop {
            let entry = tokio::select! {
                biased;
                () = &mut too_late => return,
                entry = self.queue.recv() => entry,
            };
            let Some(entry) = entry else { return };
            tokio::select! {
                biased;
                () = &mut too_late => return,
                () = self.write(entry) => {}
            }
        }
    }

    async fn write(&self, entry: Entry) {
        let event = Event {
            type_: EventType::Normal,
            reason: entry.reason.to_owned(),
            action: entry.action.to_owned(),
            note: Some(entry.note),
            secondary: None,
        };
        // A recorder takes Events of one reason and object for one series and keeps the first note only;
        // a new one has nothing to compare with, so that each session keeps its own.
        let recorder = Recorder::new(self.client.clone(), self.reporter.clone());
        let published = timeout(EVENT_DEADLINE, recorder.publish(&event, &entry.agent)).await;
        let failure = match published {
            Ok(Ok(())) => return,
            // The API server's sentence is enough, without the object around it.
            Ok(Err(kube::Error::Api(status))) => status.message.clone(),
            Ok(Err(error)) => error.to_string(),
            Err(late) => late.to_string(),
        };
        self.metrics.event_lost();
        tracing::warn!(reason = event.reason, error = failure, "an Event could not be written");
    }
}

#[cfg(test)]
mod tests;
