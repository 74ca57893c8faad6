//! The gateway's way to the terminal broker: one HTTP/2 connection for all
//! sessions, made when it is needed and again when it broke.

use std::{io, path::Path, time::Duration};

use futures::Stream;
use terminal_proto::v1::{
    AttachRequest, AttachResponse, terminal_broker_client::TerminalBrokerClient,
};
use tonic::{
    Status, Streaming,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

/// A dead broker is noticed within the two together: 25 s.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What may be under way on one stream, in bytes.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// On all streams together: a viewer that stalls must not hold up the others.
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024 * 1024;
/// 64 KiB of terminal bytes, and room for what is around them.
const MESSAGE_BYTES_MAX: usize = 128 * 1024;

/// Why there is no way to the broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker's address is not a URL")]
    Address(#[source] tonic::transport::Error),
    #[error("a broker at an https:// address needs --tls-dir")]
    NoTls,
    #[error("cannot read {file}")]
    Read { file: String, source: io::Error },
    #[error("the certificates cannot be used")]
    Tls(#[source] tonic::transport::Error),
}

impl BrokerError {
    /// A stable word for metrics and alerts.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::NoTls | Self::Read { .. } | Self::Tls(_) => "tls",
        }
    }
}

/// Which replicas of the broker were asked for one terminal.
#[derive(Clone, Debug, Default)]
pub struct Tried(bool);

/// The broker. A clone uses the same connection.
#[derive(Clone, Debug)]
pub struct Broker(TerminalBrokerClient<Channel>);

impl Broker {
    /// Prepares for a broker at `url` whose certificate is for `name`. `tls` holds
    /// `ca.crt`, `tls.crt` and `tls.key`, read now; without it nothing is encrypted.
    pub async fn new(url: &str, name: &str, tls: Option<&Path>) -> Result<Self, BrokerError> {
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(BrokerError::Address)?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        match tls {
            Some(folder) => {
                let config = identity(folder).await?.domain_name(name);
                endpoint = endpoint.tls_config(config).map_err(BrokerError::Tls)?;
            }
            None if url.starts_with("https:") => return Err(BrokerError::NoTls),
            None => {}
        }
        let client = TerminalBrokerClient::new(endpoint.connect_lazy())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self(client))
    }

    /// Opens one viewer of a terminal; the contract is in terminal.proto. `tried` remembers which
    /// replicas were asked.
    pub async fn attach(
        &self,
        requests: impl Stream<Item = AttachRequest> + Send + 'static,
        tried: &mut Tried,
    ) -> Result<Streaming<AttachResponse>, Status> {
        tried.0 = true;
        Ok(self.0.clone().attach(requests).await?.into_inner())
    }

    /// Whether there is a replica that was not asked yet.
    pub fn replicas_left(&self, tried: &Tried) -> bool {
        !tried.0
    }
}

async fn identity(folder: &Path) -> Result<ClientTlsConfig, BrokerError> {
    let read = async |name: &str| {
        let path = folder.join(name);
        let failed = |source| BrokerError::Read { file: path.display().to_string(), source };
        tokio::fs::read(&path).await.map_err(failed)
    };
    let authority = Certificate::from_pem(read("ca.crt").await?);
    let own = Identity::from_pem(read("tls.crt").await?, read("tls.key").await?);
    Ok(ClientTlsConfig::new().ca_certificate(authority).identity(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_encrypted_address_without_certificates_is_refused_at_the_start() {
        let broker = Broker::new("https://broker:50051", "broker", None).await;
        assert!(matches!(broker, Err(BrokerError::NoTls)));
    }

    #[tokio::test]
    async fn a_missing_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let broker = Broker::new("https://broker:50051", "broker", Some(folder.path())).await;
        let error = broker.unwrap_err().to_string();
        assert!(error.ends_with("ca.crt"), "{error}");
    }
}
