mod addresses;
mod ages;
mod certificates;
mod fake;
mod spreading;
mod waking;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use terminal_proto::v1::{
    Open, Opened, attach_request::Request as Asked, attach_response::Response as Told,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use self::fake::{FakeBroker, Manner, Name};
use super::*;

/// The brokers behind `name`, unencrypted.
fn brokers(name: &Name) -> Broker {
    let connector = Connector { peer: None, tasks: TaskTracker::new() };
    let origin = Uri::from_static("http://broker");
    Broker::of(origin, connector, name.resolver(), CancellationToken::new())
}

/// The brokers at `fakes`.
fn brokers_at<const N: usize>(fakes: [&FakeBroker; N]) -> Broker {
    let name = Name::default();
    name.points_to(fakes.map(|fake| fake.address));
    brokers(&name)
}

/// A viewer whose terminal is open.
struct Viewer {
    /// The address of the fake that serves it.
    served_by: String,
    attached: Attached,
    requests: mpsc::Sender<AttachRequest>,
}

impl Viewer {
    /// What comes back for `input`.
    async fn echo(&mut self, input: &'static str) -> Bytes {
        let input = Asked::Input(Bytes::from_static(input.as_bytes()));
        self.requests.send(AttachRequest { request: Some(input) }).await.unwrap();
        match self.attached.responses.try_next().await.unwrap().unwrap().response {
            Some(Told::Output(bytes)) => bytes,
            other => panic!("{other:?}"),
        }
    }
}

/// Opens a terminal, at one replica.
async fn attach(broker: &Broker, tried: &mut Tried) -> Result<Viewer, Code> {
    let open = AttachRequest { request: Some(Asked::Open(Open::default())) };
    let (requests, later) = mpsc::channel(1);
    let opening = futures::stream::iter([open]).chain(ReceiverStream::new(later));
    let attached = broker.attach(opening, tried, &Span::none()).await;
    let mut attached = attached.map_err(|status| status.code())?;
    match attached.responses.try_next().await.unwrap().unwrap().response {
        Some(Told::Opened(Opened { session_id: served_by, .. })) => {
            Ok(Viewer { served_by, attached, requests })
        }
        other => panic!("{other:?}"),
    }
}

/// Opens a terminal, at one replica after the other.
async fn open(broker: &Broker) -> Result<Viewer, Code> {
    let mut tried = Tried::default();
    loop {
        let opened = attach(broker, &mut tried).await;
        if opened.is_ok() || !broker.untried(&tried) {
            return opened;
        }
    }
}

/// Lets time pass for tokio's clock. It does not go on by itself, as bytes on a socket that are
/// under way would not stop it.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
