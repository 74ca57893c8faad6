//! One viewer's terminal from its opening to its end. It is one task: whatever ends it drops the rest,
//! and nothing of a session outlives it.

use std::{sync::Arc, time::Duration};

use futures::Stream;
use terminal_proto::v1::AttachRequest;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    broker::Place,
    closing::End,
    credit::Credit,
    exec::{self, Exec},
    from_pod::{self, FromPodTo},
    gate::Gate,
    journal::Sum,
    link::Standing,
    opening::Size,
    responses::Speaker,
    to_pod::{self, ToPod},
    viewer::{self, ViewerTo},
};

/// Input messages that may wait for the pod, each at most 64 KiB: 1 MiB.
const QUEUED_INPUTS: usize = 16;

/// Everything one session is made of.
pub(crate) struct Session<S> {
    /// Its place among the open sessions, free again when dropped.
    pub(crate) place: Place,
    pub(crate) standing: Standing,
    pub(crate) requests: S,
    pub(crate) speaker: Speaker,
    pub(crate) exec: Exec,
    pub(crate) size: Size,
    pub(crate) credit: Credit,
    pub(crate) shutdown: CancellationToken,
}

impl<S> Session<S>
where
    S: Stream<Item = Result<AttachRequest, Status>> + Unpin,
{
    /// Serves the viewer until anything ends that.
    pub(crate) async fn run(self) {
        let Self { place, standing, mut requests, speaker, mut exec, size, credit, shutdown } =
            self;
        let opened = Instant::now();
        place.opened();

        let gate = Gate::new(credit);
        let (size, sizes) = watch::channel(size);
        let (input, inputs) = mpsc::channel(QUEUED_INPUTS);
        let ping = Arc::new(Notify::new());
        let counters = place.counters();
        let viewer = ViewerTo { gate: &gate, input, size, counters };
        let to_pod = ToPod { ping: Arc::clone(&ping), size: sizes, input: inputs };
        let from_pod = FromPodTo { gate: &gate, outputs: &speaker.outputs, ping: &ping, counters };

        // In the order of their rights: who may end the session, what the viewer typed, what it shall see.
        let end = tokio::select! {
            biased;
            () = shutdown.cancelled() => End::Draining,
            () = place.closed_by_request() => End::Closed,
            denial = standing.lost() => End::Denied(denial),
            () = speaker.outputs.closed() => End::ViewerLeft,
            end = viewer::read(&mut requests, viewer) => end,
            lost = to_pod::write(&mut exec.sink, to_pod) => End::Lost(lost),
            end = from_pod::read(&mut exec.stream, from_pod) => end,
        };
        speaker.finish(end);
        place.closed(sum(end, opened.elapsed(), &place));
        drop(place);
        exec::hang_up(exec.sink, exec.protocol).await;
    }
}

fn sum(end: End, duration: Duration, place: &Place) -> Sum {
    let counters = place.counters();
    Sum { end, duration, input_bytes: counters.input(), output_bytes: counters.output() }
}
