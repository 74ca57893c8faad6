//! Tells an agent's owner, by an Event on the Agent, that somebody with its link
//! was turned away. A flood of visitors is not a flood of API writes: what comes
//! within a minute of a report is only counted, and told with the next one.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use api_types::Agent;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use share::{
    index::{AgentRef, SharedAgent},
    verdict::Denial,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// The least time between two reports on one agent.
const REPORT_INTERVAL: Duration = Duration::from_mins(1);
/// Agents that are counted apart; beyond them nothing is reported, only measured.
const AGENTS_MAX: usize = 1024;
/// How long the API server may take for one Event.
const EVENT_DEADLINE: Duration = Duration::from_secs(5);
/// Reports that wait for the API server; more are dropped.
const WAITING_MAX: usize = 64;

/// One Event to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    agent: AgentRef,
    uid: String,
    note: String,
}

/// The denials since each agent's last report. Pure.
#[derive(Debug, Default)]
struct Tally(HashMap<AgentRef, Entry>);

#[derive(Debug)]
struct Entry {
    reported: Instant,
    since: u64,
}

impl Tally {
    /// Counts one denial. Returns how many there were since the last report, this
    /// one included, when it is time for another.
    fn count(&mut self, agent: &AgentRef, now: Instant) -> Option<u64> {
        if let Some(entry) = self.0.get_mut(agent) {
            entry.since += 1;
            let due = now.duration_since(entry.reported) >= REPORT_INTERVAL;
            return due.then(|| {
                entry.reported = now;
                std::mem::take(&mut entry.since)
            });
        }
        if self.0.len() >= AGENTS_MAX {
            self.0.retain(|_, entry| now.duration_since(entry.reported) < REPORT_INTERVAL);
        }
        if self.0.len() >= AGENTS_MAX {
            return None;
        }
        self.0.insert(agent.clone(), Entry { reported: now, since: 0 });
        Some(1)
    }
}

/// Where denials are reported. Never waits.
#[derive(Debug)]
pub struct Denials {
    tally: Mutex<Tally>,
    reports: mpsc::Sender<Report>,
}

impl Denials {
    /// The second is for [`publish`].
    pub fn new() -> (Self, mpsc::Receiver<Report>) {
        let (reports, receiver) = mpsc::channel(WAITING_MAX);
        (Self { tally: Mutex::default(), reports }, receiver)
    }

    /// Counts the denial of a visit from `client` to an agent that exists.
    pub fn count(&self, shared: &SharedAgent, denial: Denial, client: IpAddr) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = tally.count(&shared.agent, Instant::now()) else { return };
        drop(tally);

        let reason = denial.category();
        tracing::info!(agent = %shared.agent, %client, reason, count, "visits denied");
        let note = match count {
            1 => format!("A visit to the share link from {client} was denied: {reason}"),
            _ => format!(
                "{count} visits to the share link were denied, the last from {client}: {reason}"
            ),
        };
        let report = Report { agent: shared.agent.clone(), uid: shared.uid.clone(), note };
        // A full queue means an API server in trouble: the log and the metrics have it.
        let _ = self.reports.try_send(report);
    }
}

/// Writes reports as Events until `shutdown`. `instance` names this process.
pub async fn publish(
    client: Client,
    instance: Option<String>,
    mut reports: mpsc::Receiver<Report>,
    shutdown: CancellationToken,
) {
    let reporter = Reporter { controller: "kubeopencode-server".to_owned(), instance };
    loop {
        let report = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            report = reports.recv() => report,
        };
        let Some(report) = report else { return shutdown.cancelled().await };
        // A recorder keeps the first note of a series only, so each report has its own.
        let recorder = Recorder::new(client.clone(), reporter.clone());
        let (event, agent) = (event(&report), reference(&report));
        match timeout(EVENT_DEADLINE, recorder.publish(&event, &agent)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(agent = %report.agent, %error, "cannot write an Event");
            }
            Err(_late) => tracing::warn!(agent = %report.agent, "an Event was not taken in time"),
        }
    }
}

fn event(report: &Report) -> Event {
    Event {
        type_: EventType::Warning,
        reason: "ShareDenied".to_owned(),
        note: Some(report.note.clone()),
        action: "Visit".to_owned(),
        secondary: None,
    }
}

fn reference(report: &Report) -> ObjectReference {
    ObjectReference {
        api_version: Some(Agent::api_version(&()).into_owned()),
        kind: Some(Agent::kind(&()).into_owned()),
        namespace: Some(report.agent.namespace.clone()),
        name: Some(report.agent.name.clone()),
        uid: Some(report.uid.clone()),
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests;
