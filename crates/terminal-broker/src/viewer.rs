//! Reads a viewer's stream after its opening: input, sizes and acknowledgements.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use terminal_proto::v1::{AttachRequest, attach_request::Request};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tonic::Status;

use crate::{
    closing::{End, Lost, Violation},
    counters::Counters,
    gate::Gate,
    opening::{MAX_INPUT_BYTES, Size},
};

/// How long the pod may refuse input. Acknowledgements wait behind it, so a pod that reads nothing until
/// its output is taken would otherwise be waited for without end.
const INPUT_PATIENCE: Duration = Duration::from_secs(10);

/// Where what the viewer says goes to.
pub(crate) struct ViewerTo<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) input: mpsc::Sender<Bytes>,
    pub(crate) size: watch::Sender<Size>,
    pub(crate) counters: &'a Counters,
}

/// Reads until the viewer leaves or breaks the contract.
pub(crate) async fn read<S>(stream: &mut S, to: ViewerTo<'_>) -> End
where
    S: Stream<Item = Result<AttachRequest, Status>> + Unpin,
{
    while let Some(Ok(AttachRequest { request })) = stream.next().await {
        let taken = match request {
            Some(Request::Input(bytes)) => to.input(bytes).await,
            Some(Request::Resize(size)) => to.resize(size),
            Some(Request::Ack(bytes)) => {
                to.gate.acknowledge(bytes);
                Ok(())
            }
            Some(Request::Open(_)) => Err(End::Violation(Violation::OpenedTwice)),
            // A kind of request that a newer caller knows.
            None => Ok(()),
        };
        if let Err(end) = taken {
            return end;
        }
    }
    End::ViewerLeft
}

impl ViewerTo<'_> {
    async fn input(&self, bytes: Bytes) -> Result<(), End> {
        if bytes.len() > MAX_INPUT_BYTES {
            return Err(End::Violation(Violation::OversizeInput));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        self.counters.add_input(bytes.len());
        match timeout(INPUT_PATIENCE, self.input.send(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Lost(Lost::Broken)),
            Err(_) => Err(End::Lost(Lost::Stuck)),
        }
    }

    fn resize(&self, size: terminal_proto::v1::Size) -> Result<(), End> {
        let size = Size::parse(size).map_err(End::Violation)?;
        self.size.send_replace(size);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::stream;
    use prometheus_client::registry::Registry;
    use tokio::time::Instant;

    use super::*;
    use crate::{credit::Credit, metrics::BrokerMetrics};

    const ANY_SIZE: Size = Size { columns: 80, rows: 24 };

    /// Reads `requests` and then nothing; the pod takes one input message and no more.
    async fn read_all(requests: Vec<Request>) -> End {
        let gate = Gate::new(Credit::new(0));
        let counters = Counters::new(&BrokerMetrics::register(&mut Registry::default()));
        let (input, _untaken) = mpsc::channel(1);
        let (size, _sizes) = watch::channel(ANY_SIZE);
        let requests =
            requests.into_iter().map(|request| Ok(AttachRequest { request: Some(request) }));
        let to = ViewerTo { gate: &gate, input, size, counters: &counters };
        read(&mut pin!(stream::iter(requests)), to).await
    }

    #[tokio::test]
    async fn ends() {
        let oversize = Request::Input(vec![b'x'; MAX_INPUT_BYTES + 1].into());
        let no_size = Request::Resize(terminal_proto::v1::Size { columns: 0, rows: 24 });
        let cases = [
            ("the end of the stream", vec![], End::ViewerLeft),
            (
                "the most of input",
                vec![Request::Input(vec![b'x'; MAX_INPUT_BYTES].into())],
                End::ViewerLeft,
            ),
            ("too much input", vec![oversize], End::Violation(Violation::OversizeInput)),
            ("a size of nothing", vec![no_size], End::Violation(Violation::Size)),
        ];
        for (name, requests, expected) in cases {
            assert_eq!(read_all(requests).await, expected, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_that_takes_no_input_is_given_up_after_10_s() {
        let start = Instant::now();
        let end = read_all(vec![Request::Input("a".into()), Request::Input("b".into())]).await;
        assert_eq!(end, End::Lost(Lost::Stuck));
        assert_eq!(start.elapsed(), INPUT_PATIENCE);
    }
}
