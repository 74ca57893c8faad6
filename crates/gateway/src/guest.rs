//! A guest's connection: TCP as it is, where a proxy ends TLS, or TLS that ends here.

use std::io;

use daemon::{
    ReadAhead,
    connect::Slot,
    tls::{self, HANDSHAKE_DEADLINE, PublicCertificate},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// What a guest's bytes come by.
pub(crate) type Guest = Either<TcpStream, Box<TlsStream<ReadAhead<TcpStream>>>>;

/// The connection, after its handshake where there is a certificate.
pub(crate) async fn greet(
    stream: TcpStream,
    slot: &Slot,
    certificate: Option<&PublicCertificate>,
) -> io::Result<Guest> {
    let Some(certificate) = certificate else { return Ok(Either::Left(stream)) };
    let handshake = tls::accept(stream, slot, certificate.server());
    let stream = timeout(HANDSHAKE_DEADLINE, handshake).await??;
    Ok(Either::Right(Box::new(stream)))
}

/// What is below.
pub(crate) fn socket(guest: &Guest) -> &TcpStream {
    match guest {
        Either::Left(stream) => stream,
        Either::Right(stream) => stream.get_ref().0.get_ref(),
    }
}
