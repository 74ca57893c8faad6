//! That gateway and broker know each other by certificate, and nobody else.

use std::path::Path;

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use gateway::broker::{Broker, Tried};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use terminal_proto::v1::{AttachRequest, Open, attach_request::Request as Asked};
use tonic::{
    Code,
    transport::{Certificate, Identity, ServerTlsConfig},
};

use crate::fake_broker::FakeBroker;

const BROKER: &str = "kubeopencode-terminal-broker";
const GATEWAY: &str = "kubeopencode-server";

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key, PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap();
        (certificate.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A broker that admits callers of this authority only.
    fn broker(&self, name: &str) -> FakeBroker {
        let (certificate, key) = self.issue(name);
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(certificate, key))
            .client_ca_root(Certificate::from_pem(self.0.pem()));
        FakeBroker::start_with(tls)
    }

    /// What is mounted into the gateway's pod, with `trusted` as its ca.crt.
    fn folder(&self, trusted: &Self) -> TempDir {
        let folder = TempDir::new().unwrap();
        let (certificate, key) = self.issue(GATEWAY);
        let write = |name: &str, content: String| {
            std::fs::write(Path::new(folder.path()).join(name), content).unwrap();
        };
        write("tls.crt", certificate);
        write("tls.key", key);
        write("ca.crt", trusted.0.pem());
        folder
    }
}

/// What the broker answers to a viewer's `open`.
async fn attach(broker: &mut FakeBroker, folder: &TempDir) -> Result<Option<Bytes>, Code> {
    let url = format!("https://{}", broker.address);
    let gateway = Broker::new(&url, BROKER, Some(folder.path())).await.unwrap();
    let open = AttachRequest { request: Some(Asked::Open(Open::default())) };
    let served = async {
        let attached = broker.attached().await;
        attached.output("hello").await;
    };
    let responses = gateway.attach(stream::iter([open]), &mut Tried::default()).await;
    let mut responses = responses.map_err(|status| status.code())?.responses;
    served.await;
    let response = responses.try_next().await.map_err(|status| status.code())?;
    Ok(response.and_then(|response| match response.response {
        Some(terminal_proto::v1::attach_response::Response::Output(bytes)) => Some(bytes),
        _ => None,
    }))
}

#[tokio::test]
async fn gateway_and_broker_of_one_authority_talk() {
    let authority = Authority::new();
    let folder = authority.folder(&authority);
    let answer = attach(&mut authority.broker(BROKER), &folder).await;
    assert_eq!(answer, Ok(Some(Bytes::from_static(b"hello"))));
}

#[tokio::test]
async fn a_token_is_not_shown_to_a_broker_of_another_name_or_authority() {
    let (authority, other) = (Authority::new(), Authority::new());
    let folder = authority.folder(&authority);
    for mut broker in [authority.broker("another-service"), other.broker(BROKER)] {
        assert_eq!(attach(&mut broker, &folder).await, Err(Code::Unavailable));
    }
}

#[tokio::test]
async fn a_broker_serves_no_stranger() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = stranger.folder(&authority);
    let answer = attach(&mut authority.broker(BROKER), &folder).await;
    assert!(answer.is_err(), "{answer:?}");
}
