//! The task of a trunk: opens its exec, passes on what comes and what is said, and ends it when nobody looks any more.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use api_types::Target;
use screen_wire::{Frame, WireError};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Trunk, Trunks,
    state::{Ended, Phase},
};
use crate::{
    exec::{
        ExecError, OPEN_DEADLINE, Over, Screen,
        channels::Protocol,
        connect,
        frames::{Frames, Outbox},
        life::{Due, LifeSigns},
        outgoing::Message,
    },
    metrics::BrokerMetrics,
};

/// How long an exec is kept without viewers: who comes again needs no other one.
const LINGER: Duration = Duration::from_mins(1);
/// How long an exec may take to end whose stdin has ended.
const END_GRACE: Duration = Duration::from_secs(2);
/// How long those who look are served once this process ends itself: longer than their sessions wait for them.
const DRAIN_GRACE: Duration = Duration::from_millis(1200);

/// Runs one trunk to its end.
pub(super) async fn run(trunks: &Trunks, trunk: &Arc<Trunk>, target: &Target, screen: &Screen) {
    let Trunks { client, metrics, shutdown, .. } = trunks;
    let opening = timeout(OPEN_DEADLINE, connect(client, target, screen));
    let opened = tokio::select! {
        biased;
        () = shutdown.cancelled() => return,
        opened = opening => opened.unwrap_or(Err(ExecError::Late)),
    };
    match opened {
        Ok(frames) => {
            let over = Hub::new(frames, trunk, metrics).serve(shutdown).await;
            if over == Over::UnknownArguments {
                let Target { namespace, pod, .. } = target;
                tracing::info!(%namespace, %pod, "the pod is of a release without trunks");
                // Nobody need ask again for a while.
                shutdown.run_until_cancelled(sleep(LINGER)).await;
            }
        }
        Err(error) => trunk.state().end(Phase::Failed(Arc::new(error))),
    }
}

pub(super) struct Hub<'a, Io> {
    frames: Frames<Io>,
    trunk: &'a Trunk,
    metrics: &'a BrokerMetrics,
    life: LifeSigns,
    /// Runs while nobody looks.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<'a, Io: AsyncRead + AsyncWrite + Unpin> Hub<'a, Io> {
    pub(super) fn new(frames: Frames<Io>, trunk: &'a Trunk, metrics: &'a BrokerMetrics) -> Self {
        Self { frames, trunk, metrics, life: LifeSigns::new(), linger: None }
    }

    /// Until the exec is over.
    pub(super) async fn serve(mut self, shutdown: &CancellationToken) -> Over {
        let drained = async {
            shutdown.cancelled().await;
            sleep(DRAIN_GRACE).await;
        };
        let over = tokio::select! {
            biased;
            () = drained => Over::Broken,
            over = poll_fn(|context| self.poll(context)) => over,
        };
        let stderr = self.frames.stderr();
        if !stderr.is_empty() {
            tracing::debug!(%stderr, "a trunk's exec ended");
        }
        let (last_written, flushed) = (self.frames.last_written(), self.frames.is_flushed());
        self.trunk.state().end(Phase::Over(Ended { over, last_written, flushed }));
        over
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Over> {
        self.trunk.said.register(context.waker());
        while let Poll::Ready(due) = self.life.poll_due(context) {
            match due {
                Due::Nothing => {}
                Due::Ping => self.trunk.state().ping(),
                Due::Silence => return Poll::Ready(Over::Silent),
            }
        }
        while let Poll::Ready(frame) = self.frames.poll_next(context, &mut Said(self.trunk)) {
            match frame.and_then(|frame| self.take(frame)) {
                Ok(()) => {}
                Err(over) => return Poll::Ready(over),
            }
        }
        self.poll_linger(context)
    }

    fn take(&mut self, frame: Frame) -> Result<(), Over> {
        if let Some(round_trip) = self.life.heard(frame == Frame::Alive) {
            self.metrics.round_trip(round_trip);
        }
        self.trunk.state().receive(frame)
    }

    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<Over> {
        let mut state = self.trunk.state();
        if !state.is_empty() {
            self.linger = None;
            return Poll::Pending;
        }
        let lingers = !matches!(state.phase(), Phase::Closing);
        let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if linger.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if !lingers {
            return Poll::Ready(Over::Broken);
        }
        state.close();
        self.linger = Some(Box::pin(sleep(END_GRACE)));
        // To say it, and to wait for the rest.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What all of a trunk say, of which a lock is held no longer than it takes to look.
struct Said<'a>(&'a Trunk);

impl Outbox for Said<'_> {
    fn is_empty(&self) -> bool {
        self.0.state().has_said_all()
    }

    fn pop(&mut self, protocol: Protocol) -> Result<Option<Message>, WireError> {
        self.0.state().pop(protocol)
    }
}
