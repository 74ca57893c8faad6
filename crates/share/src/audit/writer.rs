//! Writes Events for as long as the process runs, and a moment longer: what was reported before the
//! end is written, if the cluster takes it in time.

use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api_types::AgentId;
use futures::{StreamExt, stream::FuturesUnordered};
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, Interval, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Audit, happenings::Tallies};

/// How long the cluster may take for one Event.
const EVENT_DEADLINE: Duration = Duration::from_secs(5);
/// Events under way at a time.
const WRITES_MAX: usize = 16;
/// From one Event to the next. Many terminals may end in one instant, and an Event costs the cluster
/// as much as a hundred keystrokes: those sessions' own ends, which it carries too, come first.
pub(super) const PAUSE: Duration = Duration::from_millis(40);
/// How long the last Events may take when the process ends.
pub(super) const DRAIN_GRACE: Duration = Duration::from_secs(3);

/// One Event to be.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) reason: &'static str,
    pub(super) action: &'static str,
    pub(super) type_: EventType,
    pub(super) note: String,
    pub(super) agent: AgentId,
}

/// Turns what visits report into Events.
pub struct Writer {
    pub(super) queue: mpsc::Receiver<Entry>,
    tallies: Arc<Mutex<Tallies>>,
    counted: Arc<Notify>,
    client: Client,
    reporter: Reporter,
    lost: Counter,
}

impl Writer {
    pub(super) fn new(
        queue: mpsc::Receiver<Entry>,
        audit: &Audit,
        client: Client,
        reporter: Reporter,
    ) -> Self {
        let (tallies, counted) = (Arc::clone(&audit.tallies), Arc::clone(&audit.counted));
        Self { queue, tallies, counted, client, reporter, lost: audit.lost.clone() }
    }

    /// Writes until the last [`Audit`] is gone, and not much longer than `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN_GRACE).await;
        };
        tokio::pin!(late);
        let mut pace = interval(PAUSE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut writes = FuturesUnordered::new();
        loop {
            let entry = tokio::select! {
                biased;
                () = &mut late => return self.give_up(writes.len()),
                Some(()) = writes.next(), if !writes.is_empty() => continue,
                entry = next(&mut self.queue, &mut pace, &shutdown), if writes.len() < WRITES_MAX => entry,
                reports = minute_ended(&self.tallies, &self.counted) => {
                    writes.extend(reports.into_iter().map(|entry| self.sink().write(entry)));
                    continue;
                }
            };
            let Some(entry) = entry else { break };
            writes.push(self.sink().write(entry));
        }
        let rest = tallies(&self.tallies).rest();
        writes.extend(rest.into_iter().map(|entry| self.sink().write(entry)));
        tokio::select! {
            biased;
            () = writes.collect::<()>() => {}
            () = late => {}
        }
    }

    fn give_up(&mut self, unfinished: usize) {
        let lost = self.queue.len() + unfinished;
        if lost > 0 {
            self.lost.inc_by(lost as u64);
            tracing::warn!(lost, "the cluster did not take the last Events in time");
        }
    }

    fn sink(&self) -> Sink {
        let (client, reporter) = (self.client.clone(), self.reporter.clone());
        Sink { client, reporter, lost: self.lost.clone() }
    }
}

/// The next Event at its pace; a process that ends has no time for that. Cancel safe.
async fn next(
    queue: &mut mpsc::Receiver<Entry>,
    pace: &mut Interval,
    shutdown: &CancellationToken,
) -> Option<Entry> {
    shutdown.run_until_cancelled(pace.tick()).await;
    queue.recv().await
}

/// Waits until a minute of the tallies has ended, and returns its reports.
async fn minute_ended(of: &Mutex<Tallies>, counted: &Notify) -> Vec<Entry> {
    loop {
        let due = tallies(of).next_due();
        let ended = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = ended => {
                let reports = tallies(of).due(Instant::now());
                if !reports.is_empty() {
                    return reports;
                }
            }
            () = counted.notified() => {}
        }
    }
}

fn tallies(tallies: &Mutex<Tallies>) -> std::sync::MutexGuard<'_, Tallies> {
    tallies.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one write needs.
struct Sink {
    client: Client,
    reporter: Reporter,
    lost: Counter,
}

impl Sink {
    async fn write(self, entry: Entry) {
        let event = Event {
            type_: entry.type_,
            reason: entry.reason.to_owned(),
            action: entry.action.to_owned(),
            note: Some(entry.note),
            secondary: None,
        };
        // A recorder takes Events of one reason and object for one series and keeps the first note
        // only; a new one has nothing to compare with, so that each Event keeps its own.
        let recorder = Recorder::new(self.client, self.reporter);
        let agent = entry.agent.object_reference();
        let published = timeout(EVENT_DEADLINE, recorder.publish(&event, &agent)).await;
        let failure = match published {
            Ok(Ok(())) => return,
            // The API server's sentence is enough, without the object around it.
            Ok(Err(kube::Error::Api(status))) => status.message.clone(),
            Ok(Err(error)) => error.to_string(),
            Err(late) => late.to_string(),
        };
        self.lost.inc();
        tracing::warn!(agent = %entry.agent, reason = entry.reason, error = failure, "cannot write an Event");
    }
}
